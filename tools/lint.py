"""The gate on style: formatting, include directions, Python, and clang-tidy on the C++ that changed.

    python tools/lint.py             what changed since the upstream branch, or else in the last commit
    python tools/lint.py --base REF  what changed since REF
    python tools/lint.py --all       clang-tidy on every source (half an hour on two cores)

Exit code 0: nothing found. The tools are those of requirements-lint.txt, in .venv.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv/bin"
DATABASE = ROOT / "build-lint"
CPP = (".cpp", ".h")


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def passes(name, *command):
    """Runs a check that covers the whole tree; its findings are printed as they come."""
    found = subprocess.run(command, cwd=ROOT, check=False).returncode != 0
    print(f"lint: {name} {'found what is above' if found else 'ok'}", flush=True)
    return not found


def tracked():
    return output("git", "ls-files", "--cached", "--others", "--exclude-standard").split("\n")


def exists(ref):
    return subprocess.run(["git", "rev-parse", "-q", "--verify", ref], cwd=ROOT, check=False,
                          capture_output=True).returncode == 0


def base_of(asked):
    """The commit that changes are counted from: `asked`, where the branch left its upstream, or the one before."""
    if asked:
        return asked
    head = output("git", "rev-parse", "HEAD").strip()
    for upstream in ("@{upstream}", "origin/main"):
        if exists(upstream):
            fork = output("git", "merge-base", upstream, "HEAD").strip()
            if fork != head:
                return fork
    return "HEAD~1" if exists("HEAD~1") else "HEAD"


def changed(base):
    untracked = output("git", "ls-files", "--others", "--exclude-standard").split("\n")
    return output("git", "diff", "--name-only", "--diff-filter=d", base).split("\n") + untracked


def database():
    """The sources of a configured build with one object per source and no precompiled header, relative to the root."""
    subprocess.run(["cmake", "-S", ".", "-B", DATABASE, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                    "-DCMAKE_UNITY_BUILD=OFF", "-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    commands = json.loads((DATABASE / "compile_commands.json").read_text(encoding="utf-8"))
    return {pathlib.Path(entry["file"]).relative_to(ROOT).as_posix() for entry in commands}


def sources_of(files, known):
    """The sources to check for changed `files`: themselves, and for a header the source of the same name."""
    named = {str(pathlib.PurePosixPath(file).with_suffix(".cpp")) for file in files if file.endswith(CPP)}
    return sorted(named & known)


def tidy(source):
    """'' or clang-tidy's findings in `source` and the headers of ours that it includes."""
    gcc_alone = "--extra-arg=-Wno-unused-command-line-argument"  # the database is g++'s
    done = subprocess.run([BIN / "clang-tidy", "-p", DATABASE, "--quiet", gcc_alone, source], cwd=ROOT, check=False,
                          capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def tidy_passes(sources):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        findings = [text for text in pool.map(tidy, sources) if text]
    print("\n".join(findings), end="")
    print(f"lint: clang-tidy found something in {len(findings)} of {len(sources)} sources" if findings
          else f"lint: clang-tidy ok on {len(sources)} sources", flush=True)
    return not findings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", metavar="REF", help="commit that changes are counted from")
    parser.add_argument("--all", action="store_true", help="clang-tidy on every source, changed or not")
    options = parser.parse_args()
    formatted = [file for file in tracked() if file.endswith(CPP) and (ROOT / file).is_file()]
    passed = [
        passes("clang-format", BIN / "clang-format", "--dry-run", "-Werror", *formatted),
        passes("ruff", BIN / "ruff", "check", "--quiet", "--no-cache", "."),
        passes("layers", sys.executable, "tools/check_layers.py"),
    ]
    known = database()
    passed.append(tidy_passes(sorted(known) if options.all else sources_of(changed(base_of(options.base)), known)))
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
