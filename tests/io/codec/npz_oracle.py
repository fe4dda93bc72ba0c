"""Our .npz as NumPy and zipfile read it: names, dtypes, shapes, values, and checksums of the archive."""

import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
EXPECTED = {"map": np.arange(12, dtype=np.float32).reshape(3, 4).T,
            "evidence.total": np.array(2.5),
            "mask": np.array([True, False]),
            "empty": np.zeros((0, 4), np.int64)}


def main():
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([BUILD / "tests" / "io_codec_test", "--gtest_filter=NpzOracle.*"],
                       env={**os.environ, "NOISESCOPE_ORACLE_DIR": name}, check=True,
                       stdout=subprocess.DEVNULL)
        path = pathlib.Path(name) / "ours.npz"
        rows = {"zip checksums": zipfile.ZipFile(path).testzip() is None}
        with np.load(path) as ours:
            rows["names"] = sorted(ours.files) == sorted(EXPECTED)
            rows["values"] = all(ours[key].dtype == array.dtype and ours[key].shape == array.shape
                                 and np.array_equal(ours[key], array)
                                 for key, array in EXPECTED.items())
    for row, good in rows.items():
        print(f"{'ok  ' if good else 'FAIL'} {row}")
    sys.exit(0 if all(rows.values()) else 1)


if __name__ == "__main__":
    main()
