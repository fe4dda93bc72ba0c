"""The U-Net of noisescope/nn/unet.h once more, written from its description in plain PyTorch.

An independent reference for values, gradients, FLOPs and kept activations
(tests/nn/unet_oracle.py), and the opponent of the timing (bench/peers/unet_step.py). Parameter names are the same, so
the weights of one load into the other.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

DEMO = {
    "in_channels": 3,
    "image_size": 32,
    "patch": 2,
    "channels": [32, 64, 96],
    "blocks_per_level": 1,
    "attention_resolutions": [8, 4],
    "head_width": 32,
    "embedding_width": 128,
    "condition_width": 128,
    "condition_map_channels": 16,
    "condition_map_size": 8,
}


def norm(channels):
    groups = max(g for g in range(1, 9) if channels % g == 0)
    return nn.GroupNorm(groups, channels)


class Attention(nn.Module):
    def __init__(self, channels, head_width, fused):
        super().__init__()
        self.heads = channels // min(channels, head_width)
        self.fused = fused
        self.norm = norm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, x):
        b, c, h, w = x.shape
        tokens = self.norm(x).reshape(b, c, h * w).transpose(1, 2)
        q, k, v = self.qkv(tokens).chunk(3, dim=-1)
        q, k, v = (t.reshape(b, h * w, self.heads, -1).transpose(1, 2) for t in (q, k, v))
        if self.fused:
            mixed = F.scaled_dot_product_attention(q, k, v)
        else:
            mixed = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1) @ v
        mixed = mixed.transpose(1, 2).reshape(b, h * w, c)
        return self.out(mixed).transpose(1, 2).reshape(b, c, h, w)


class Block(nn.Module):
    def __init__(self, cin, cout, o, attention, fused):
        super().__init__()
        self.norm1 = norm(cin)
        self.conv1 = nn.Conv2d(cin, cout, 3, padding=1)
        self.film = nn.Linear(o["embedding_width"], 2 * cout)
        self.film_map = nn.Conv2d(o["condition_map_channels"], 2 * cout, 1)
        self.norm2 = norm(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, padding=1)
        self.skip = nn.Conv2d(cin, cout, 1) if cin != cout else nn.Identity()
        self.attn = Attention(cout, o["head_width"], fused) if attention else None

    def forward(self, x, embedding, condition_map):
        size = x.shape[-2:]
        if size[0] < condition_map.shape[-2]:
            condition_map = F.adaptive_avg_pool2d(condition_map, size)
        film = self.film(embedding)[:, :, None, None] + self.film_map(condition_map)
        scale, shift = film.chunk(2, dim=1)
        scale = scale + 1
        if film.shape[-2:] != size:
            scale, shift = (F.interpolate(t, size=size) for t in (scale, shift))
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(torch.addcmul(shift, self.norm2(h), scale)))
        x = self.skip(x) + h
        return x if self.attn is None else x + self.attn(x)


class Embedding(nn.Module):
    def __init__(self, o):
        super().__init__()
        width = o["embedding_width"]
        self.noise1, self.noise2 = nn.Linear(64, width), nn.Linear(width, width)
        self.condition = nn.Linear(o["condition_width"], width)

    def forward(self, label, condition):
        frequencies = 200 * 1000 ** (-torch.arange(32, dtype=label.dtype) / 32)
        angles = label[:, None] * frequencies
        features = torch.cat([angles.sin(), angles.cos()], dim=1)
        return F.silu(self.noise2(F.silu(self.noise1(features))) + self.condition(condition))


class ConditionMap(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.shape = (-1, o["condition_map_channels"], *2 * [o["condition_map_size"]])
        self.hidden = nn.Linear(o["condition_width"], 2 * o["embedding_width"])
        self.out = nn.Linear(2 * o["embedding_width"], math.prod(self.shape[1:]))

    def forward(self, condition):
        return self.out(F.silu(self.hidden(condition))).reshape(self.shape)


class UNet(nn.Module):
    """F(x [B,C,H,W], noise_label [B], condition [B,D]) -> [B,C,H,W]; learned position, FiLM map."""

    def __init__(self, options=None, fused=True):
        super().__init__()
        o = {**DEMO, **(options or {})}
        self.patch = o["patch"]
        pixels = o["in_channels"] * self.patch**2
        size = o["image_size"] // self.patch
        channels = o["channels"]
        self.null_condition = nn.Parameter(torch.zeros(o["condition_width"]))
        self.position = nn.Parameter(torch.zeros(1, channels[0], size, size))
        self.embedding, self.condition_map = Embedding(o), ConditionMap(o)
        self.enc, self.mid, self.dec = nn.Module(), nn.Module(), nn.Module()

        def block(part, index, cin, cout):
            module = Block(cin, cout, o, attends or (part is self.mid and index == 0), fused)
            part.add_module(f"{size}x{size}_block{index}", module)

        stem = nn.Conv2d(pixels + 2 + o["condition_map_channels"], channels[0], 3, padding=1)
        self.enc.add_module(f"{size}x{size}_conv", stem)
        skips, width = [channels[0]], channels[0]
        for level, cout in enumerate(channels):
            if level:
                size //= 2
                down = nn.Conv2d(width, width, 3, stride=2, padding=1)
                self.enc.add_module(f"{size}x{size}_down", down)
                skips.append(width)
            attends = size in o["attention_resolutions"]
            for i in range(o["blocks_per_level"]):
                block(self.enc, i, width, cout)
                width = cout
                skips.append(width)
        attends = False
        block(self.mid, 0, width, width)
        block(self.mid, 1, width, width)
        for level in reversed(range(len(channels))):
            if level < len(channels) - 1:
                size *= 2
                self.dec.add_module(f"{size}x{size}_up", nn.Conv2d(width, width, 3, padding=1))
            attends = size in o["attention_resolutions"]
            for i in range(o["blocks_per_level"] + 1):
                block(self.dec, i, width + skips.pop(), channels[level])
                width = channels[level]
        self.out_norm = norm(width)
        self.out_conv = nn.Conv2d(width, pixels, 3, padding=1)

    def stem_input(self, x, condition_map):
        x = F.pixel_unshuffle(x, self.patch)
        b, _, h, w = x.shape
        sides = [torch.linspace(-1, 1, n, dtype=x.dtype) for n in (h, w)]
        xy = torch.stack(torch.meshgrid(*sides, indexing="ij"))[None].expand(b, 2, h, w)
        return torch.cat([x, xy, F.interpolate(condition_map, size=(h, w))], dim=1)

    def forward(self, x, noise_label, condition):
        embedding = self.embedding(noise_label, condition)
        condition_map = self.condition_map(condition)
        x = self.stem_input(x, condition_map)
        skips = []
        for name, module in self.enc.named_children():
            if name.endswith("_conv"):
                x = module(x) + self.position
            else:
                x = module(x, embedding, condition_map) if "_block" in name else module(x)
            skips.append(x)
        for module in self.mid.children():
            x = module(x, embedding, condition_map)
        for name, module in self.dec.named_children():
            if name.endswith("_up"):
                x = module(F.interpolate(x, scale_factor=2))
            else:
                x = module(torch.cat([x, skips.pop()], dim=1), embedding, condition_map)
        return F.pixel_shuffle(self.out_conv(F.silu(self.out_norm(x))), self.patch)
