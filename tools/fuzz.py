"""Searches for inputs that break a parser: libFuzzer, guided by coverage, under the address and undefined-behaviour
sanitizers, from the corpora in fuzz/corpus on.

    apt-get install clang libclang-rt-dev                  once (Debian 12: clang-14)
    cmake --preset fuzz && cmake --build build-fuzz --target fuzz_image     (or: fuzz_all)
    python tools/fuzz.py                     every target, a minute each
    python tools/fuzz.py --inputs 10000000 image archive    until so many inputs were tried

Prints a line a target: inputs, covered edges, what was found. An input that breaks one is left in build-fuzz/found.
New inputs that reach new code lie in build-fuzz/grown/NAME and are gone on from; the stored corpora stay small.
"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-fuzz"
LONGEST = {"archive": 16384, "image": 8192, "preprocess": 8192}  # bytes; others 4096


def targets():
    return sorted(path.name for path in (ROOT / "fuzz/corpus").iterdir())


def search(name, options):
    """(inputs tried, edges covered, inputs that broke it) of one target."""
    grown, found = BUILD / "grown" / name, BUILD / "found"
    for folder in (grown, found):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    limit = [f"-runs={options.inputs}"] if options.inputs else [f"-max_total_time={options.seconds}"]
    if options.inputs and options.seconds:
        limit.append(f"-max_total_time={options.seconds}")
    command = [BUILD / f"fuzz/fuzz_{name}", *limit, f"-max_len={LONGEST.get(name, 4096)}", "-timeout=20",
               "-rss_limit_mb=3000", "-print_final_stats=1", f"-artifact_prefix={found}/{name}-", "-verbosity=1",
               grown, ROOT / "fuzz/corpus" / name]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace", check=False)
    tried = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    covered = re.findall(r"cov: (\d+)", done.stderr)
    broken = sorted(set(found.iterdir()) - before)
    if done.returncode and not broken:
        print(done.stderr[-2000:], file=sys.stderr)
    return int(tried[1]) if tried else 0, int(covered[-1]) if covered else 0, broken, done.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=[], help="names; default: all")
    parser.add_argument("--inputs", type=int, default=0, help="of each target")
    parser.add_argument("--seconds", type=int, default=0, help="of each target, at most")
    options = parser.parse_args()
    if not options.inputs and not options.seconds:
        options.seconds = 60
    failed = False
    for name in options.targets or targets():
        tried, covered, broken, code = search(name, options)
        failed |= code != 0
        print(f"{name:<12} {tried:>10} inputs  {covered:>6} edges  " + (", ".join(map(str, broken)) or "nothing found"),
              flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
