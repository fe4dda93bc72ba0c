"""Did a change move any number? Compares what `noisescope explain --json` or `verify --json` printed before and after.

    noisescope explain runs/demo --threads 1 --json --prompt P > before.json      (the older program)
    noisescope explain runs/demo --threads 1 --json --prompt P > after.json       (the newer one)
    python tools/compare_numbers.py before.json after.json --renamed information=information_map

Numbers are the same within --tolerance (1e-6, relative to what is larger than 1). Prints every other one, and those
that are gone; new ones are counted. Exit code 1 if any differs or is gone.
"""

import argparse
import json
import sys


def numbers(tree, path=""):
    """(path, leaf) of everything in a JSON tree; rows of verify by what they measure, not by their place."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from numbers(value, f"{path}/{key}")
    elif isinstance(tree, list):
        for place, value in enumerate(tree):
            named = isinstance(value, dict) and "figure" in value
            name = f"{value['subject']}: {value['figure']}" if named else str(place)
            yield from numbers(value, f"{path}/{name}")
    else:
        yield path, tree


def is_same(before, after, tolerance):
    if isinstance(before, bool) or not isinstance(before, (int, float)) or not isinstance(after, (int, float)):
        return before == after
    return abs(before - after) <= tolerance * max(1, abs(before))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--renamed", action="append", default=[], metavar="OLD=NEW", help="beginning of paths")
    parser.add_argument("--tolerance", type=float, default=1e-6)
    args = parser.parse_args()
    with open(args.before, encoding="utf-8") as old, open(args.after, encoding="utf-8") as new:
        before, after = dict(numbers(json.load(old))), dict(numbers(json.load(new)))
    renamed = [f"/{text}".split("=", 1) for text in args.renamed]
    bad = same = 0
    for path, value in before.items():
        now = next((f"/{new}" + path[len(old):] for old, new in renamed if path.startswith(old)), path)
        if now not in after:
            print(f"gone     {now}: {value}")
        elif not is_same(value, after[now], args.tolerance):
            print(f"differs  {now}: {value} -> {after[now]}")
        else:
            same += 1
            continue
        bad += 1
    print(f"{same} the same, {bad} differ or are gone, {len(after) - same} new or changed")
    return sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
