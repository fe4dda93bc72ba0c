"""Files of the safetensors package and of NumPy, read and written again by us, read by them: the
same names, metadata, dtypes, shapes and values. (Not the same bytes: the package orders tensors of
equal element size by a rule of its own.)"""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
METADATA = {"text": "café \"quoted\"\n"}  # one entry: the package does not fix the order of more


def arrays():
    rng = np.random.default_rng(0)
    made = {f"a_{kind}": rng.integers(0, 100, (3, 5)).astype(kind)
            for kind in ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32",
                         "float64")}
    return made | {"scalar": np.array(2.5, np.float32), "empty": np.zeros((0, 4), np.float32),
                   "cube": rng.standard_normal((2, 3, 4)).astype(np.float32)}


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b)


def main():
    expected = arrays()
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        save_file(expected, folder / "theirs.safetensors", METADATA)
        for key, array in expected.items():
            np.save(folder / f"{key}.theirs.npy", np.array(array, order="F"))
        subprocess.run([BUILD / "tests" / "io_test", "--gtest_filter=OracleFiles.*"],
                       env={**os.environ, "NOISESCOPE_ORACLE_DIR": name}, check=True,
                       stdout=subprocess.DEVNULL)
        with safe_open(folder / "ours.safetensors", "np") as ours:
            rows["safetensors metadata"] = ours.metadata() == METADATA
            rows["safetensors names"] = sorted(ours.keys()) == sorted(expected)
            rows["safetensors values"] = all(same(ours.get_tensor(key), array)
                                             for key, array in expected.items())
        rows["npy values"] = all(same(np.load(folder / f"{key}.npy"), array)
                                 for key, array in expected.items())
    for row, good in rows.items():
        print(f"{'ok  ' if good else 'FAIL'} {row}")
    sys.exit(0 if all(rows.values()) else 1)


if __name__ == "__main__":
    main()
