import inspect
import pathlib
import sys

import noisescope as ns
from noisescope import _answers, _core, _options

sys.path.append(str(pathlib.Path(__file__).parents[2] / "tools"))
from make_answer_types import answer_types
from make_option_types import option_types


def test_types_of_options_are_those_of_the_library():
    made = option_types(_core.options)
    assert made == pathlib.Path(_options.__file__).read_text(), "run tools/make_option_types.py again"
    assert "Literal[\"ddpm\", \"ddim\"" in made and "100: steps of each noising path" in made


def test_classes_of_answers_are_those_of_the_library():
    made = answer_types(_core.answers)
    assert made == pathlib.Path(_answers.__file__).read_text(), "run tools/make_answer_types.py again"
    assert "[picture, y, x] nats per pixel: what each step" in made


def test_options_stand_in_signatures_with_their_defaults():
    shown = inspect.signature(ns.explain.evidence).parameters
    assert shown["steps"].default == 100 and shown["steps"].kind is inspect.Parameter.KEYWORD_ONLY
    assert inspect.signature(ns.Run.sample).parameters["grid"].default["steps"] > 0
