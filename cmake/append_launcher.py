"""Appends to a program what lets Python run it: `torchrun build/noisescope train ...` hands a program to Python.

    append_launcher.py PROGRAM

Python runs an archive with a __main__.py, whatever stands before the archive in the file; the system loads the program
as before.
"""

import pathlib
import sys
import zipfile

MAIN = "import os, sys\nos.execv(sys.argv[0], sys.argv)\n"


def main():
    program = pathlib.Path(sys.argv[1])
    if not zipfile.is_zipfile(program):
        with zipfile.ZipFile(program, "a") as archive:
            archive.writestr(zipfile.ZipInfo("__main__.py"), MAIN)


if __name__ == "__main__":
    main()
