"""Our tokenizers against transformers' AutoTokenizer on the same files: ids, offsets, truncation."""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))

EXACT = [
    "a red square left of a blue disc on dark", "A Photo of a CAT!!", "12345", "don't don’t we'll",
    "\U0001f600 ok", "你好 世界", "café cafe\u0301", "&amp;amp; x", "a\u00a0b\u2003c\td\n e", "",
    "   ", "!'s ''s 's", "ΣΊΣΥΦΟΣ İstanbul ǅ", "한국 \u1112\u1161\u11ab", "हिन्दी क़", "x<|endoftext|>y",
    "A\u0323\u0307 \u1e0b\u0323 \u212b", "½ ² Ⅷ ٣", "under_score t-shirt a.b,c", "\u200bzero\u0001width\ufeff",
    " ".join(["word"] * 40),
]


def assigned(code):
    return unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")


def random_texts(count):
    """Mixed scripts, marks, blanks and symbols from all of Unicode that is assigned."""
    rng = random.Random(5)
    codes = [c for c in range(1, 0x30000) if assigned(c)]
    ascii_codes = list(range(32, 127))
    texts = []
    for _ in range(count):
        pick = [rng.choice(ascii_codes if rng.random() < 0.5 else codes)
                for _ in range(rng.randrange(1, 24))]
        if rng.random() < 0.3:
            pick[rng.randrange(len(pick))] = rng.randrange(0x300, 0x370)
        texts.append("".join(map(chr, pick)))
    return texts


def byte_span(text, span):
    return [len(text[:position].encode()) for position in span]


def main():
    from transformers import AutoTokenizer

    texts = EXACT * 2 + random_texts(2000)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "captions.json").write_text(json.dumps(texts))
        subprocess.run([BUILD / "tests/clip_test", "--gtest_filter=OracleFolder.WriteTokenizers"],
                       env={**os.environ, "NOISESCOPE_ORACLE_DIR": folder}, check=True,
                       stdout=subprocess.DEVNULL)
        failures = 0
        for kind in ("words", "bpe"):
            ours = json.loads((root / kind / "ids.json").read_text())
            theirs = AutoTokenizer.from_pretrained(root / kind)
            wrong, wrong_spans = [], []
            for text, ids, spans in zip(texts, ours["ids"], ours["spans"], strict=True):
                encoded = theirs(text, truncation=True, split_special_tokens=True,
                                 return_offsets_mapping=True)
                if encoded.input_ids != ids:
                    wrong.append((text, ids, encoded.input_ids))
                elif text.isascii():
                    expected = [byte_span(text, span) for span in encoded.offset_mapping]
                    if expected != spans:
                        wrong_spans.append((text, spans, expected))
            for text, mine, other in (wrong + wrong_spans)[:5]:
                print(f"  {text!r}: {mine} against {other}")
            checks = (theirs.model_max_length == 24, theirs.pad_token_id == theirs.eos_token_id,
                      theirs.eos_token_id == len(theirs) - 1, theirs.bos_token_id == len(theirs) - 2)
            print(f"{kind}: {type(theirs).__name__}, {len(texts)} texts, {len(wrong)} with other ids, "
                  f"{len(wrong_spans)} with other offsets, settings {checks}")
            failures += len(wrong) + len(wrong_spans) + (not all(checks))
        padded = theirs(["a red", "a"], padding="max_length", truncation=True).input_ids
        print("bpe: padding is the end token:", set(padded[1][3:]) == {theirs.eos_token_id})
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
