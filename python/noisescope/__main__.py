"""`python -m noisescope COMMAND ...`: the program, as `noisescope COMMAND ...` (also under torchrun -m)."""

import os
import pathlib
import shutil
import sys
import sysconfig


def program() -> str:
    """The program of this package: beside it in a build folder or in the environment's scripts, else on the path."""
    places = [
        pathlib.Path(__file__).resolve().parents[2] / "noisescope",
        pathlib.Path(sysconfig.get_path("scripts")) / "noisescope",
    ]
    for place in places:
        if place.is_file() and os.access(place, os.X_OK):
            return str(place)
    found = shutil.which("noisescope")
    if found is None:
        sys.exit(
            "error: no program 'noisescope' beside this package or on the path; build it, or install the package again"
        )
    return found


if __name__ == "__main__":
    path = program()
    os.execv(path, [path, *sys.argv[1:]])
