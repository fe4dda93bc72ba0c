"""What Doxygen reads of a header (docs/Doxyfile): the comment at its head as the description of the file, letter for
letter, and <, > and backslashes of comments as the characters that they are."""

import html
import pathlib
import sys


def escaped(comment):
    return html.escape(comment, quote=False).replace("\\", "\\\\").replace("@", "\\@").replace("#", "\\#")


def filtered(lines):
    head = 0
    while head < len(lines) and lines[head].startswith("//"):
        head += 1
    if head:
        yield "/** \\file"
        yield "\\verbatim"
        yield from (line[2:].removeprefix(" ").replace("*/", "* /") for line in lines[:head])
        yield "\\endverbatim */"
    for line in lines[head:]:
        code, mark, comment = line.partition("//")
        yield code + mark + escaped(comment) if mark and '"' not in code else line


def main():
    text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
    print("\n".join(filtered(text.split("\n"))))


if __name__ == "__main__":
    main()
