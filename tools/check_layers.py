"""Checks the dependency directions of ARCHITECTURE.md: which module may include which.

Reads every #include "noisescope/..." of the sources, and who may include whom from the build itself. Reports forbidden
includes, modules that the table does not list, and cycles. `--self-test` proves that each of the three is found.
"""

import itertools
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = "noisescope/CMakeLists.txt"


def allowed_of(cmake):
    """module -> modules that it may include: the DEPS of noisescope_module; a folder inside a module is part of it."""
    allowed = {}
    calls = re.findall(r"noisescope_module\(([^)]*)\)", cmake)
    folders = {call.split()[0] for call in calls}
    for call in calls:
        words = call.split()
        deps = itertools.takewhile(lambda word: word not in ("LIBS", "CODEC"),
                                   words[words.index("DEPS") + 1:] if "DEPS" in words else [])
        module = allowed.setdefault(words[0].split("/")[0], set())
        module.update(dep if dep in folders else dep.split("_")[0] for dep in deps if not dep.startswith("$"))
    return allowed


INCLUDE = re.compile(r'^\s*#\s*include\s+"noisescope/([^"]+)"', re.MULTILINE)
# Headers that must stay out of public reach: they cost every including file seconds.
HEAVY = re.compile(r"^\s*#\s*include\s+[<\"](torch/torch\.h|torch/nn\.h)[>\"]", re.MULTILINE)


def problems(root, allowed):
    """Lines "file: what is wrong" for the tree at `root`."""
    found = []
    files_of = {}
    for path in sorted((root / "noisescope").rglob("*")):
        if path.suffix not in (".h", ".cpp"):
            continue
        name = path.relative_to(root).as_posix()
        module = name.split("/")[1]
        text = path.read_text()
        if module not in allowed:
            found.append(f"{name}: module '{module}' is not listed in {TABLE}")
            continue
        if HEAVY.search(text):
            found.append(f"{name}: includes all of torch; include the header that is needed")
        targets = INCLUDE.findall(text)
        files_of[name] = ["noisescope/" + target for target in targets]
        for target in targets:
            other = target.split("/")[0]
            if other != module and other not in allowed[module]:
                found.append(f"{name}: {module} must not include {other} ({target})")
    return found + cycles(files_of)


def cycles(files_of):
    """Include cycles among headers, each reported once."""
    state, found = {}, []

    def visit(name, trail):
        if state.get(name) == "done":
            return
        if name in trail:
            found.append("include cycle: " + " -> ".join([*trail[trail.index(name):], name]))
            return
        for target in files_of.get(name, []):
            visit(target, [*trail, name])
        state[name] = "done"

    for name in files_of:
        visit(name, [])
    return found


def self_test():
    cases = {
        "must not include": {"noisescope/core/a.h": '#include "noisescope/io/b.h"\n'},
        "is not listed": {"noisescope/misc/a.h": "\n"},
        "include cycle": {
            "noisescope/core/a.h": '#include "noisescope/core/b.h"\n',
            "noisescope/core/b.h": '#include "noisescope/core/a.h"\n',
        },
        "includes all of torch": {"noisescope/core/a.h": "#include <torch/torch.h>\n"},
    }
    for expected, files in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            found = problems(root, {"core": [], "io": ["core"]})
            if not any(expected in line for line in found):
                sys.exit(f"the check does not find: {expected}")
    print(f"{len(cases)} planted violations found")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    found = problems(ROOT, allowed_of((ROOT / TABLE).read_text()))
    print("\n".join(found) if found else "layers: every include follows the table")
    return sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
