"""Pages of the documentation site that are made, not written: what the program says of its commands and of its
configuration, and the changelog. Called by mkdocs (mkdocs.yml)."""

import pathlib
import subprocess
import sys

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/noisescope"
sys.path.insert(0, str(ROOT / "tools"))

import doc_commands  # noqa: E402


def commands_page():
    """The --help of every command."""
    parts = ["# Commands\n\nWhat each command says of itself (`noisescope COMMAND --help`).\n"]
    for words, text in doc_commands.helps(PROGRAM):
        title = " ".join(["noisescope", *words])
        parts.append(f"## {title}\n\n```text\n{text.rstrip()}\n```\n")
    return "\n".join(parts)


def configuration_page():
    """Every key with its default, meaning and range."""
    keys = subprocess.run([PROGRAM, "config", "show"], check=True, capture_output=True, text=True).stdout
    return ("# Configuration\n\nEvery key of a YAML file and of `--set`, with its default, its meaning and its range "
            f"(`noisescope config show`).\n\n```yaml\n{keys.rstrip()}\n```\n")


def changelog_page():
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("(docs/stability.md)", "(stability.md)")


def on_files(files, config):
    for place, make in (("reference/commands.md", commands_page), ("reference/configuration.md", configuration_page),
                        ("changelog.md", changelog_page)):
        files.append(File.generated(config, place, content=make()))
    return files
