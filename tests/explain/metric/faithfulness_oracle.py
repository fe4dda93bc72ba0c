"""Metrics of a fixed classifier's explanations against other libraries: pixel flipping and max-sensitivity
against quantus 0.6.0 (Hedstroem et al. 2023), max-sensitivity and infidelity, as it is and scaled,
against captum 0.9.0 (Kokhlikyan et al. 2020), with the perturbations that we drew."""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from safetensors.torch import load_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
TOLERANCE = 1e-6

sys.path.insert(0, str(ROOT / "tests" / "reference"))
from metric_oracles import captum, quantus  # noqa: E402

torch.set_default_dtype(torch.float64)


class Classifier(torch.nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.linear = torch.nn.Linear(weights.shape[1], weights.shape[0], bias=False)
        self.linear.weight.data = weights

    def forward(self, x):
        return self.linear(x.flatten(1))


def probabilities(model, x):
    return model(x).softmax(1)


def gradient_times_input(model, x, labels):
    x = x.detach().requires_grad_(True)
    with torch.enable_grad():
        own = probabilities(model, x).gather(1, labels[:, None]).sum()
        return (torch.autograd.grad(own, x)[0] * x).detach()


def flipping(model, case, area):
    metric = quantus.PixelFlipping(features_in_step=6, perturb_baseline=0.25, normalise=False,
                                   abs=False, return_auc_per_sample=area, disable_warnings=True)
    return metric(model=model, x_batch=case["pictures"].numpy(), y_batch=case["labels"].numpy(),
                  a_batch=case["maps"][:, None].numpy(), softmax=True, device="cpu")


def quantus_sensitivity(metric, model, case):
    draws = iter(case["perturbations"].numpy())

    def perturb(arr, indices, **kwargs):
        return arr + next(draws).reshape(arr.shape)

    def explain(model, inputs, targets, **kwargs):
        x, y = torch.as_tensor(np.asarray(inputs)), torch.as_tensor(np.asarray(targets))
        return gradient_times_input(model, x, y).numpy()

    instance = metric(nr_samples=len(case["perturbations"]), perturb_func=perturb, abs=False,
                      normalise=False, disable_warnings=True)
    return instance(model=model, x_batch=case["pictures"].numpy(), y_batch=case["labels"].numpy(),
                    explain_func=explain, device="cpu")


def by_picture(case):
    """Perturbations in captum's order: all of the first picture, all of the second, ..."""
    return case["perturbations"].transpose(0, 1).flatten(0, 1)


def captum_sensitivity(model, case):
    def explain(inputs, target):
        x = inputs[0] if isinstance(inputs, tuple) else inputs
        return (gradient_times_input(model, x, target),)

    return captum.metrics.sensitivity_max(
        explain, case["pictures"], perturb_func=lambda x: x + by_picture(case),
        n_perturb_samples=len(case["perturbations"]), target=case["labels"])


def captum_infidelity(model, case, normalize):
    moves = by_picture(case)
    return captum.metrics.infidelity(
        lambda x: probabilities(model, x), lambda x: (moves, x - moves), case["pictures"],
        0.01 * case["maps"][:, None], target=case["labels"],
        n_perturb_samples=len(case["perturbations"]), normalize=normalize)


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "fixture.safetensors"
        subprocess.run([BUILD / "tests" / "explain_metric_test",
                        "--gtest_filter=OracleFile.WriteFaithfulness"],
                       env={**os.environ, "NOISESCOPE_ORACLE_FILE": str(path)}, check=True,
                       stdout=subprocess.DEVNULL)
        case = load_file(path)
    model = Classifier(case["weights"]).eval()
    answers = {
        ("quantus", "flipping"): flipping(model, case, False),
        ("quantus", "flipping_area"): flipping(model, case, True),
        ("quantus", "sensitivity_max"): quantus_sensitivity(quantus.MaxSensitivity, model, case),
        ("quantus", "sensitivity_mean"): quantus_sensitivity(quantus.AvgSensitivity, model, case),
        ("captum", "sensitivity_max"): captum_sensitivity(model, case),
        ("captum", "infidelity"): captum_infidelity(model, case, False),
        ("captum", "infidelity_scaled"): captum_infidelity(model, case, True),
    }
    failures = 0
    for (library, name), answer in answers.items():
        ours, theirs = case[name].numpy(), np.asarray(answer, dtype=np.float64)
        worst = np.abs(ours - theirs).max() if ours.shape == theirs.shape else np.inf
        good = worst <= TOLERANCE
        failures += not good
        print(f"{'ok  ' if good else 'FAIL'} {library} {name}: largest difference {worst:.2e}")
    return failures


sys.exit(main())
