"""How many lines of each module its tests run: builds with gcov in build-coverage/, runs tests, prints a table.

    python tools/coverage.py                   tests labelled fast
    python tools/coverage.py -LE "slow|gpu"    what ctest is told instead: oracles and Python, too
    python tools/coverage.py --missing noisescope/viz/film.cpp     lines of a source that the last tests did not run

A line counts as run if any test of the whole runs it. Headers count to the module that holds them.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-coverage"


def build():
    flags = "--coverage -Og -g0 -fprofile-update=atomic"
    subprocess.run(["cmake", "--preset", "default", "-B", BUILD, f"-DCMAKE_CXX_FLAGS={flags}",
                    "-DCMAKE_CXX_FLAGS_RELEASE="], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", BUILD], check=True)


def run_tests(choice):
    for old in BUILD.rglob("*.gcda"):
        old.unlink()
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    subprocess.run(["ctest", "--test-dir", BUILD, "-j2", "--timeout", "3000", *choice], check=False, env=environment)


def lines_run():
    """{source: {line: times}} of all sources of the library."""
    counts = collections.defaultdict(collections.Counter)
    for data in BUILD.rglob("*.gcda"):
        told = subprocess.run(["gcov", "--json-format", "--stdout", data], cwd=data.parent, check=True,
                              capture_output=True, text=True).stdout
        for part in filter(None, told.split("\n")):
            for file in json.loads(part)["files"]:
                path = (BUILD / file["file"]).resolve()
                if path.is_relative_to(ROOT / "noisescope"):
                    for line in file["lines"]:
                        counts[path.relative_to(ROOT)][line["line_number"]] += line["count"]
    return counts


def print_table(counts):
    modules = collections.defaultdict(lambda: [0, 0])
    for path, lines in counts.items():
        module = modules[path.parts[1]]
        module[0] += sum(times > 0 for times in lines.values())
        module[1] += len(lines)
    for name, (run, all_lines) in sorted(modules.items(), key=lambda item: item[1][0] / item[1][1]):
        print(f"{name:12} {100 * run / all_lines:5.1f} % of {all_lines}")
    run, all_lines = (sum(module[k] for module in modules.values()) for k in (0, 1))
    print(f"{'all':12} {100 * run / all_lines:5.1f} % of {all_lines}")


def print_missing(counts, source):
    text = (ROOT / source).read_text(encoding="utf-8").split("\n")
    for line, times in sorted(counts[pathlib.Path(source)].items()):
        if times == 0:
            print(f"{line:5} {text[line - 1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--missing", metavar="SOURCE", help="lines that were not run; nothing is built or run anew")
    options, choice = parser.parse_known_args()
    if not options.missing:
        build()
        run_tests(choice or ["-L", "fast"])
    counts = lines_run()
    if not counts:
        sys.exit("no test wrote what it ran; run tools/coverage.py without --missing first")
    print_missing(counts, options.missing) if options.missing else print_table(counts)


if __name__ == "__main__":
    main()
