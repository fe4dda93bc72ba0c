"""The table of methods, and the report of all of them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noisescope import _core
from noisescope._arguments import Watch, mapping_of, texts_of
from noisescope.model import ModelLike, parts_of
from noisescope.pictures import pictures_of
from noisescope.progress import sink


@dataclass(frozen=True)
class MethodOption:
    """An option of a method in the report; `type`: bool, int, float, text or list; `limits`: min, max, above, below or
    choices."""

    name: str
    type: str
    default: Any
    help: str
    limits: dict[str, Any]


@dataclass(frozen=True)
class MethodField:
    """A field of a method's answer; `notes`: its null value, direction and what belongs to it."""

    name: str
    dims: str
    unit: str
    help: str
    notes: dict[str, Any]


@dataclass(frozen=True)
class Method:
    """A method of the report: a function of `noisescope.explain` has its id. `needs`: trajectory, words, factors,
    branches, reader, world, posterior_mean; `is_named`: the answer is one a word, prompt or value."""

    id: str
    question: str
    needs: list[str]
    is_named: bool
    options: list[MethodOption]
    fields: list[MethodField]


@dataclass(frozen=True)
class Report:
    """What was found: `json` by method id, `left_out`: why others were not asked; `path` of the HTML file."""

    path: str
    json: dict[str, Any]
    left_out: dict[str, str]


def _rest(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in names}


def methods() -> list[Method]:
    """All methods, in the order of the report.

    >>> methods()[1].id, methods()[1].options[0].name
    ('evidence', 'steps')
    """
    return [Method(row["id"], row["question"], row["needs"], row["named"],
                   [MethodOption(o["name"], o["type"], o["default"], o["help"],
                                 _rest(o, ("name", "type", "default", "help"))) for o in row["options"]],
                   [MethodField(f["name"], f["dims"], f["unit"], f["help"], _rest(f, ("name", "dims", "unit", "help")))
                    for f in row["fields"]])
            for row in _core.list_methods()["methods"]]


def report(model: ModelLike, prompt: str, out: str | os.PathLike[str], *, picture: Any = None,
           words: str | Sequence[str] = (), alternatives: str | Sequence[str] = (), labels: str | Sequence[str] = (),
           methods: str | Sequence[str] = (), settings: Mapping[str, Mapping[str, Any]] | None = None,
           pictures: int = 16, paths: int = 8, budget_seconds: float = 0.0, seed: int = 0,
           progress: Watch = None) -> Report:
    """Explains a picture by all methods, or these ids, in one HTML file with numbers and arrays beside it in `out`.

    `picture`: an existing one [C, H, W]; default: the first of `pictures` that the model draws. `words` of the prompt,
    default those whose alternatives are known. `settings`: options by method, {"evidence": {"steps": 320}}. Raises
    ValueError for unknown ids, ConfigError for settings that are no options.
    """
    of = parts_of(model)[1]
    if of is None:
        raise TypeError(f"expected a model, got {type(model).__name__}; noisescope.model makes one of functions")
    shown = None if picture is None else pictures_of(picture, "picture")[0]
    folder = os.fspath(out)
    found = _core.report(of._model, prompt, folder, shown, texts_of(words), texts_of(alternatives), texts_of(labels),
                         texts_of(methods), mapping_of(settings, "settings"), pictures, paths, budget_seconds,
                         seed, sink(progress))
    return Report(os.path.join(folder, "report.html"), found, found.get("left_out", {}))
