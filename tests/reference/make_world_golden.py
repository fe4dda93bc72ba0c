"""Makes tests/golden/world_fine.safetensors: the exact denoiser of the world "fine", by numpy.

An independent statement of the closed form, in float64 and in the variance-preserving process
z = s x_0 + v eps with s^2 = sigmoid(log-SNR), whereas the library works with x = x_0 + sigma eps.
Stored per noise level: x (float32), and for the null condition and for the caption "a red square
and a disc" the clean estimate (float32) and p(background, left, right | x) (float64).

Run: .venv/bin/python tests/reference/make_world_golden.py   (numpy only; checked with 2.4)
"""

import json
import pathlib
import struct

import numpy as np

HEIGHT, HALF, SIDE = 32, 16, 8
COLOURS = np.array([[0.9, -0.7, -0.7], [-0.7, 0.9, -0.7], [-0.7, -0.7, 0.9], [0.9, 0.9, -0.7]])
LEVELS = np.array([-0.4, 0.0, 0.4])
POSITIONS = [(y, x) for y in range(25) for x in range(9)]
SIGMAS = np.array([0.05, 0.6, 2.0, 8.0])


def shape_masks():
    yy, xx = np.mgrid[:SIDE, :SIDE] - 3.5
    return np.stack([np.ones((SIDE, SIDE)), yy**2 + xx**2 <= 12.6,
                     (np.abs(yy) < 1.6) | (np.abs(xx) < 1.6)]).astype(np.float64)


def position_masks():
    masks = np.zeros((3, len(POSITIONS), HEIGHT, HALF))
    for s, shape in enumerate(shape_masks()):
        for p, (y, x) in enumerate(POSITIONS):
            masks[s, p, y:y + SIDE, x:x + SIDE] = shape
    return masks


MASKS = position_masks()


def half_picture(background, shape, colour, position):
    mask = MASKS[shape, position]
    return LEVELS[background] * (1 - mask) + COLOURS[colour][:, None, None] * mask


def picture(left, right, background):
    """left, right: (shape, colour, position)."""
    return np.concatenate([half_picture(background, *left), half_picture(background, *right)], 2)


def prior(first=(None, None), second=(None, None)):
    """Weights over (left, right) attributes for an unordered caption of two (shape, colour)."""
    def fits(attribute, said):
        shape, colour = divmod(attribute, 4)
        return said[0] in (None, shape) and said[1] in (None, colour)

    weights = np.zeros((12, 12))
    for left in range(12):
        for right in range(12):
            said = fits(left, first) and fits(right, second)
            exchanged = fits(left, second) and fits(right, first)
            weights[left, right] = left != right and (said or exchanged)
    return weights / weights.sum()


def logsumexp(values, axis):
    top = values.max(axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.exp(values - top).sum(axis=axis))


def log_likelihoods(z_half, s, v2):
    """log p(z_half | background, attribute, position) up to a constant: [3, 12, 225]."""
    under = np.einsum("chw,sphw->csp", z_half, MASKS)
    total = z_half.sum()
    areas = MASKS[:, 0].sum((1, 2))
    out = np.empty((3, 3, 4, len(POSITIONS)))
    for b, level in enumerate(LEVELS):
        inner = np.einsum("kc,csp->skp", COLOURS - level, under) + level * total
        norm2 = 3 * level**2 * (HEIGHT * HALF - areas)[:, None] + areas[:, None] * (COLOURS**2).sum(1)
        out[b] = (s * inner - s**2 / 2 * norm2[:, :, None]) / v2
    return out.reshape(3, 12, len(POSITIONS))


def estimate(x, sigma, weights):
    """Clean estimate [3, 32, 32] and p(background, left, right | x) [3, 12, 12]."""
    s = 1 / np.sqrt(1 + sigma**2)
    z, v2 = s * x, 1 - s**2
    halves = [log_likelihoods(z[:, :, :HALF], s, v2), log_likelihoods(z[:, :, HALF:], s, v2)]
    attributes = [logsumexp(half, 2) for half in halves]
    with np.errstate(divide="ignore"):
        joint = np.log(weights) + attributes[0][:, :, None] + attributes[1][:, None, :]
    joint = np.exp(joint - joint.max())
    joint /= joint.sum()
    columns = []
    for side, half in enumerate(halves):
        share = np.exp(half - attributes[side][..., None]) * joint.sum(2 - side)[..., None]
        share = share.reshape(3, 3, 4, -1)
        column = np.zeros((3, HEIGHT, HALF))
        for b, level in enumerate(LEVELS):
            column += np.einsum("skp,kc,sphw->chw", share[b], COLOURS - level, MASKS, optimize=True)
            column += level * share[b].sum()
        columns.append(column)
    return np.concatenate(columns, 2), joint


def write_safetensors(path, tensors):
    names = {"float32": "F32", "float64": "F64"}
    header, body = {}, b""
    for name, array in sorted(tensors.items()):
        data = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": names[str(array.dtype)], "shape": list(array.shape),
                        "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def main():
    rng = np.random.default_rng(20240)
    clean = picture((0, 0, 30), (1, 2, 111), 1)  # red square left of a blue disc on grey
    noise = rng.standard_normal((len(SIGMAS), *clean.shape))
    x = (clean + SIGMAS[:, None, None, None] * noise).astype(np.float32)
    tensors = {"clean": clean.astype(np.float32), "sigma": SIGMAS, "x": x}
    for name, weights in (("null", prior()), ("caption", prior((0, 0), (1, None)))):
        results = [estimate(row.astype(np.float64), sigma, weights) for row, sigma in zip(x, SIGMAS, strict=True)]
        tensors[f"{name}.denoised"] = np.stack([r[0] for r in results]).astype(np.float32)
        tensors[f"{name}.posterior"] = np.stack([r[1] for r in results])
    folder = pathlib.Path(__file__).resolve().parent.parent / "golden"
    folder.mkdir(exist_ok=True)
    write_safetensors(folder / "world_fine.safetensors", tensors)


if __name__ == "__main__":
    main()
