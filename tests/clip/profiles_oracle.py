"""Our ids on random texts of all Unicode 14 with a vocabulary of the published size: against transformers
under the profile hf, against the published rules (tests/reference/clip_text.py) under the others.

    python tests/clip/profiles_oracle.py [TEXTS [MERGES_FILE]]     default: 100,000 texts, own merges
"""

import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
PROGRAM = os.environ.get("NOISESCOPE_CLIP_TEST", BUILD / "tests/clip_test")
sys.path.insert(0, str(ROOT / "tests/reference"))

from clip_text import Reference, clean  # noqa: E402
from merges import REAL_SIZE, clip_tokenizer, make_merges, merges_text  # noqa: E402
from unicode_texts import random_texts  # noqa: E402


def read_merges(path):
    """A published file: its first line is a header, and what is behind 48,894 merges is not read."""
    lines = gzip.decompress(pathlib.Path(path).read_bytes()).decode().split("\n")[1:REAL_SIZE + 1]
    return [tuple(line.split()) for line in lines]


def ours(merges, texts):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "texts.json").write_text(json.dumps(texts))
        (root / "merges.txt").write_text(merges_text(merges))
        subprocess.run([PROGRAM, "--gtest_filter=OracleFolder.EncodeProfiles"],
                       env={**os.environ, "NOISESCOPE_ORACLE_DIR": folder}, check=True,
                       stdout=subprocess.DEVNULL)
        return {name: json.loads((root / f"{name}.json").read_text())
                for name in ("hf", "openai", "open_clip")}


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    merges = read_merges(sys.argv[2]) if len(sys.argv) > 2 else make_merges(REAL_SIZE)
    texts = random_texts(count)
    found = ours(merges, texts)
    hf = clip_tokenizer(merges)
    expected = {"hf": hf(texts, truncation=True, split_special_tokens=True).input_ids}
    for profile in ("openai", "open_clip"):
        expected[profile] = list(map(Reference(merges, profile).encode, texts))
    failures = 0
    for profile, ids in expected.items():
        wrong = [i for i in range(count) if found[profile][i] != ids[i]]
        for i in wrong[:5]:
            print(f"  {texts[i]!r}: {found[profile][i]} against {ids[i]}")
        print(f"{profile}: {count} texts, {len(merges) + 514} tokens, {len(wrong)} with other ids")
        failures += len(wrong)
    some = texts[:5000]
    mended = sum(clean(t, "openai") != clean(t, "openai", fix_encoding=True) for t in some)
    print(f"known difference: of {len(some)} texts ftfy's repair of wrong encodings changes {mended}")
    return 1 if failures else 0


if __name__ == "__main__":
    start = time.time()
    status = main()
    print(f"{time.time() - start:.0f} s")
    sys.exit(status)
