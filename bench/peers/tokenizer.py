"""Encoding of texts in one thread: this library against transformers' CLIPTokenizer (Rust), side by
side on the same vocabulary. Checks that the ids are equal, then times both in turns; the opponent is
its backend called for the whole batch, without the Python around it (and, second, as users call it).
Prints JSON with medians and ratios (above 1: we are faster).

    ninja -C build tokenizer_bench
    .venv/bin/python bench/peers/tokenizer.py [--texts FILE] [--merges FILE.gz] [--rounds 7]

FILE: one text a line. Default: lines of Python's own manual, merges learned from it.
"""

import argparse
import json
import os
import pathlib
import pydoc_data.topics
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/reference"), str(ROOT / "tests/clip")]

from merges import REAL_SIZE, clip_tokenizer, make_merges, merges_text  # noqa: E402
from profiles_oracle import read_merges  # noqa: E402


def checksum(rows):
    a, b = 1, 0
    for row in rows:
        for value in row:
            a = (a + value) % 4294967291
            b = (b + a) % 4294967291
    return b


def manual_lines():
    lines = [line.strip() for topic in pydoc_data.topics.topics.values() for line in topic.split("\n")]
    return [line for line in lines if len(line) > 20]


class Ours:
    def __init__(self, program, merges, texts, folder):
        (folder / "merges.txt").write_text(merges_text(merges))
        (folder / "texts.json").write_text(json.dumps(texts))
        command = [program, folder / "merges.txt", folder / "texts.json", "hf"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        if self.process.stdout.readline().strip() != "ready":
            sys.exit(f"{program} did not start")

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, check = self.process.stdout.readline().split()
        return float(seconds), int(check)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def timed(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=pathlib.Path)
    parser.add_argument("--merges", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/bench/tokenizer_bench")
    args = parser.parse_args()
    texts = args.texts.read_text().splitlines() if args.texts else manual_lines()
    merges = read_merges(args.merges) if args.merges else make_merges(REAL_SIZE)
    hf = clip_tokenizer(merges)
    backend = hf.backend_tokenizer
    expected = hf(texts, truncation=True).input_ids
    backend.enable_truncation(77)
    sides = {"backend": lambda: backend.encode_batch(texts), "transformers": lambda: hf(texts, truncation=True)}
    times = {"ours": [], **{name: [] for name in sides}}
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(args.program, merges, texts, pathlib.Path(folder))
        first, check = ours.run()
        for _ in range(args.rounds):
            times["ours"].append(ours.run()[0])
            for name, call in sides.items():
                times[name].append(timed(call))
        ours.close()
    report = {
        "texts": len(texts),
        "characters": sum(map(len, texts)),
        "tokens": sum(map(len, expected)),
        "ids_equal": check == checksum(expected),
        "ours_first_pass_ms": round(1e3 * first, 2),
        **{f"{name}_ms": round(1e3 * statistics.median(t), 2) for name, t in times.items()},
        "ours_texts_per_second": round(len(texts) / statistics.median(times["ours"])),
    }
    for name in sides:
        ratios = [other / own for own, other in zip(times["ours"], times[name], strict=True)]
        report[f"ratio_to_{name}"] = round(statistics.median(ratios), 2)
        report[f"range_to_{name}"] = [round(min(ratios), 2), round(max(ratios), 2)]
    print(json.dumps(report, indent=2))
    return 0 if report["ids_equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
