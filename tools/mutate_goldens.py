"""Changes the golden results one value at a time; each change must fail a test.

    python tools/mutate_goldens.py BUILD [NAME]     all goldens, or those whose path contains NAME

A value is one number or text of a JSON file (one of each list), or one number of each tensor of a .safetensors file.
The test programs that read a golden are those whose sources name it. Files are changed in place and put back.
Values that only say where a golden comes from, and tolerances, are left alone. Exit code 1: some value no test reads.
"""

import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys

import torch
from safetensors import safe_open
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/golden"
ORIGIN = re.compile(r"made_by|versions|version$|tolerance")


def leaves(node, path=()):
    """Paths of values of a JSON tree, of each list one drawn at random."""
    if isinstance(node, dict):
        for key, value in node.items():
            if not ORIGIN.search(key):
                yield from leaves(value, (*path, key))
    elif isinstance(node, list) and node:
        place = random.Random(len(node)).randrange(len(node))
        yield from leaves(node[place], (*path, place))
    elif not isinstance(node, list):
        yield path


def another(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "x"
    return value + 1 if isinstance(value, int) else value * 1.5 + 0.1


def json_changes(file):
    text = file.read_text(encoding="utf-8")
    for path in leaves(json.loads(text)):
        tree = json.loads(text)
        node = tree
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = another(node[path[-1]])
        yield "/".join(map(str, path)), lambda tree=tree: file.write_text(json.dumps(tree), encoding="utf-8")


def changed_tensor(tensor, seed):
    flat = tensor.clone().flatten()
    place = random.Random(seed).randrange(flat.numel())
    flat[place] = ~flat[place] if flat.dtype in (torch.bool, torch.uint8) else flat[place] * 1.5 + 1
    return flat.view(tensor.shape)


def tensor_changes(file):
    with safe_open(file, "pt") as source:
        metadata = source.metadata()
        tensors = {name: source.get_tensor(name).clone() for name in source.keys()}  # noqa: SIM118
    for number, (name, tensor) in enumerate(tensors.items()):
        if tensor.numel():
            changed = {**tensors, name: changed_tensor(tensor, number)}
            yield name, lambda changed=changed: save_file(changed, file, metadata)


def readers(file):
    """Test program -> its suites in sources that name the golden, or the folder it lies in."""
    names = {file.name, *(parent.name for parent in file.relative_to(GOLDEN).parents if parent.name)}
    suites = {}
    for path in sorted((ROOT / "tests").rglob("*_test.cpp")):
        text = path.read_text(encoding="utf-8")
        if any(name in text for name in names):
            program = "_".join(path.relative_to(ROOT / "tests").parts[:-1]) + "_test"
            suites.setdefault(program, set()).update(re.findall(r"^TEST\w*\((\w+),", text, re.MULTILINE))
    return suites


def noticed(suites, build):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return any(subprocess.run([build / "tests" / name, "--gtest_fail_fast", "--gtest_brief=1",
                               "--gtest_filter=" + ":".join(f"*{suite}.*" for suite in sorted(wanted))], cwd=ROOT,
                              check=False, capture_output=True, env=environment).returncode
               for name, wanted in suites.items())


def survivors(file, build):
    suites, before = readers(file), file.read_bytes()
    if not suites or noticed(suites, build):
        yield f"{file.relative_to(ROOT)}: {'its tests fail unchanged' if suites else 'no test program names it'}"
        return
    for name, change in (json_changes if file.suffix == ".json" else tensor_changes)(file):
        try:
            change()
            if not noticed(suites, build):
                yield f"{file.relative_to(ROOT)}: {name}"
        finally:
            file.write_bytes(before)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was changed is put back
    build, wanted = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) > 2 else ""
    files = [path for path in sorted(GOLDEN.rglob("*")) if path.suffix in (".json", ".safetensors")
             and wanted in str(path.relative_to(GOLDEN))]
    found = 0
    for file in files:
        for line in survivors(file, build):
            found += 1
            print(line, flush=True)
    print(f"{len(files)} goldens: {found} values that no test reads")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
