"""Makes tests/golden/optimizer.json: torch.optim.AdamW and Muon, clip_grad_norm_ and torch's lr schedulers.

    .venv/bin/python tests/reference/make_optimizer_golden.py

Gradients are a formula of step, parameter and element, so that none has to be stored:
g = 3 sin(0.7 element + 0.3 step + parameter), for Muon 3 sin(element^2 + 0.3 step + parameter), which has full rank.
"""

import json
import math
import pathlib

import torch

STEPS, LEARNING_RATE, WARMUP, MAX_NORM = 25, 0.05, 6, 2.5
SHAPES = {"bias": [3], "gain": [], "weight": [2, 3]}  # in name order


def gradient(step, index, parameter):
    element = torch.arange(parameter.numel(), dtype=torch.float64)
    return (3 * torch.sin(0.7 * element + 0.3 * step + index)).reshape(parameter.shape)


def full_rank(step, index, parameter):
    element = torch.arange(parameter.numel(), dtype=torch.float64)
    return (3 * torch.sin(element**2 + 0.3 * step + index)).reshape(parameter.shape)


def start(index, shape):
    parameter = torch.ones(shape, dtype=torch.float64) * (0.5 + index)
    return torch.nn.Parameter(parameter)


def adamw():
    parameters = {name: start(i, shape) for i, (name, shape) in enumerate(SHAPES.items())}
    matrices = [p for p in parameters.values() if p.dim() >= 2]
    others = [p for p in parameters.values() if p.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        lr=LEARNING_RATE, betas=(0.9, 0.99), eps=1e-8)
    norms = []
    for step in range(STEPS):
        for i, (name, parameter) in enumerate(parameters.items()):
            # The gain gets no gradient in every third step.
            skip = name == "gain" and step % 3 == 2
            parameter.grad = None if skip else gradient(step, i, parameter)
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters.values(), MAX_NORM)))
        optimizer.step()
    out = {"norms": norms}
    for name, parameter in parameters.items():
        state = optimizer.state[parameter]
        out[name] = {"value": parameter.detach().flatten().tolist(),
                     "exp_avg": state["exp_avg"].flatten().tolist(),
                     "exp_avg_sq": state["exp_avg_sq"].flatten().tolist(),
                     "step": float(state["step"])}
    return out


MUON_SHAPES = {"tall": [6, 4], "wide": [3, 2, 2, 2]}  # in name order; a kernel is a matrix of as many rows


def muon():
    """torch's Muon orthogonalizes in bfloat16: good to a per cent or two of an update."""
    parameters = {name: start(i, [shape[0], math.prod(shape[1:])])
                  for i, (name, shape) in enumerate(MUON_SHAPES.items())}
    optimizer = torch.optim.Muon(parameters.values(), lr=LEARNING_RATE, weight_decay=0.1, momentum=0.8,
                                 adjust_lr_fn="match_rms_adamw")
    for step in range(STEPS):
        for i, parameter in enumerate(parameters.values()):
            parameter.grad = full_rank(step, i, parameter)
        optimizer.step()
    return {name: {"value": parameter.detach().flatten().tolist(),
                   "exp_avg": optimizer.state[parameter]["momentum_buffer"].flatten().tolist()}
            for name, parameter in parameters.items()}


def rates(make):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LEARNING_RATE)
    scheduler = make(optimizer)
    out = []
    for _ in range(STEPS):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return out


def main():
    schedulers = torch.optim.lr_scheduler
    golden = {
        "versions": {"torch": torch.__version__},
        "steps": STEPS, "learning_rate": LEARNING_RATE, "warmup_steps": WARMUP,
        "max_norm": MAX_NORM, "weight_decay": 0.1,
        "adamw": adamw(),
        "muon": muon(),
        "rates": {
            "warmup": rates(lambda o: schedulers.LinearLR(
                o, start_factor=1 / WARMUP, end_factor=1, total_iters=WARMUP - 1)),
            "linear": rates(lambda o: schedulers.LinearLR(
                o, start_factor=1, end_factor=0.1, total_iters=STEPS)),
            "cosine": rates(lambda o: schedulers.CosineAnnealingLR(
                o, T_max=STEPS, eta_min=0.1 * LEARNING_RATE)),
        },
    }
    path = pathlib.Path(__file__).resolve().parents[1] / "golden" / "optimizer.json"
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
