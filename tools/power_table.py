"""The table of docs/methods/verify_power.md: for every method and kind of planted error, the row that sees least.

    python tools/power_table.py               writes the table into the page from docs/power.json
    python tools/power_table.py --check       exit code 1 where the page says something else
    python tools/power_table.py --take DIR... first takes power.json of each DIR (of verify --power --out DIR): what it
                                              says of a method takes the place of what was stored
"""

import argparse
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STORED = ROOT / "docs/power.json"
PAGE = ROOT / "docs/methods/verify_power.md"
MARKED = re.compile(r"(<!-- power -->\n).*?(<!-- /power -->)", re.DOTALL)


def take(folders):
    rows = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else []
    for folder in folders:
        new = json.loads((folder / "power.json").read_text(encoding="utf-8"))
        measured = {row["method"] for row in new}
        rows = [row for row in rows if row["method"] not in measured] + new
    STORED.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def groups(rows):
    """Rows of one method, subject and kind of error, in the order in which they were measured."""
    found = {}
    for row in rows:
        found.setdefault((row["method"], row["subject"], row["kind"]), []).append(row)
    return found


def line(key, rows):
    method, subject, kind = key
    seen = [row for row in rows if row["smallest"] is not None]
    head = f"| {method} | {subject} | {kind} | {rows[0]['target']:g} |"
    if not seen:
        return f"{head} not seen by {len(rows)} rows | |"
    best = min(seen, key=lambda row: row["smallest"])
    verdict = "" if best["ok"] else " **more than the target**"
    seeing = f"({len(seen)} of {len(rows)} rows see some size)"
    return f"{head} {best['smallest']:.2g}{verdict} {seeing} | {best['figure']} |"


def table(rows):
    return "\n".join(["| method | subject | error planted | target | smallest that is seen | by the row |",
                      "|---|---|---|---|---|---|",
                      *(line(key, of_kind) for key, of_kind in groups(rows).items()), ""])


def with_table(text, rows):
    return MARKED.sub(lambda found: found[1] + table(rows) + found[2], text)


def faults():
    """What keeps the page from saying what was measured."""
    text = PAGE.read_text(encoding="utf-8")
    if not MARKED.search(text) or with_table(text, json.loads(STORED.read_text(encoding="utf-8"))) != text:
        yield f"{PAGE.relative_to(ROOT)}: its table is not that of docs/power.json; run tools/power_table.py"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--take", type=pathlib.Path, nargs="+", default=[])
    arguments = parser.parse_args()
    if arguments.check:
        found = list(faults())
        print("\n".join(found) if found else "the table is that of docs/power.json")
        return 1 if found else 0
    if arguments.take:
        take(arguments.take)
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_table(text, json.loads(STORED.read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
