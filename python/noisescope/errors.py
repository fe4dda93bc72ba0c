"""Exceptions of the library. Each is also the Python exception that a caller would expect."""

from noisescope._core import (
    ConfigError, DataError, FormatError, Interrupted, InvalidValueError, IoError, ModelError, NumericError, ShapeError)

__all__ = ["ConfigError", "DataError", "FormatError", "Interrupted", "InvalidValueError", "IoError", "ModelError",
           "NumericError", "ShapeError"]

for _error, _meaning in (
    (InvalidValueError, "A value outside of what is accepted."),
    (ShapeError, "A tensor of the wrong shape or dtype."),
    (ConfigError, "A configuration or option that cannot be used; names the key and the nearest valid one."),
    (FormatError, "A file that is not what it claims to be."),
    (DataError, "Data that is readable but cannot serve."),
    (IoError, "The operating system refused."),
    (ModelError, "Weights, checkpoint or cache that belong to something else."),
    (NumericError, "A computation that left the finite numbers."),
    (Interrupted, "Stopped on request; work so far is saved."),
):
    _error.__doc__ = _meaning
