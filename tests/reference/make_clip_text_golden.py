"""Makes tests/golden/clip_text.json: a small merges file, texts, and for each profile the ids of the
reference (hf: transformers; openai, open_clip: clip_text.py), and the cleaned text of openai."""

import json
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"

from clip_text import Reference, clean
from merges import clip_tokenizer, make_merges
from unicode_texts import ENTITIES, WORDS, random_texts

EXACT = [
    "a photo of a cat", "A Photo of a CAT!!", "12345", "\U0001f600 ok", "\u4f60\u597d", "caf\u00e9", "cafe\u0301",
    "don't don\u2019t", "&amp;amp; x", "a\u00a0b\u2003c", "", "  ", "AS\u03a3 \u03a3A \u03a3 a\u03a3. a\u03a3\u0301\u00adb", "&#x26;amp;lt;",
    "<b>&lt;&amp;lt;", "&eacute;\n<i>&EACUTE;\n&EACUTE;", "<|endoftext|> <end_of_text>", "'\u017f 'S", "a\u0345b",
    "word " * 90, "\u00e9" * 60, "\uffe3 \uff9e\uff8a\uff9e \ufb03 \u01c4", "x\r\ny\u2028z\x85w", "\x1b[1;31mred\x1b[0m \x07bell",
    "!<|endoftext|>\u0300! <|startoftext|>x", "q\u0345\u08d3\u0323 \U00011935\U00011930 \U00011938",
]


def main():
    merges = make_merges(400)
    texts = EXACT + WORDS + ENTITIES + random_texts(150, seed=11)
    hf = clip_tokenizer(merges)
    ids = {p: [Reference(merges, p).encode(t) for t in texts] for p in ("openai", "open_clip")}
    ids["hf"] = hf(texts, truncation=True, split_special_tokens=True).input_ids
    golden = {"merges": [" ".join(pair) for pair in merges], "texts": texts,
              "clean": [clean(text, "openai") for text in texts], "ids": ids}
    path = pathlib.Path(__file__).resolve().parents[1] / "golden" / "clip_text.json"
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
