"""Checks the documentation against the program and against itself.

Every method of `noisescope explain --list` has a page docs/methods/<id>.md and a line in explanation_report.md, and
every relative link of a Markdown file leads to a file, and every page's table of what verify measured is that of
docs/proof.json.    python tools/check_docs.py PROGRAM
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import power_table  # noqa: E402
import proof_tables  # noqa: E402

MADE = {"reference/commands.md", "reference/configuration.md", "changelog.md"}  # by tools/site_hooks.py
LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)(?:#[^)]*)?\)")


def missing_pages(program):
    listed = subprocess.run([program, "explain", "--list", "--json"], check=True, capture_output=True, text=True).stdout
    index = (ROOT / "docs/methods/explanation_report.md").read_text(encoding="utf-8")
    for method in json.loads(listed)["methods"]:
        if not (ROOT / "docs/methods" / f"{method['id']}.md").is_file():
            yield f"docs/methods/{method['id']}.md: the page of a method is missing"
        if f"| {method['id']} |" not in index:
            yield f"docs/methods/explanation_report.md: has no line for {method['id']}"


def dead_links():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]:
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            place = (page.parent / target).resolve()
            made = place.is_relative_to(ROOT / "docs") and place.relative_to(ROOT / "docs").as_posix() in MADE
            if "://" not in target and not target.startswith("mailto:") and not made and not place.exists():
                yield f"{page.relative_to(ROOT)}: leads to {target}, which is not there"


def main():
    stored = json.loads(proof_tables.STORED.read_text(encoding="utf-8"))
    found = [*missing_pages(sys.argv[1]), *dead_links(), *proof_tables.faults(stored), *power_table.faults()]
    print("\n".join(found) if found else "docs: every method has a page and its proof, every link leads somewhere")
    return sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
