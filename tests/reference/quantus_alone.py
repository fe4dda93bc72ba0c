"""quantus 0.6.0 and captum 0.9.0 without their dependencies: what they import for plots, segmentation and
tables, and never call in the metrics that are used here, is replaced by dummies."""

import importlib.abc
import importlib.machinery
import sys
from unittest import mock

import numpy

ABSENT = {"cv2", "matplotlib", "mpl_toolkits", "skimage", "cachetools", "pandas"}


class Dummies(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in ABSENT:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = mock.MagicMock()
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, Dummies())

import captum.metrics as captum_metrics  # noqa: E402, F401
import quantus  # noqa: E402, F401

sys.meta_path.pop(0)
if not hasattr(numpy, "trapz"):  # its name before NumPy 2
    numpy.trapz = numpy.trapezoid
sys.modules.pop("pandas", None)  # sklearn looks for it
