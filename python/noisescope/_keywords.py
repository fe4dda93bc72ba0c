"""Options as keyword arguments: names, defaults and help come from the C++ library's own table."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from noisescope import _core

F = TypeVar("F", bound=Callable[..., Any])


def _default(value: Any, kind: str) -> Any:
    """Sections show as dictionaries."""
    return {name: _default(inner, k) for name, inner, _, k in value} if kind == "section" else value


def _lines(rows: list[Any], indent: str) -> list[str]:
    lines = []
    for name, value, help_text, kind in rows:
        if kind == "section":
            lines += [f"{indent}{name}: {help_text}", *_lines(value, indent + "    ")]
        else:
            lines.append(f"{indent}{name}={value!r}: {help_text}")
    return lines


def default_of(table: str, option: str) -> Any:
    """The value of an option that is not given."""
    return next(value for name, value, _, _ in _core.options[table][1] if name == option)


def takes_options(table: str) -> Callable[[F], F]:
    """Shows the options of a function or method in its signature and docstring."""
    rows = _core.options[table][1]

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        shown = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        taken = {p.name for p in shown}
        shown += [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_default(value, kind))
                  for name, value, _, kind in rows if name not in taken]
        function.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
        function.__doc__ = (inspect.getdoc(function) or "") + "\n\nOptions:\n" + "\n".join(_lines(rows, "    "))
        return function

    return decorate
