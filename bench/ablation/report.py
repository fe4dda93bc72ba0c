"""Table and figure of the runs that bench/ablation/run.py has left.

    .venv/bin/python bench/ablation/report.py [--runs runs/ablation] [--out docs/ablation]

Adds the runs to OUT.json (seeds measured before stay), and makes OUT.svg and the table of OUT.md, to stdout, from it.
A value is the mean over seeds of scene accuracy at the best of the scales
s; its interval is that of the pictures of all seeds together (Wilson), beside it each seed. Every
picture is read as the scene nearest to it, so chance is 1/396 for the scene and 1/3 for the background.
"""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import run as ablation

PARTS = ("joint", "background", "colours", "shapes")


def wilson(share, count, z=1.96):
    middle, spread = share + z * z / (2 * count), z * (share * (1 - share) / count + z * z / (4 * count**2)) ** 0.5
    return (middle - spread) / (1 + z * z / count), (middle + spread) / (1 + z * z / count)


def collect(runs, path):
    """{name: {seed: {images, sweep}}} of all runs, those of `path` from before included."""
    results = json.loads(path.read_text()) if path.exists() else {}
    for found in sorted(runs.glob("*/seed-*/evaluation.json")):
        evaluation = json.loads(found.read_text())
        sweep = {scale: {part: row[part]["value"] for part in PARTS} | {"n": row["joint"]["n"]}
                 for scale, row in evaluation["sweep"].items()}
        images = json.loads((found.parent / "training.json").read_text())["images"]
        seed = found.parent.name.removeprefix("seed-")
        results.setdefault(found.parent.parent.name, {})[seed] = {"images": images, "sweep": sweep}
    return results


def row_of(name, seeds):
    """The row of one experiment at its best scale: means over seeds."""
    def mean(scale, part):
        return sum(seed["sweep"][scale][part] for seed in seeds) / len(seeds)

    best = max(seeds[0]["sweep"], key=lambda scale: mean(scale, "joint"))
    joint = [seed["sweep"][best]["joint"] for seed in seeds]
    return {"name": name, "best": float(best), "images": sum(seed["images"] for seed in seeds) / len(seeds),
            "count": sum(seed["sweep"][best]["n"] for seed in seeds), "seeds": joint,
            **{part: mean(best, part) for part in PARTS}}


def title_of(name):
    titles = {i["name"]: i["title"] for i in ablation.INGREDIENTS + ablation.VARIANTS}
    if name in titles:
        return titles[name]
    kind, _, rest = name.partition("-")
    if kind == "without":
        return f"ours without: {titles[rest]}"
    rung = rest.split("-", 1)[1]
    return "xNoise's recipe, narrowed" if rung == "seed" else f"+ {titles[rung]}"


def table(rows):
    print("| run | scene accuracy | seeds | at s | background | colours | shapes | images seen |\n|" + "---|" * 8)
    for row in rows:
        low, high = wilson(row["joint"], row["count"])
        parts = " | ".join(f"{row[part]:.2f}" for part in PARTS[1:])
        seeds = ", ".join(f"{value:.2f}" for value in row["seeds"])
        print(f"| {title_of(row['name'])} | {row['joint']:.3f} [{low:.3f}, {high:.3f}] | {seeds} | {row['best']:g} | "
              f"{parts} | {row['images']:,.0f} |")


def figure(rows, path):
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "ablation"
    axes = plt.subplots(figsize=(5, 0.32 * len(rows) + 0.8))[1]
    for y, row in enumerate(reversed(rows)):
        low, high = wilson(row["joint"], row["count"])
        colour = "#0b6e99" if row["name"].startswith("ladder") else "#b5532a"
        axes.barh(y, row["joint"], color=colour, alpha=0.8)
        axes.plot([low, high], [y, y], color="black")
        axes.plot(row["seeds"], [y] * len(row["seeds"]), ".", color="black", markersize=4)
    axes.set_yticks(range(len(rows)), [title_of(row["name"]) for row in reversed(rows)], fontsize=7)
    axes.set_xlabel("scene accuracy at the best s: mean with its interval, a dot for each seed")
    axes.set_xlim(left=0)
    plt.savefig(path, metadata={"Date": None}, bbox_inches="tight")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=pathlib.Path, default=ablation.ROOT / "runs" / "ablation")
    parser.add_argument("--out", type=pathlib.Path, default=ablation.ROOT / "docs" / "ablation")
    args = parser.parse_args()
    path = args.out.with_suffix(".json")
    results = collect(args.runs, path)
    if not results:
        sys.exit(f"expected runs of bench/ablation/run.py in {args.runs}, got none")
    path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    names = [name for name, _ in ablation.experiments() if name in results]
    rows = [row_of(name, list(results[name].values())) for name in names]
    table(rows)
    figure(rows, args.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
