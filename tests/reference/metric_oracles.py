"""quantus 0.6.0 and captum 0.9.0 without their dependencies: what they import for plots, segmentation and
tables, and never call in the metrics that are used here, is replaced by dummies."""

import sys
from unittest import mock

PLOTS = ("pyplot", "colors", "axes", "collections", "figure", "image")
DUMMIES = ("cv2", "matplotlib", *(f"matplotlib.{part}" for part in PLOTS), "mpl_toolkits",
           "mpl_toolkits.axes_grid1", "skimage", "skimage.segmentation", "cachetools", "pandas")

for _name in DUMMIES:
    sys.modules.setdefault(_name, mock.MagicMock())

import numpy  # noqa: E402

if not hasattr(numpy, "trapz"):
    numpy.trapz = numpy.trapezoid  # its name since numpy 2.0; quantus asks for the old one

import captum.metrics  # noqa: E402, F401
import quantus  # noqa: E402, F401

for _name in DUMMIES:
    if isinstance(sys.modules[_name], mock.MagicMock):
        del sys.modules[_name]  # sklearn looks for pandas
