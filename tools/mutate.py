"""Mutation testing: changes the library one place at a time and asks whether a module's tests notice.

    python tools/mutate.py diffusion --count 40 --seed 1     40 random mutants of noisescope/diffusion/*.cpp
    python tools/mutate.py diffusion --only grid.cpp:38      every mutant of one line

Works on a copy of the working tree in build-mutants/, built once with an object for each source. A mutant is a
changed constant, sign, comparison or condition, or a statement left out; what only words a message or states an
option's range is left alone. One that does not compile is not counted. Prints the mutants that no test noticed and,
last, how many there were; exit code 1 if any survived.
"""

import argparse
import filecmp
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / "build-mutants/source"
BUILD = ROOT / "build-mutants/build"

SWAPS = [  # pattern in code without strings and comments -> what takes its place
    (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " / "), (r" / ", " * "),
    (r" \+= ", " -= "), (r" -= ", " += "),
    (r" < (?!<)", " <= "), (r" <= ", " < "), (r" > (?!>)", " >= "), (r" >= ", " > "),
    (r" == ", " != "), (r" != ", " == "), (r" && ", " || "), (r" \|\| ", " && "),
    (r"\bstd::min\b", "std::max"), (r"\bstd::max\b", "std::min"), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"\bif \((?!const|auto)([^;{]*)\) ", r"if (!(\1)) "),
    (r"(?<![\w.\"])(\d+)(?![\w.\"'])", lambda m: str(int(m[1]) + 1)),
    (r"(?<![\w.])(\d+\.\d+)(?![\w.])", lambda m: str(float(m[1]) + 1)),
    (r"(?<![\w.])-(?=[\w(])", ""),
]
STATEMENT = re.compile(r"^(\s+)(?!return|throw|const|auto|using|case|break|continue|static|for|if|else|while|std::\w+<)"
                       r"[\w.\->\[\]:()]+(\(.*\)| [+*/-]?= .*);$")
WORDING = re.compile(r"throw |format_text|require|check_|TORCH_CHECK|^\s*d\(|^\s*\"|\{\.(min|max)\b|^\s*#|"
                     r"static_assert|NOISESCOPE_|kWhere|^using|^template|reserve\(")


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def blanked(line):
    """The line with strings and a trailing comment as spaces, so that places stay."""
    line = re.sub(r"\"(\\.|[^\"\\])*\"|'(\\.|[^'\\])'", lambda m: " " * len(m[0]), line)
    return re.sub(r"//.*$", lambda m: " " * len(m[0]), line)


def mutants_of_line(line):
    """All changed versions of a line."""
    if WORDING.search(line):
        return
    code = blanked(line)
    for pattern, replacement in SWAPS:
        for match in re.finditer(pattern, code):
            yield line[:match.start()] + match.expand(replacement) + line[match.end():] \
                if isinstance(replacement, str) else line[:match.start()] + replacement(match) + line[match.end():]
    statement = STATEMENT.match(code.rstrip())
    if statement:
        yield statement[1] + ";"


def mutants_of(path):
    """(line number, changed line) of every mutant of a source; the body of describe() is left alone."""
    describing = False
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        describing = line.startswith("void describe") or (describing and line != "}")
        if not describing:
            yield from ((number, changed) for changed in mutants_of_line(line) if changed != line)


def copy_tree():
    """The files of the working tree, each written only where it differs, so that little is built again."""
    for name in output("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        source, place = ROOT / name, COPY / name
        if not source.is_file() or (place.is_file() and filecmp.cmp(source, place, shallow=False)):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)


def prepare(target):
    copy_tree()
    subprocess.run(["cmake", "-S", COPY, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                    "-DCMAKE_CXX_FLAGS_RELEASE=-O1", f"-DTORCH_WHEEL_DIR={torch_folder()}",
                    "-DNOISESCOPE_PYTHON=OFF"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", BUILD, target], check=True, stdout=subprocess.DEVNULL)


def torch_folder():
    return next((ROOT / ".venv/lib").glob("python*/site-packages/torch"))


def verdict(target):
    """'unbuilt', 'noticed' or 'survived'."""
    if subprocess.run(["ninja", "-C", BUILD, target], check=False, capture_output=True).returncode:
        return "unbuilt"
    try:
        tests = subprocess.run([BUILD / "tests" / target, "--gtest_fail_fast", "--gtest_brief=1",
                                "--gtest_filter=-Slow*"], cwd=COPY, check=False, capture_output=True, timeout=900,
                               env={**os.environ, "OMP_NUM_THREADS": "1"})
    except subprocess.TimeoutExpired:
        return "noticed"
    return "noticed" if tests.returncode else "survived"


def tried(path, number, changed, target):
    """The verdict on one mutant; the copy is as before when this returns."""
    before = path.read_text(encoding="utf-8")
    lines = before.split("\n")
    lines[number - 1] = changed
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        return verdict(target)
    finally:
        path.write_text(before, encoding="utf-8")


def chosen(options):
    folder = COPY / "noisescope" / options.module
    if options.only:
        name, number = options.only.split(":")
        return [(folder / name, place, line) for place, line in mutants_of(folder / name) if place == int(number)]
    everything = [(path, *mutant) for path in sorted(folder.glob("*.cpp")) for mutant in mutants_of(path)]
    random.Random(options.seed).shuffle(everything)
    return everything


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the copy is put back
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", help="a folder of noisescope/: diffusion, explain, explain/metric, ...")
    parser.add_argument("--count", type=int, default=20, help="how many mutants that compile")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", metavar="FILE:LINE", help="every mutant of one line")
    options = parser.parse_args()
    target = options.module.replace("/", "_") + "_test"
    prepare(target)
    if verdict(target) != "survived":
        sys.exit(f"the tests of {options.module} fail without any change")
    counts = {"noticed": 0, "survived": 0, "unbuilt": 0}
    for path, number, changed in chosen(options):
        if not options.only and counts["noticed"] + counts["survived"] == options.count:
            break
        result = tried(path, number, changed, target)
        counts[result] += 1
        if result == "survived":
            print(f"{path.relative_to(COPY)}:{number}\n  - {path.read_text().split(chr(10))[number - 1].strip()}\n"
                  f"  + {changed.strip()}", flush=True)
    print(f"{options.module}: {counts['survived']} of {counts['noticed'] + counts['survived']} mutants survived "
          f"({counts['unbuilt']} did not compile)")
    sys.exit(1 if counts["survived"] else 0)


if __name__ == "__main__":
    main()
