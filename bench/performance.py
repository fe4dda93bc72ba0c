"""What Noisescope costs on this machine, beside others, as docs/performance.json and a page's tables.

    ninja -C build benches noisescope noisescope_python
    PYTHONPATH=build/python .venv/bin/python bench/performance.py RUN      (a quarter of an hour on two idle cores)
    .venv/bin/python bench/performance.py RUN --only demo                 this part alone, the others as measured before
    .venv/bin/python bench/performance.py --page                          the tables from what was measured before

RUN is the demo's folder. Ratios are of both sides in turns, in one run, with the same number of threads; above 1 we
are faster. The tables stand in docs/performance.md between marks; what is around them is written by hand.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
STORED, PAGE = ROOT / "docs/performance.json", ROOT / "docs/performance.md"
PROMPT = "a red square left of a blue disc on dark"
MARKED = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- /measured -->)", re.DOTALL)


def peer(script, *arguments, **environment):
    """The JSON that a script of bench/peers prints."""
    done = subprocess.run([sys.executable, ROOT / "bench/peers" / script, *arguments], check=True,
                          capture_output=True, text=True, env={**os.environ, **environment})
    return json.loads(done.stdout)


def unet_rows(batches, *arguments, **environment):
    report = peer("unet_step.py", "--batch", *batches, *arguments, **environment)
    for step in report["steps"]:
        yield {"what": f"{report['what']}, batch {step['batch']}", "opponent": report["opponent"],
               "ours": f"{step['ours_ms']} ms", "theirs": f"{step['pytorch_ms']} ms", "ratio": step["ratio"],
               "range": step["ratio_range"]}


def beside_others():
    narrow = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
    rows = [*unet_rows(["16", "64"]), *unet_rows(["16", "64"], "--forward")]
    rows += [{**row, "what": row["what"] + ", float32"} for row in unet_rows(["16", "64"], "--precision", "float32")]
    small = {"image_size": 64, "channels": [64, 96, 128], "embedding_width": 192,
             "attention_resolutions": [16, 8]}  # config/model_small.yaml
    rows += [{**row, "what": row["what"] + ", network of model_small.yaml"}
             for row in unet_rows(["16"], "--rounds", "4", "--network", json.dumps(small))]
    rows += [{**row, "what": row["what"] + ", held to AVX2"} for row in unet_rows(["16", "64"], **narrow)]
    rows += unet_rows(["16"], "--opponent", "compile", "--rounds", "3")
    rows += unet_rows(["16"], "--opponent", "diffusers")
    clip = peer("clip_embed.py", "--images", "128")
    rows.append({"what": "CLIP B/32 of JPEG files", "opponent": "transformers",
                 "ours": f"{clip['ours_images_per_second']} images/s",
                 "theirs": f"{clip['transformers_images_per_second']} images/s", "ratio": clip["ratio"],
                 "range": clip["range"]})
    flip = peer("pixel_flipping.py")
    rows.append({"what": "pixel flipping, 16 pictures, one thread", "opponent": "quantus",
                 "ours": f"{flip['ours_ms']} ms", "theirs": f"{flip['quantus_ms']} ms", "ratio": flip["ratio"],
                 "range": flip["range"]})
    texts = peer("tokenizer.py")
    rows.append({"what": "texts to tokens, one thread", "opponent": "transformers (Rust)",
                 "ours": f"{texts['ours_ms']} ms", "theirs": f"{texts['backend_ms']} ms",
                 "ratio": texts["ratio_to_backend"], "range": texts["range_to_backend"]})
    return rows


def median_seconds(work, rounds=3):
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def exponent(sizes, seconds):
    """The slope of ln seconds over ln size, by least squares."""
    return statistics.linear_regression([math.log(s) for s in sizes], [math.log(s) for s in seconds]).slope


def cost_with_size(folder):
    import noisescope as ns

    run = ns.load(folder)
    pictures = run.sample([PROMPT] * 8, progress=False)
    evidence = {"word": "red", "alternatives": ["green", "blue"], "progress": False}
    series = {
        "pictures drawn, 16 at a time": (
            [16, 32, 64, 128], lambda n: run.sample([PROMPT] * n, progress=False, batch_size=16)),
        "steps of a drawing, 16 pictures": (
            [10, 20, 40, 80], lambda n: run.sample([PROMPT] * 16, progress=False, grid={"steps": n})),
        "paths of evidence": (
            [2, 4, 8, 16], lambda n: ns.explain.evidence(run, pictures[:1], PROMPT, paths=n, **evidence)),
        "steps of evidence": (
            [50, 100, 200, 400], lambda n: ns.explain.evidence(run, pictures[:1], PROMPT, steps=n, **evidence)),
        "pictures explained": (
            [1, 2, 4, 8], lambda n: ns.explain.evidence(run, pictures[:n], PROMPT, paths=2, **evidence)),
    }
    rows = []
    for what, (sizes, work) in series.items():
        work(sizes[0])
        seconds = [median_seconds(lambda n=n, work=work: work(n)) for n in sizes]
        rows.append({"what": what, "sizes": sizes, "seconds": seconds, "exponent": exponent(sizes, seconds)})
    return rows


def machine():
    import torch

    listed = json.loads(subprocess.run([ROOT / "build/noisescope", "doctor", "--json"], check=True,
                                       capture_output=True, text=True).stdout)["facts"]
    a, x = torch.randn(2048, 2048), torch.randn(1 << 25)
    w, p = torch.randn(64, 64, 3, 3), torch.randn(64, 64, 16, 16).contiguous(memory_format=torch.channels_last)
    conv = median_seconds(lambda: torch.conv2d(p, w, padding=1), 9)
    return {"facts": {name: listed[name] for name in ("torch", "cpu capability", "cores", "memory")},
            "matrix_gflops": 2 * 2048**3 / median_seconds(lambda: a @ a, 5) / 1e9,
            "convolution_gflops": 2 * 64 * 64 * 64 * 9 * 256 / conv / 1e9,
            "copy_gb_per_second": 8 * x.numel() / median_seconds(lambda: x.clone(), 5) / 1e9}


def demo_figures(folder):
    summary = json.loads((pathlib.Path(folder) / "summary.json").read_text(encoding="utf-8"))
    return {name: summary[name] for name in ("wall_seconds", "train_images_per_second", "seconds_per_image",
                                             "peak_rss_mb", "scene_accuracy", "default_guidance", "seed")}


def measure(folder, parts):
    how = {"machine": machine, "demo": lambda: demo_figures(folder), "others": beside_others,
           "sizes": lambda: cost_with_size(folder)}
    return {"date": datetime.date.today().isoformat(), **{part: how[part]() for part in parts}}


def machine_table(stored):
    m, demo = stored["machine"], stored["demo"]
    facts = ", ".join(f"{name} {value}" for name, value in m["facts"].items())
    return (f"{stored['date']}; {facts}.\n\n| figure | value |\n|---|---|\n"
            f"| product of matrices of 2,048 rows, float32 | {m['matrix_gflops']:.0f} GFLOP/s |\n"
            f"| convolution, 64 channels of 16 x 16, float32, channels last | {m['convolution_gflops']:.0f} GFLOP/s |\n"
            f"| copying memory | {m['copy_gb_per_second']:.0f} GB/s |\n"
            f"| `make demo`, seed {demo['seed']}, all of it | {demo['wall_seconds']:.0f} s |\n"
            f"| its training | {demo['train_images_per_second']:.0f} images/s |\n"
            f"| a guided picture of its scoring | {demo['seconds_per_image']:.4f} s |\n"
            f"| its memory at most | {demo['peak_rss_mb']:.0f} MB |\n")


def others_table(stored):
    lines = ["| what | beside | ours | theirs | ratio [range] |", "|---|---|---|---|---|"]
    lines += [f"| {r['what']} | {r['opponent']} | {r['ours']} | {r['theirs']} | {r['ratio']:.2f} "
              f"[{r['range'][0]:.2f}, {r['range'][1]:.2f}] |" for r in stored["others"]]
    return "\n".join(lines) + "\n"


def sizes_table(stored):
    lines = ["| size | values | seconds | exponent |", "|---|---|---|---|"]
    lines += [f"| {r['what']} | {', '.join(map(str, r['sizes']))} | {', '.join(f'{s:.2f}' for s in r['seconds'])} | "
              f"{r['exponent']:.2f} |" for r in stored["sizes"]]
    return "\n".join(lines) + "\n"


PARTS = ["machine", "demo", "others", "sizes"]
TABLES = {"machine": machine_table, "others": others_table, "sizes": sizes_table}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", help="the demo's folder")
    parser.add_argument("--page", action="store_true", help="measure nothing")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="measure these parts")
    options = parser.parse_args()
    stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    if not options.page:
        stored.update(measure(options.run, options.only))
        STORED.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(MARKED.sub(lambda m: m[1] + TABLES[m[2]](stored) + m[3], text), encoding="utf-8")


if __name__ == "__main__":
    main()
