"""Merges for tests, learned from text that every Python has; and transformers' tokenizer over them."""

import json
import pydoc_data.topics
import random
import unicodedata

from clip_text import vocabulary

REAL_SIZE = 48894  # merges of the published vocabulary


def corpus():
    """English, the names of characters, and made-up words of every script, the frequent ones first."""
    yield from pydoc_data.topics.topics.values()
    codes = [c for c in range(0x80, 0x30000) if unicodedata.category(chr(c))[0] in "LMNPS"]
    yield from (unicodedata.name(chr(c), "").title() for c in codes[::3])
    rng = random.Random(3)
    blocks = {}
    for code in codes:
        blocks.setdefault(code >> 7, []).append(code)
    for block in blocks.values():
        for _ in range(60):
            word = "".join(chr(rng.choice(block)) for _ in range(rng.randrange(1, 5)))
            yield " ".join([word] * rng.randrange(2, 6))


def make_merges(count):
    """`count` pairs, best first, each with a product of its own."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"),
                             "removed", True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    trainer = trainers.BpeTrainer(vocab_size=count + 2000, show_progress=False, min_frequency=2,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  end_of_word_suffix="</w>")
    tokenizer.train_from_iterator(corpus(), trainer)
    learned = json.loads(tokenizer.to_str())["model"]["merges"]
    merges, products = [], set()
    single = set(vocabulary([]))
    for pair in learned:
        left, right = pair if isinstance(pair, list) else pair.split(" ")
        known = all(part in products or part in single for part in (left, right))
        if known and left + right not in products and len(merges) < count:
            products.add(left + right)
            merges.append((left, right))
    assert len(merges) == count, f"{len(merges)} merges of {count}: the corpus is too small"
    return merges


def clip_tokenizer(merges, context=77):
    """transformers' CLIPTokenizer over these merges."""
    from transformers import CLIPTokenizer

    return CLIPTokenizer(vocab=vocabulary(merges), merges=list(merges), model_max_length=context)


def merges_text(merges):
    return "#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in merges)
