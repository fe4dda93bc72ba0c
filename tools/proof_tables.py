"""The tables of the methods' pages that state what `noisescope verify` measured, made from its rows.

    python tools/proof_tables.py               writes the tables into docs/methods/ from docs/proof.json
    python tools/proof_tables.py --check       exit code 1 where a page says something else
    python tools/proof_tables.py --take DIR    first takes DIR/verify.json (of verify --full --model RUN --out DIR),
                                               with its date and this machine

A table stands in a page between two marks, `<!-- proof: METHOD -->` and `<!-- /proof -->`.
"""

import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STORED = ROOT / "docs/proof.json"
PROGRAM = ROOT / "build/noisescope"
MARKED = re.compile(r"(<!-- proof: (\w+) -->\n).*?(<!-- /proof -->)", re.DOTALL)
SIGNS = {"at most": "<=", "at least": ">=", "within": "within"}


def facts():
    said = subprocess.run([PROGRAM, "doctor", "--json"], check=True, capture_output=True, text=True).stdout
    listed = json.loads(said)["facts"]
    return {name: listed[name] for name in ("torch", "cpu capability", "cores")}


def take(folder):
    rows = json.loads((folder / "verify.json").read_text(encoding="utf-8"))
    day = datetime.date.fromtimestamp((folder / "verify.json").stat().st_mtime)
    STORED.write_text(json.dumps({"date": day.isoformat(),
                                  "machine": facts(), "rows": rows}, indent=1) + "\n", encoding="utf-8")


def number(value):
    """Three digits; what is below a millionth by its power of ten."""
    if value is None:
        return "-"
    if value != 0 and abs(value) < 1e-4:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:.3g}"


def line(row):
    bar = f"{SIGNS[row['direction']]} {number(row['bar'])}" if row["direction"] in SIGNS else row["direction"]
    interval = "" if row["low"] is None or row["low"] == row["high"] else \
        f" [{number(row['low'])}, {number(row['high'])}]"
    verdict = "" if row["pass"] else " **falls short**"
    return f"| {row['subject']} | {row['figure']} | {bar} | {number(row['value'])}{interval}{verdict} | {row['n']} |"


def table(stored, method):
    rows = [row for row in stored["rows"] if row["method"] == method]
    where = ", ".join([f"torch {stored['machine']['torch']}", f"{stored['machine']['cores']} cores", stored["date"]])
    return "\n".join([f"With `--full --model` of the demo's network (seed 0; {where}); [how to read it](verify.md).",
                      "",
                      "| subject | figure | bar | measured [95 %] | n |", "|---|---|---|---|---|",
                      *(line(row) for row in rows), ""])


def with_tables(text, stored):
    return MARKED.sub(lambda found: found[1] + table(stored, found[2]) + found[3], text)


def faults(stored):
    """What keeps a page from saying what was measured: a method without a place for its table, or an older table."""
    placed = set()
    for page in sorted((ROOT / "docs/methods").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        placed |= {method for _, method, _ in MARKED.findall(text)}
        if with_tables(text, stored) != text:
            yield f"{page.relative_to(ROOT)}: its table is not that of docs/proof.json; run tools/proof_tables.py"
    for method in sorted({row["method"] for row in stored["rows"]} - placed):
        yield f"docs/methods/: no page has the mark <!-- proof: {method} -->"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--take", type=pathlib.Path, metavar="DIR", help="folder of a verify.json to state")
    options = parser.parse_args()
    if options.take:
        take(options.take)
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    if not options.check:
        for page in (ROOT / "docs/methods").glob("*.md"):
            page.write_text(with_tables(page.read_text(encoding="utf-8"), stored), encoding="utf-8")
    found = list(faults(stored))
    print("\n".join(found) or f"proof: {len(stored['rows'])} rows stand on the pages of their methods")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
