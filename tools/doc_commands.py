"""Every command line of the program that the documentation, a --help or a message shows.

    python tools/doc_commands.py PROGRAM      lists them, each with its place

Shown are the lines of code blocks and the `code` of Markdown, and the examples under a --help: commands to be typed.
Messages of the library name commands in quotes, often with a part that is only known then: of those the command and
its options are known.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
START = re.compile(r"^(torchrun [\w -]+ (-m |(?=build/)))?(build/)?noisescope [a-z]")
COMMENT = re.compile(r"\s{2,}(?!-)\S.*$|\s+#.*$")  # what explains an example stands two spaces behind it


def joined(lines):
    """Lines in which one that ends in a backslash is continued by the next."""
    whole = ""
    for line in lines:
        whole = f"{whole} {line.strip()}".strip() if whole else line.strip()
        if whole.endswith("\\"):
            whole = whole[:-1].strip()
            continue
        yield whole
        whole = ""


def typed(lines):
    for line in joined(lines):
        if START.match(line):
            yield COMMENT.sub("", line)


def of_page(text):
    """Commands of a Markdown page, in code blocks and in code."""
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from typed(block.split("\n"))
    yield from typed(re.findall(r"^(?: {4}|\t)(.*)$", text, re.MULTILINE))
    prose = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from typed(re.sub(r"\s*\n\s*", " ", code) for code in re.findall(r"`([^`]+)`", prose))


def help_of(program, *words):
    return subprocess.run([program, *words, "--help"], check=True, capture_output=True, text=True).stdout


def subcommands(text):
    listed = re.search(r"^(?:SUBCOMMANDS|Subcommands):\n((?:  .*\n)+)", text, re.MULTILINE)
    return re.findall(r"^  ([a-z_]+)", listed[1], re.MULTILINE) if listed else []


def helps(program, words=()):
    """(words of a command, its --help) of the program and of everything below."""
    text = help_of(program, *words)
    yield words, text
    for name in subcommands(text):
        yield from helps(program, (*words, name))


def shown(program):
    """(place, command) of every command that a reader is told to type, each command once."""
    places = {}
    for page in [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]:
        for command in of_page(page.read_text(encoding="utf-8")):
            places.setdefault(command.removeprefix("build/"), page.relative_to(ROOT).as_posix())
    for words, text in helps(program):
        for command in typed(text.split("\n")):
            places.setdefault(command, " ".join(["noisescope", *words, "--help"]))
    return [(place, command) for command, place in places.items()]


def named():
    """(place, command and options) of every command that a message of the library or the program names."""
    for folder in ("noisescope", "apps"):
        for path in sorted((ROOT / folder).rglob("*.cpp")):
            literals = re.sub(r"\"\s*\n\s*\"", "", path.read_text(encoding="utf-8"))
            for command in re.findall(r"'(noisescope [a-z][^'\"]*)", literals):
                yield path.relative_to(ROOT).as_posix(), command.strip()


def main():
    for place, command in [*shown(sys.argv[1]), *named()]:
        print(f"{place}: {command}")


if __name__ == "__main__":
    main()
