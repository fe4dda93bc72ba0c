"""Executes the notebooks of examples/ from top to bottom, on one shared small run.

    .venv/bin/python tools/run_notebooks.py                         # trains a run of 20 s for it; drops the outputs
    .venv/bin/python tools/run_notebooks.py --run runs/demo --write # stores the outputs in the notebooks

PYTHONPATH must name build/python, or the module must be installed. Exit code 1 names the cell that failed.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

EXAMPLES = pathlib.Path(__file__).resolve().parents[1] / "examples"


def small_run(folder):
    import noisescope as ns

    return ns.train(folder, overrides={"train.budget": "20s", "clip_train.seconds": 10, "train.validate_every": 0},
                    progress=False).folder


def execute(path, write):
    notebook = nbformat.read(path, as_version=4)
    begun = time.monotonic()
    try:
        resources = {"metadata": {"path": EXAMPLES}}
        NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    except CellExecutionError as error:
        sys.exit(f"{path.name}: {error}")
    print(f"{path.name}: {time.monotonic() - begun:.0f} s", flush=True)
    if write:
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
            if "outputs" in cell:  # no progress lines
                cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
        nbformat.write(notebook, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--run", type=pathlib.Path, help="a trained run of the demo world (default: train a small one)")
    parser.add_argument("--write", action="store_true", help="store the outputs")
    parser.add_argument("--seconds", type=float, default=60, help="of training inside train_model.ipynb")
    parser.add_argument("names", nargs="*", help="notebooks without .ipynb (default: all)")
    args = parser.parse_args()
    paths = [EXAMPLES / f"{name}.ipynb" for name in args.names] or sorted(EXAMPLES.glob("*.ipynb"))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NOISESCOPE_RUN"] = str(args.run.resolve() if args.run else small_run(pathlib.Path(folder) / "run"))
        os.environ["NOISESCOPE_NOTEBOOK_SECONDS"] = str(args.seconds)
        for path in paths:
            execute(path, args.write)


if __name__ == "__main__":
    main()
