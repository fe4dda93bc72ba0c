"""Localisation metrics against quantus 0.6.0 (Hedstroem et al. 2023) on random maps and masks: relevance
mass, relevance rank, AUC with ties, pointing where no maximum is tied."""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from safetensors.numpy import load_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
TOLERANCE = 1e-6

sys.path.insert(0, str(ROOT / "tests" / "reference"))
from metric_oracles import quantus  # noqa: E402

METRICS = {
    "relevance_mass": quantus.RelevanceMassAccuracy,
    "relevance_rank": quantus.RelevanceRankAccuracy,
    "auc": quantus.AUC,
    "pointing": quantus.PointingGame,
}


def score(metric, maps, masks):
    instance = metric(abs=False, normalise=False, disable_warnings=True)
    return np.asarray(instance.evaluate_batch(a_batch=maps[:, None], s_batch=masks[:, None]),
                      dtype=np.float64)


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "fixture.safetensors"
        subprocess.run([BUILD / "tests" / "explain_metric_test", "--gtest_filter=OracleFile.Write"],
                       env={**os.environ, "NOISESCOPE_ORACLE_FILE": str(path)}, check=True,
                       stdout=subprocess.DEVNULL)
        tensors = load_file(path)
    failures = 0
    for fixture in ("plain", "tied"):
        maps, masks = tensors[f"{fixture}.maps"], tensors[f"{fixture}.masks"].astype(bool)
        for name, metric in METRICS.items():
            if fixture == "tied" and name in ("relevance_rank", "pointing"):
                continue  # quantus counts tied maxima as hits and ranks ties by position
            worst = np.abs(score(metric, maps, masks) - tensors[f"{fixture}.{name}"]).max()
            good = worst <= TOLERANCE
            failures += not good
            print(f"{'ok  ' if good else 'FAIL'} {fixture} {name}: largest difference {worst:.2e}")
    return failures


sys.exit(main())
