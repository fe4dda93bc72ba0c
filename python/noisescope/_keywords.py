"""Options as keyword arguments: names, defaults and help come from the C++ library's own table."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from noisescope import _core

F = TypeVar("F", bound=Callable[..., Any])


def _default(value: Any) -> Any:
    """Sections show as dictionaries."""
    if isinstance(value, list) and value and all(isinstance(row, tuple) for row in value):
        return {name: _default(inner) for name, inner, _ in value}
    return value


def _lines(rows: list[Any], indent: str) -> list[str]:
    lines = []
    for name, value, help_text in rows:
        if isinstance(value, list) and value and all(isinstance(row, tuple) for row in value):
            lines.append(f"{indent}{name}: {help_text}")
            lines += _lines(value, indent + "    ")
        else:
            lines.append(f"{indent}{name}={value!r}: {help_text}")
    return lines


def takes_options(table: str) -> Callable[[F], F]:
    """Shows the options of a function or method in its signature and docstring."""
    rows = _core.options[table]

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        shown = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        taken = {p.name for p in shown}
        shown += [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_default(value))
                  for name, value, _ in rows if name not in taken]
        function.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
        function.__doc__ = (inspect.getdoc(function) or "") + "\n\nOptions:\n" + "\n".join(_lines(rows, "    "))
        return function

    return decorate
