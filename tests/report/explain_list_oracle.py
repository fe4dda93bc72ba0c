"""`noisescope explain --list --json`: what front ends, documentation and scripts read of the methods."""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
PROGRAM = os.environ.get("NOISESCOPE_PROGRAM", BUILD / "noisescope")
NEEDS = {"trajectory", "words", "factors", "branches", "reader", "world", "posterior_mean"}


def listed(*words):
    done = subprocess.run([PROGRAM, "explain", "--list", *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"explain --list: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def problems_of_option(option):
    if not re.fullmatch(r"[a-z][a-z0-9_.]*", option["name"]) or not option["help"] or "default" not in option:
        yield f"option {option}"
    value = option["default"]
    for number in value if isinstance(value, list) else [value]:
        if ("min" in option and number < option["min"]) or ("max" in option and number > option["max"]):
            yield f"default of {option['name']} out of range"


def problems_of_field(field, names):
    if not re.fullmatch(r"[a-z][a-z0-9_]*", field["name"]) or not field["help"]:
        yield f"field {field}"
    if not isinstance(field["dims"], str) or not isinstance(field["unit"], str):
        yield f"dims or unit of {field['name']}"
    for note in ("x", "names", "error"):
        if note in field and field[note] not in names:
            yield f"{field['name']} names no field by '{note}': {field[note]}"


def problems_of_method(method):
    names = [field["name"] for field in method["fields"]]
    if not {"id", "question", "needs", "named", "options", "fields"} <= set(method):
        yield f"keys {sorted(method)}"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", method["id"]) or not method["question"].endswith("?"):
        yield f"id or question {method['question']}"
    if not set(method["needs"]) <= NEEDS or not isinstance(method["named"], bool):
        yield f"needs {method['needs']}"
    if not names or len(set(names)) != len(names):
        yield f"fields {names}"
    for option in method["options"]:
        yield from problems_of_option(option)
    for field in method["fields"]:
        yield from problems_of_field(field, names)


def main():
    found = json.loads(listed("--json"))
    text = listed()
    methods = found["methods"]
    ids = [method["id"] for method in methods]
    problems = [f"{method['id']}: {problem}" for method in methods for problem in problems_of_method(method)]
    if set(found) != {"methods"} or not methods or len(set(ids)) != len(ids):
        problems.append(f"methods {ids}")
    headers = {path.stem for path in (ROOT / "noisescope" / "explain").glob("*.h")}
    problems += [f"{id} has no header of its name" for id in ids if id not in headers]
    problems += [f"{id} is not in the list for people" for id in ids if id not in text]
    print("\n".join(problems) or f"{len(ids)} methods listed as they should be")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
