"""Mutation testing: changes the library one place at a time and asks whether a module's tests notice.

    python tools/mutate.py diffusion --count 40 --seed 1     40 random mutants of noisescope/diffusion/*.cpp
    python tools/mutate.py diffusion --only grid.cpp:38      every mutant of one line
    python tools/mutate.py python --count 60                 the Python package, with the module in build/python

Works on a copy of the working tree in build-mutants/, built once with an object for each source. A mutant that does
not compile is not counted. Prints what no test noticed and, last, how many that were; exit code 1 if there were any.
"""

import argparse
import filecmp
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys

from mutants import mutants_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
COPY = ROOT / "build-mutants/source"
BUILD = ROOT / "build-mutants/build"
LONGEST_S = 900


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def copy_tree():
    """The files of the working tree, each written only where it differs, so that little is built again."""
    for name in output("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        source, place = ROOT / name, COPY / name
        if not source.is_file() or (place.is_file() and filecmp.cmp(source, place, shallow=False)):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)


def torch_folder():
    return next((ROOT / ".venv/lib").glob("python*/site-packages/torch"))


class CppModule:
    """A folder of noisescope/ and its C++ tests."""

    def __init__(self, name):
        self.folder, self.pattern = COPY / "noisescope" / name, "*.cpp"
        self.target = name.replace("/", "_") + "_test"

    def prepare(self):
        subprocess.run(["cmake", "-S", COPY, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                        "-DCMAKE_CXX_FLAGS_RELEASE=-O1", f"-DTORCH_WHEEL_DIR={torch_folder()}",
                        "-DNOISESCOPE_PYTHON=OFF"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ninja", "-C", BUILD, self.target], check=True, stdout=subprocess.DEVNULL)

    def builds(self, _):
        return subprocess.run(["ninja", "-C", BUILD, self.target], check=False, capture_output=True).returncode == 0

    def tests(self, path):
        """Commands of which one fails where a change of this source is noticed; its own tests come first."""
        own = ":".join(self.names_of_tests(path.stem + "_test.cpp"))
        command = [BUILD / "tests" / self.target, "--gtest_fail_fast", "--gtest_brief=1"]
        if own:
            yield [*command, f"--gtest_filter={own}:-Slow*"]
        yield [*command, f"--gtest_filter=-Slow*:{own}"]

    def names_of_tests(self, file):
        listed = BUILD / "tests.json"
        subprocess.run([BUILD / "tests" / self.target, "--gtest_list_tests", f"--gtest_output=json:{listed}"],
                       check=True, stdout=subprocess.DEVNULL)
        for suite in json.loads(listed.read_text(encoding="utf-8"))["testsuites"]:
            for test in suite["testsuite"]:
                if pathlib.Path(test["file"]).name == file:
                    yield f"{suite['name']}.{test['name']}"


class PythonModule:
    """The package, with the compiled part of build/python, and its tests."""

    def __init__(self):
        self.folder, self.pattern = COPY.parent / "python/noisescope", "[!_]*.py"  # _*.py are made by tools

    def prepare(self):
        built = ROOT / "build/python/noisescope"
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(built, self.folder, ignore=shutil.ignore_patterns("__pycache__"))

    def builds(self, path):
        try:
            compile(path.read_text(encoding="utf-8"), path.name, "exec")
        except SyntaxError:
            return False
        return True

    def tests(self, path):
        own = COPY / f"python/tests/test_{path.stem}.py"
        for tests in filter(pathlib.Path.exists, (own, COPY / "python/tests")):
            yield [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-xq", tests]


def is_noticed(commands):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(COPY.parent / "python"),
                   "PYTHONDONTWRITEBYTECODE": "1", "NOISESCOPE_PROGRAM": str(ROOT / "build/noisescope")}
    for command in commands:
        try:
            if subprocess.run(command, cwd=COPY, check=False, capture_output=True, timeout=LONGEST_S,
                              env=environment).returncode:
                return True
        except subprocess.TimeoutExpired:
            return True
    return False


def verdict(module, path):
    """'unbuilt', 'noticed' or 'survived'."""
    if not module.builds(path):
        return "unbuilt"
    return "noticed" if is_noticed(module.tests(path)) else "survived"


def tried(module, path, number, changed):
    """The verdict on one mutant; the copy is as before when this returns."""
    before = path.read_text(encoding="utf-8")
    lines = before.split("\n")
    lines[number - 1] = changed
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        return verdict(module, path)
    finally:
        path.write_text(before, encoding="utf-8")


def chosen(module, options):
    if options.only:
        name, number = options.only.split(":")
        path = module.folder / name
        return [(path, place, line) for place, line in mutants_of(path) if place == int(number)]
    everything = [(path, *mutant) for path in sorted(module.folder.glob(module.pattern)) for mutant in mutants_of(path)]
    random.Random(options.seed).shuffle(everything)
    return everything


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the copy is put back
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", help="a folder of noisescope/ (diffusion, explain, explain/metric, ...), or python")
    parser.add_argument("--count", type=int, default=20, help="how many mutants that compile")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", metavar="FILE:LINE", help="every mutant of one line")
    options = parser.parse_args()
    module = PythonModule() if options.module == "python" else CppModule(options.module)
    copy_tree()
    module.prepare()
    everything = chosen(module, options)
    if everything and verdict(module, everything[0][0]) != "survived":
        sys.exit(f"the tests of {options.module} fail without any change")
    counts = {"noticed": 0, "survived": 0, "unbuilt": 0}
    for path, number, changed in everything:
        if not options.only and counts["noticed"] + counts["survived"] == options.count:
            break
        result = tried(module, path, number, changed)
        counts[result] += 1
        if result == "survived":
            print(f"{path.name}:{number}\n  - {path.read_text().split(chr(10))[number - 1].strip()}\n"
                  f"  + {changed.strip()}", flush=True)
    print(f"{options.module}: {counts['survived']} of {counts['noticed'] + counts['survived']} mutants survived "
          f"({counts['unbuilt']} did not compile)")
    sys.exit(1 if counts["survived"] else 0)


if __name__ == "__main__":
    main()
