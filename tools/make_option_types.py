#!/usr/bin/env python3
"""Writes the types of the Python module's options, from the library's own table, to standard output.

    .venv/bin/python tools/make_option_types.py > python/noisescope/_options.py
"""

import importlib.util
import pathlib
import textwrap

HEADER = '''\
"""Options as typed keyword arguments, with their defaults. Made by tools/make_option_types.py: do not edit."""

from collections.abc import Sequence
from typing import Literal, TypedDict
'''


def class_name(section):
    """grid -> GridOptions"""
    return "".join(word[:1].upper() + word[1:] for word in section.split("_")) + "Options"


def indented(text):
    return textwrap.fill(f'"""{text}"""', 119, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


class Writer:
    """Sections become classes of their own; equal ones are written once."""

    def __init__(self):
        self.names, self.text = {}, HEADER

    def add(self, own_name, rows):
        """Writes a class and returns its name."""
        fields = [(name, self.add(class_name(name), value) if kind == "section" else kind,
                   help_text if kind == "section" else f"{value!r}: {help_text}")
                  for name, value, help_text, kind in rows]
        key = tuple(fields)
        if key not in self.names:
            self.names[key] = own_name
            self.text += f"\n\nclass {own_name}(TypedDict, total=False):\n"
            self.text += "".join(f"    {name}: {kind}\n{indented(text)}\n" for name, kind, text in fields)
        return self.names[key]


def option_types(options):
    """The text of python/noisescope/_options.py for the module's table."""
    writer = Writer()
    for key, (name, rows) in options.items():
        if key != "config":  # a file's, not a function's
            writer.add(name, rows)
    return writer.text


def built_module():
    """The compiled module without the package, which needs the file that is made here."""
    import torch  # noqa: F401  loads the libraries that the module links to

    folder = pathlib.Path(__file__).parents[1] / "build/python/noisescope"
    spec = importlib.util.spec_from_file_location("_core", next(folder.glob("_core.*.so")))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    print(option_types(built_module().options), end="")
