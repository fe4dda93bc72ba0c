"""The Python package on the stand-in device: a run that lies there gives the numbers that it gives on the CPU."""

import ctypes
import os
import pathlib
import sys
import tempfile
import types

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
sys.path.insert(0, str(BUILD / "python"))

PROMPT = "a red square left of a blue disc on dark"
TINY = {
    "data.world_samples": 100, "clip.embedding_dim": 16, "clip.text.width": 16, "clip.text.layers": 1,
    "clip.text.heads": 2, "clip.image.channels": [8, 8, 8, 8], "clip.image.hidden": 16, "clip_train.seconds": 0,
    "clip_train.steps": 3, "clip_batch_size": 8, "network.channels": [8, 8], "network.attention_resolutions": [8],
    "network.head_width": 8, "network.embedding_width": 16, "network.condition_map_channels": 4,
    "network.dropout": 0.1, "train.budget": "4steps", "train.batch_size": 4, "train.precision": "float32",
    "train.validation_samples": 4,
    "sample.grid.steps": 4, "calibration.pictures": 0,
}
problems = []


def load_device():
    """Makes torch's Python side know the device, too."""
    library = ctypes.CDLL(str(BUILD / "tests" / "libstandin.so"))
    module = types.ModuleType("torch.standin")
    module.is_available = module.is_initialized = lambda: True
    module._lazy_init = lambda: None
    module._is_in_bad_fork = lambda: False
    module.current_device = lambda: 0
    module.device_count = lambda: 1
    module.manual_seed_all = lambda seed: None
    torch._register_device_module("standin", module)
    return library


def launches(library):
    four = (ctypes.c_int64 * 4)()
    library.standin_counts(four)
    return four[0]


def compare(found, expected, what, bound=1e-5):
    found, expected = (torch.as_tensor(value, dtype=torch.float64, device="cpu") for value in (found, expected))
    finite = expected.isfinite()
    if found.shape != expected.shape or not torch.equal(found.isfinite(), finite):
        problems.append(f"{what}: other shape or other gaps")
        return
    if finite.any():
        off = ((found - expected)[finite].abs().max() / expected[finite].abs().max().clamp_min(1e-3)).item()
        if off > bound:
            problems.append(f"{what} is off by {off:.1e}")


def answers_of(ns, folder, device):
    """What is asked of a run, by name."""
    run = ns.load(folder, device=device)
    trajectory = run.trajectory([PROMPT] * 3, seed=1)
    answers = {"pictures": trajectory.pictures, "initial": trajectory.initial}
    answers["sampled"] = run.sample([PROMPT], seed=3)
    evidence = ns.explain.evidence(run, trajectory.pictures, PROMPT, word="red", steps=4)
    answers["evidence"] = evidence.map
    changed = ns.explain.counterfactual(trajectory, PROMPT.replace("red", "green"))
    answers["counterfactual"] = changed.change
    answers["embedding"] = run.clip.encode_text([PROMPT])
    pictures = trajectory.pictures
    answers["information"] = ns.explain.information_map(run, pictures, PROMPT, draws=2, levels=4).profile
    answers["u_turn"] = ns.explain.u_turn(run, pictures, PROMPT, steps=3, log_snrs=[-6, -3, 0]).kept
    answers["uncertainty"] = ns.explain.posterior_uncertainty(run, pictures, PROMPT, iterations=2).estimate
    answers["emergence"] = ns.explain.spectral_emergence(run, pictures, PROMPT, bands=4, steps=4).spectrum
    answers["inversion"] = ns.explain.inversion(run, pictures, PROMPT, steps=[3, 4]).noise
    answers["locality"] = ns.explain.conditioning_locality(run, pictures, PROMPT, word="red", log_snrs=[-3, 1], draws=4,
                                                           permutations=39).change
    answers["decision"] = ns.explain.decision_windows(run, pictures, PROMPT, words="red", steps=4).nats
    return answers


def main():
    library = load_device()
    import noisescope as ns

    with tempfile.TemporaryDirectory() as place:
        losses = {}
        for device in ("cpu", "standin"):
            losses[device] = []
            ns.train(pathlib.Path(place) / device, overrides=TINY, device=device, progress=False,
                     on_step=lambda step, kept=losses[device]: kept.append(step["loss"]))
        compare(losses["standin"], losses["cpu"], "losses of training", 1e-5)
        before = launches(library)
        found = answers_of(ns, pathlib.Path(place) / "cpu", "standin")
        expected = answers_of(ns, pathlib.Path(place) / "cpu", "cpu")
        if launches(library) - before < 1000:
            problems.append(f"the device was asked for {launches(library) - before} kernels alone")
        for name, value in expected.items():
            compare(found[name], value, name)
    for problem in problems:
        print("WRONG:", problem)
    print(f"{len(problems)} differences")
    return 1 if problems else 0


sys.exit(main())
