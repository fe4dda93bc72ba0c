"""One training step of the demo's U-Net: this library against PyTorch eager, side by side.

Builds the same network in Python (tests/reference/unet_twin.py), loads our weights, checks that
output and gradients agree to 1e-4, then times both in turns: forward, loss, backward, clipping to
norm 1, fused AdamW; with --forward the forward pass alone, without a graph. Ours trains in bfloat16 where the processor
has matrix units for it (--precision). Prints JSON with medians and their ratio (above 1: we are faster).

    ninja -C build nn_bench
    .venv/bin/python bench/peers/unet_step.py [--rounds 6] [--threads 2] [--forward] [--json FILE]
        [--opponent eager | compile | diffusers]    diffusers: a UNet2DConditionModel of like size
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "reference"))

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from unet_twin import UNet  # noqa: E402

TOLERANCE = 1e-4


class Ours:
    """nn_bench --serve as a child process."""

    def __init__(self, args, folder):
        command = [str(args.program), "--threads", str(args.threads), *(["--forward"] if args.forward else []),
                   "--precision", args.precision, "--network", json.dumps(args.network), "--serve", folder]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        if self.process.stdout.readline().strip() != "ready":
            sys.exit(f"{args.program} did not start")

    def step_ms(self, batch, steps):
        self.process.stdin.write(f"{batch} {steps}\n")
        self.process.stdin.flush()
        return [float(t) for t in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def diffusers_unet():
    """A network of diffusers with our widths and attention at 8 and 4 px, seen as ours are called."""
    from diffusers import UNet2DConditionModel

    down, up = "CrossAttnDownBlock2D", "CrossAttnUpBlock2D"
    net = UNet2DConditionModel(
        sample_size=32, in_channels=3, out_channels=3, layers_per_block=1, block_out_channels=(32, 64, 96),
        down_block_types=("DownBlock2D", down, down), up_block_types=(up, up, "UpBlock2D"), cross_attention_dim=128,
        attention_head_dim=32, norm_num_groups=8)
    return net, lambda x, label, condition: net(x, label, condition.unsqueeze(1)).sample


class Eager:
    def __init__(self, opponent, forward_alone, network):
        torch.manual_seed(0)
        self.forward_alone = forward_alone
        self.side = network.get("image_size", 32)
        self.net = self.forward = UNet(network)
        if opponent == "diffusers":
            self.net, self.forward = diffusers_unet()
        if opponent == "compile":
            self.forward = torch.compile(self.net)
        # The null condition takes part only where conditions are dropped.
        self.parameters = [p for k, p in self.net.named_parameters() if k != "null_condition"]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, fused=True
        )

    def step(self, x, label, condition, target):
        if self.forward_alone:
            with torch.inference_mode():
                self.forward(x, label, condition)
            return
        self.optimizer.zero_grad(set_to_none=True)
        loss = (self.forward(x, label, condition) - target).square().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        loss.item()

    def step_ms(self, batch, steps):
        data = torch.randn(batch, 3, self.side, self.side), 0.3 * torch.randn(batch), torch.randn(batch, 128)
        target, times = torch.randn_like(data[0]), []
        for i in range(-2, steps):
            start = time.perf_counter()
            self.step(*data, target)
            if i >= 0:
                times.append(1e3 * (time.perf_counter() - start))
        return times


def relative(a, b):
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-12))


def agreement(case, network):
    """Largest relative difference of output and of gradients, ours in float32."""
    net = UNet(network)
    prefix = "weight."
    net.load_state_dict({k[len(prefix) :]: v for k, v in case.items() if k.startswith(prefix)})
    output = net(case["x"], case["noise_label"], case["condition"])
    (output - case["target"]).square().mean().backward()
    gradients = [
        relative(p.grad, case["gradient." + k])
        for k, p in net.named_parameters()
        if p.grad is not None
    ]
    return relative(output.detach(), case["output"]), max(gradients)


def measure(ours, eager, batch, rounds, steps):
    """Rounds alternate who goes first; the ratio is the median over rounds of paired medians."""
    times = {"ours": [], "pytorch": []}
    for r in range(rounds):
        sides = [("ours", ours), ("pytorch", eager)]
        for name, side in sides if r % 2 == 0 else sides[::-1]:
            times[name].append(statistics.median(side.step_ms(batch, steps)))
    ratios = [p / o for o, p in zip(times["ours"], times["pytorch"], strict=True)]
    median = {name: statistics.median(values) for name, values in times.items()}
    return {
        "batch": batch,
        "ours_ms": round(median["ours"], 2),
        "pytorch_ms": round(median["pytorch"], 2),
        "ours_images_per_second": round(1e3 * batch / median["ours"], 1),
        "pytorch_images_per_second": round(1e3 * batch / median["pytorch"], 1),
        "best_ours_ms": round(min(times["ours"]), 2),
        "best_pytorch_ms": round(min(times["pytorch"]), 2),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_range": [round(min(ratios), 3), round(max(ratios), 3)],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=10, help="steps of a round")
    parser.add_argument("--batch", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--opponent", choices=["eager", "compile", "diffusers"], default="eager")
    parser.add_argument("--forward", action="store_true", help="the forward pass alone, without a graph")
    parser.add_argument("--precision", default="auto", help="of our training step")
    parser.add_argument("--network", type=json.loads, default={}, help="JSON: what differs from the demo's network")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/bench/nn_bench")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(args, folder)
        output, gradient = agreement(load_file(f"{folder}/case.safetensors"), args.network)
        eager = Eager(args.opponent, args.forward, args.network)
        results = [measure(ours, eager, b, args.rounds, args.steps) for b in args.batch]
        ours.close()
    report = {
        "torch": torch.__version__,
        "threads": args.threads,
        "opponent": args.opponent,
        "what": "forward" if args.forward else "training step, fused AdamW",
        "output_difference": output,
        "gradient_difference": gradient,
        "steps": results,
    }
    text = json.dumps(report, indent=2)
    print(text)
    if args.json:
        args.json.write_text(text + "\n")
    sys.exit(max(output, gradient) > TOLERANCE)


if __name__ == "__main__":
    main()
