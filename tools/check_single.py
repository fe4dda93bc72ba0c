"""Reads each source of the library and the program alone, with clang: shows a missing include, and code that only one
compiler takes. Nothing is written but a precompiled header in the build folder.

The default build joins eight sources into one object, in which a source may live on its neighbour's includes.
    python tools/check_single.py BUILD_FOLDER      a build configured by `cmake --preset single`
"""

import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLANG = "clang++-14"  # half of g++'s time, which does what the precompiled header left for later once a source


def flags_of(words):
    """What clang is to know of a source: where headers lie and what is defined."""
    kept = []
    for number, word in enumerate(words):
        if word.startswith(("-I", "-D", "-std=")):
            kept.append(word)
        elif word == "-isystem":
            kept += words[number:number + 2]
    return kept


def precompiled(entries, build):
    """The project's precompiled header as clang wants it."""
    source = next(entry for entry in entries if entry["file"].endswith("cmake/pch.cpp"))
    header = build / "pch.h.clang"
    subprocess.run([CLANG, *flags_of(shlex.split(source["command"])), "-w", "-x", "c++-header", "-Xclang",
                    "-fpch-instantiate-templates", ROOT / "cmake/pch.h", "-o", header], check=True)
    return header


def read_alone(entry, header):
    """What clang says of a source, empty where that is nothing."""
    words = shlex.split(entry["command"])
    shared = ["-include-pch", header] if "-include" in words else []
    done = subprocess.run([CLANG, *shared, *flags_of(words), "-w", "-fsyntax-only", entry["file"]],
                          cwd=entry["directory"], check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else f"{entry['file']}:\n{done.stderr}"


def main():
    build = ROOT / sys.argv[1]
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    header = precompiled(entries, build)
    ours = [entry for entry in entries
            if pathlib.Path(entry["file"]).relative_to(ROOT).parts[0] in ("noisescope", "apps")
            and "ns_fuzz" not in entry["command"]]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = [text for text in pool.map(lambda entry: read_alone(entry, header), ours) if text]
    print("\n".join(failures) if failures else f"single: each of {len(ours)} sources compiles alone")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
