#!/usr/bin/env python3
"""Writes the classes of the Python module's answers, from the library's own descriptions, to standard output.

    .venv/bin/python tools/make_answer_types.py > python/noisescope/_answers.py
"""

import textwrap

from make_option_types import built_module, indented

HEADER = '''"""What methods answer, with dimensions and units. Made by tools/make_answer_types.py: do not edit."""

from dataclasses import dataclass, field

from torch import Tensor

from noisescope.answer import Answer, note
'''


def field_text(name, kind, notes):
    """A typed field with what figures need, and a line of documentation."""
    given = [repr(notes.pop("dims")), repr(notes.pop("unit")), *(f"{key}={value!r}" for key, value in notes.items())]
    default = "default=None, " if kind.endswith("None") else ""
    lines = [f"    {name}: {kind} = field({default}metadata=note("]
    for k, one in enumerate(given):
        text = one.replace("'", '"') + ("))" if k == len(given) - 1 else ", ")
        if len(lines[-1] + text.rstrip()) > 120:
            lines[-1] = lines[-1].rstrip()
            lines.append(" " * 8)
        lines[-1] += text
    return "\n".join(lines)


def doc_text(help_text, notes):
    shape = f"[{', '.join(notes['dims'].split())}]" if notes["dims"] else ""
    what = " ".join(part for part in (shape, notes["unit"]) if part)
    null = f"; null value {notes['null']:g}" if "null" in notes else ""
    higher = f"; higher: {notes['higher']}" if "higher" in notes else ""
    return indented(f"{what}: {help_text}{null}{higher}" if what else help_text)


def answer_types(answers):
    """The text of python/noisescope/_answers.py for the module's table."""
    text = HEADER
    for name, rows in answers.items():
        summary = f'"""{", ".join(row[0] for row in rows)}."""'
        text += "\n\n@dataclass(frozen=True, repr=False, eq=False, kw_only=True)\n"
        text += f"class {name}(Answer):\n"
        text += textwrap.fill(summary, 120, initial_indent="    ", subsequent_indent="    ") + "\n\n"
        text += "".join(f"{field_text(field, kind, dict(notes))}\n{doc_text(help_text, notes)}\n"
                        for field, kind, help_text, notes in rows)
    return text


if __name__ == "__main__":
    print(answer_types(built_module().answers), end="")
