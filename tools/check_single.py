"""Compiles each source of the library and the program alone, without writing objects: shows a missing include.

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


def command_of(entry):
    """The compiler's arguments for one source, with the check of syntax and types in place of an object."""
    words = shlex.split(entry["command"])
    place = words.index("-o")
    return [*words[:place], *words[place + 2:], "-fsyntax-only", "-Werror"]


def compile_alone(entry):
    done = subprocess.run(command_of(entry), cwd=entry["directory"], check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else f"{entry['file']}:\n{done.stderr}"


def main():
    entries = json.loads((ROOT / sys.argv[1] / "compile_commands.json").read_text(encoding="utf-8"))
    ours = [entry for entry in entries
            if pathlib.Path(entry["file"]).relative_to(ROOT).parts[0] in ("noisescope", "apps")
            and "ns_fuzz" not in entry["command"]]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = [text for text in pool.map(compile_alone, ours) if text]
    print("\n".join(failures) if failures else f"single: each of {len(ours)} sources compiles alone")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
