"""Random texts over all of Unicode 14, the same on every machine."""

import random
import unicodedata

ENTITIES = ["&amp;", "&lt;", "&eacute;", "&EACUTE;", "&#233;", "&#x1F600;", "&#0;", "&#128;", "&notit;",
            "&amp;amp;", "&amp;lt;b&amp;gt;", "&nbsp;", "&#xD800;", "&#1114112;", "&copy", "&fjlig;",
            "&NotEqualTilde;", "&#", "&;", "&#x;", "&#59;", "&FFILIG;", "&#11;", "&#65a;"]
WORDS = ["a", "photo", "of", "the", "Cat", "DOG's", "don't", "we'll", "I'VE", "2024", "\u03a3\u03a4\u03a3", "\u03a3",
         "\u0130stanbul", "caf\u00e9", "cafe\u0301", "\ufb01ne", "\uff21\uff22\uff23", "\u201cquoted\u201d", "don\u2019t", "x\r\ny",
         "\x1b[31mred", "<|endoftext|>", "<start_of_text>", "\u1112\u1161\u11ab", "\u0939\u093f\u0928\u094d\u0926\u0940", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
         "\U0001f1e9\U0001f1ea", "'\u017f", "\u0345", "a\u0345b", "\uff8a\uff9e", "\u3000", "\u0149", "\u2028", "\x85", "\x93", "\u00ad"]
MARKS = [*range(0x300, 0x370), 0x5B0, 0x64B, 0x93C, 0x3099, 0xFE0F, 0x1D165]


def assigned():
    return [c for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]


def ranges_by_script(codes):
    """Runs of 128 neighbouring code points: each text stays mostly within one or two of them."""
    blocks = {}
    for code in codes:
        blocks.setdefault(code >> 7, []).append(code)
    return list(blocks.values())


def random_texts(count, seed=5):
    assert unicodedata.unidata_version.startswith("14."), "made for Python 3.11 (Unicode 14)"
    rng = random.Random(seed)
    codes = assigned()
    blocks = ranges_by_script(codes)
    small = ranges_by_script([c for c in codes if c < 0x3000])

    def piece(block):
        kind = rng.random()
        if kind < 0.25:
            return "".join(chr(rng.choice(block)) for _ in range(rng.randrange(1, 7)))
        if kind < 0.45:
            return rng.choice(WORDS)
        if kind < 0.6:
            return "".join(chr(rng.randrange(32, 127)) for _ in range(rng.randrange(1, 6)))
        if kind < 0.7:
            return chr(rng.choice(codes))
        if kind < 0.78:
            return chr(rng.choice(MARKS))
        if kind < 0.86:
            return rng.choice(ENTITIES)
        if kind < 0.92:
            return chr(rng.choice([*range(1, 33), *range(127, 161), 0x2028, 0x2029, 0xFEFF, 0x200B]))
        return rng.choice([" ", " ", "  ", "'", "'s", ". ", "\n"])

    texts = []
    for _ in range(count):
        block = rng.choice(rng.choice((blocks, small)))
        parts = [piece(block) for _ in range(rng.randrange(1, 12))]
        texts.append((" " if rng.random() < 0.4 else "").join(parts))
    return texts
