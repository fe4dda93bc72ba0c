"""Where a trained model of the world decides: the class-entropy rate of evidence filtering over noise levels, summed
over the words of captions, and the lognormal noise levels fitted to it.

    PYTHONPATH=build/python .venv/bin/python bench/ablation/decision_windows.py runs/early [--pictures 48]

Prints JSON: words decided in nats, mean and standard deviation of ln sigma under the rate, and the rate itself.
"""

import argparse
import json

import torch

import noisescope as ns

GROUPS = ("colours", "shapes", "backgrounds")


def contrasts(captions, alternatives):
    """For each word of the captions with alternatives: the captions with each version, and which is the own one."""
    places = [[i for i, word in enumerate(caption.split()) if word in alternatives] for caption in captions]
    for place in zip(*places, strict=True):
        words = [caption.split() for caption in captions]
        own = [alternatives.index(word[i]) for word, i in zip(words, place, strict=True)]
        yield [[" ".join([*word[:i], version, *word[i + 1:]]) for word, i in zip(words, place, strict=True)]
               for version in alternatives], own


def scenes_of(world, count):
    """Pictures and captions of scenes whose objects stay different whichever word is exchanged."""
    scenes = world.scenes(8 * count, seed=1)
    of = scenes.factors
    kept = [i for i in range(len(scenes)) if of["left_shape"][i] != of["right_shape"][i]
            and of["left_colour"][i] != of["right_colour"][i]][:count]
    return scenes.pictures[kept], [scenes.captions[i] for i in kept]


def entropy_rate(run, world, count, steps):
    """log-SNR between the levels [N - 1], and nats decided there, mean over pictures, sum over words."""
    pictures, captions = scenes_of(world, count)
    total = 0
    for group in GROUPS:
        for versions, own in contrasts(captions, world.options[group]):
            conditions = torch.stack([run.condition(version) for version in versions])
            evidence = ns.explain.filter_noising_paths(run.denoiser(), pictures, conditions, own, steps=steps)
            levels = torch.as_tensor(evidence.log_snrs)
            total = total + (evidence.entropy[:-1] - evidence.entropy[1:]).mean(1)
    return (levels[:-1] + levels[1:]) / 2, total


def fitted_levels(log_snr, nats):
    """Mean and standard deviation of ln sigma under the rate; steps that lose information count as none."""
    weight = nats.clamp_min(0) / nats.clamp_min(0).sum()
    ln_sigma = -log_snr / 2
    mean = (weight * ln_sigma).sum()
    return mean.item(), (weight * (ln_sigma - mean) ** 2).sum().sqrt().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--pictures", type=int, default=48)
    parser.add_argument("--steps", type=int, default=80)
    args = parser.parse_args()
    log_snr, nats = entropy_rate(ns.load(args.run), ns.World(), args.pictures, args.steps)
    mean, std = fitted_levels(log_snr, nats)
    print(json.dumps({"nats": nats.sum().item(), "mean": mean, "std": std,
                      "log_snr": log_snr.tolist(), "rate": nats.tolist()}))


if __name__ == "__main__":
    main()
