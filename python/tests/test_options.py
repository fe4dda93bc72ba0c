import inspect
import pathlib
import sys

import noisescope as ns
from noisescope import _core, _options

sys.path.append(str(pathlib.Path(__file__).parents[2] / "tools"))
from make_option_types import option_types  # noqa: E402


def test_types_of_options_are_those_of_the_library():
    made = option_types(_core.options)
    assert made == pathlib.Path(_options.__file__).read_text(), "run tools/make_option_types.py again"
    assert "Literal[\"ddpm\", \"ddim\"" in made and "160: steps of each noising path" in made


def test_options_stand_in_signatures_with_their_defaults():
    shown = inspect.signature(ns.explain.filter_noising_paths).parameters
    assert shown["steps"].default == 160 and shown["steps"].kind is inspect.Parameter.KEYWORD_ONLY
    assert inspect.signature(ns.Run.sample).parameters["grid"].default["steps"] > 0
