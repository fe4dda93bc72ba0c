"""The U-Net against its Python twin: values, gradients, FLOPs, kept activations."""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "reference"))

import torch  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402
from unet_twin import UNet  # noqa: E402

OTHER = {
    "image_size": 16,
    "patch": 1,
    "channels": [24, 32],
    "blocks_per_level": 2,
    "attention_resolutions": [16],
    "head_width": 8,
    "embedding_width": 40,
    "condition_width": 10,
    "condition_map_channels": 6,
    "condition_map_size": 16,
}
VALUE, GRADIENT, COST, MEMORY = 1e-5, 1e-4, 0.02, 0.05  # relative
failures = 0


def check(what, error, bound):
    global failures
    good = error <= bound
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what}: {error:.1e} (bound {bound:g})")


def relative(a, b):
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-12))


def part(answers, prefix):
    return {k.removeprefix(prefix): v for k, v in answers.items() if k.startswith(prefix)}


def inputs(a):
    return a["x"], a["noise_label"], a["condition"]


def check_values(name, net, a):
    x = a["x"].clone().requires_grad_()
    output = net(x, a["noise_label"], a["condition"])
    (output * a["probe"]).sum().backward()
    check(f"{name} output", relative(output.detach(), a["output"]), VALUE)
    gradients = part(a, "gradient.")
    mine = {k: p.grad for k, p in net.named_parameters() if p.grad is not None} | {"x": x.grad}
    check(f"{name} gradients missing on one side", len(set(mine) ^ set(gradients)), 0)
    worst = max(relative(mine[k], gradients[k]) for k in gradients)
    check(f"{name} worst of {len(gradients)} gradients", worst, GRADIENT)


def check_cost(name, net, a):
    cost, batch = part(a, "cost."), len(a["x"])
    count = sum(p.numel() for p in net.parameters())
    check(f"{name} parameters", abs(float(cost["parameters"]) - count), 0)
    # The counter does not know the fused attention of the CPU.
    explicit = UNet(OPTIONS[name], fused=False)
    counter = FlopCounterMode(display=False)
    with counter:
        output = explicit(*inputs(a))
    forward = counter.get_total_flops() / batch
    check(f"{name} forward FLOPs", abs(float(cost["forward_flops"]) / forward - 1), 1e-9)
    with counter:
        output.sum().backward()
    train = forward + counter.get_total_flops() / batch
    check(f"{name} train FLOPs", abs(float(cost["train_flops"]) / train - 1), COST)


def check_memory(name, net, a):
    storages, weights = {}, {p.untyped_storage().data_ptr() for p in net.parameters()}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        net(*inputs(a))
    kept = sum(storages.values()) / len(a["x"])
    estimate = float(part(a, "cost.")["activation_bytes"])
    check(f"{name} kept activations", abs(estimate / kept - 1), MEMORY)


OPTIONS = {"demo": {}, "other": OTHER}


def main():
    torch.set_num_threads(1)
    program = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build")) / "tests" / "nn_test"
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"NOISESCOPE_ANSWERS": folder, "OMP_NUM_THREADS": "1"}
        subprocess.run([program, "--gtest_filter=UNetAnswers.*", "--gtest_brief=1"], check=True,
                       env=environment, stdout=subprocess.DEVNULL)
        for name, options in OPTIONS.items():
            # Written a moment ago by our own program; its pickle carries TorchScript type tags.
            answers = torch.load(f"{folder}/unet_{name}.pt", weights_only=False)
            net = UNet(options)
            net.load_state_dict(part(answers, "weight."))
            check_values(name, net, answers)
            check_cost(name, net, answers)
            check_memory(name, net, answers)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
