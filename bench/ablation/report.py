"""Table and figure of the runs that bench/ablation/run.py has left.

    .venv/bin/python bench/ablation/report.py [--runs runs/ablation] [--out docs/ablation]

Writes OUT.md's table to stdout and OUT.svg. A value is the mean over seeds of scene accuracy at the best of the scales
s; its interval is that of the pictures of all seeds together (Wilson), which says nothing of other seeds. Every picture is read as
the scene nearest to it, so chance is 1/396 for the scene and 1/3 for the background.
"""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import run as ablation  # noqa: E402

PARTS = ("joint", "background", "colours", "shapes")


def wilson(share, count, z=1.96):
    middle, spread = share + z * z / (2 * count), z * (share * (1 - share) / count + z * z / (4 * count**2)) ** 0.5
    return (middle - spread) / (1 + z * z / count), (middle + spread) / (1 + z * z / count)


def measured(folder):
    """Of one experiment: {scale: {part: (mean, pictures)}} over its seeds, and images seen."""
    sweeps, images = {}, []
    for seed in sorted(folder.glob("seed-*")):
        evaluation = json.loads((seed / "evaluation.json").read_text())
        images.append(json.loads((seed / "training.json").read_text())["images"])
        for scale, row in evaluation["sweep"].items():
            for part in PARTS:
                sweeps.setdefault(float(scale), {}).setdefault(part, []).append(row[part])
    return {scale: {part: (sum(v["value"] for v in values) / len(values), sum(v["n"] for v in values))
                    for part, values in parts.items()} for scale, parts in sweeps.items()}, images


def rows_of(runs):
    for name, _ in ablation.experiments():
        folder = runs / name
        if not any(folder.glob("seed-*/evaluation.json")):
            continue
        sweep, images = measured(folder)
        best = max(sweep, key=lambda scale: sweep[scale]["joint"][0])
        yield {"name": name, "best": best, "images": sum(images) / len(images), "seeds": len(images),
               **{part: sweep[best][part] for part in PARTS},
               "others": {scale: parts["joint"][0] for scale, parts in sweep.items()}}


def title_of(name):
    titles = {i["name"]: i["title"] for i in ablation.INGREDIENTS}
    kind, _, rest = name.partition("-")
    if kind == "without":
        return f"ours without: {titles[rest]}"
    rung = rest.split("-", 1)[1]
    return "the seed's recipe, narrowed" if rung == "seed" else f"+ {titles[rung]}"


def table(rows):
    print("| run | scene accuracy | at s | background | colours | shapes | images seen |\n|---|---|---|---|---|---|---|")
    for row in rows:
        value, count = row["joint"]
        low, high = wilson(value, count)
        parts = " | ".join(f"{row[part][0]:.2f}" for part in PARTS[1:])
        print(f"| {title_of(row['name'])} | {value:.3f} [{low:.3f}, {high:.3f}] | {row['best']:g} | {parts} | "
              f"{row['images']:,.0f} |")


def figure(rows, path):
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "ablation"
    axes = plt.subplots(figsize=(9, 0.32 * len(rows) + 0.8))[1]
    for y, row in enumerate(reversed(rows)):
        value, count = row["joint"]
        low, high = wilson(value, count)
        colour = "#0b6e99" if row["name"].startswith("ladder") else "#b5532a"
        axes.barh(y, value, color=colour, alpha=0.8)
        axes.plot([low, high], [y, y], color="black")
    axes.set_yticks(range(len(rows)), [title_of(row["name"]) for row in reversed(rows)], fontsize=7)
    axes.set_xlabel("scene accuracy at the best s")
    axes.set_xlim(0, 1)
    plt.tight_layout()
    plt.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=pathlib.Path, default=ablation.ROOT / "runs" / "ablation")
    parser.add_argument("--out", type=pathlib.Path, default=ablation.ROOT / "docs" / "ablation")
    args = parser.parse_args()
    rows = list(rows_of(args.runs))
    if not rows:
        sys.exit(f"expected runs of bench/ablation/run.py in {args.runs}, got none")
    table(rows)
    figure(rows, args.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
