"""The published rules of CLIP's text side, written down again: cleaning and tokens of OpenAI's and
open_clip's programs. Independent of our sources; slow and plain.

Two departures, both ours on purpose: special tokens written in a prompt are plain text (their patterns
stand without the alternatives for them), and ftfy leaves text alone that was decoded in a wrong
encoding (fix_encoding=False).
"""

import html

import ftfy
import regex
import itertools

CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
PATTERN = regex.compile(rf"{CONTRACTIONS}|[\p{{L}}]+|[\p{{N}}]|[^\s\p{{L}}\p{{N}}]+", regex.IGNORECASE)
START = {"openai": "<|startoftext|>", "open_clip": "<start_of_text>"}
END = {"openai": "<|endoftext|>", "open_clip": "<end_of_text>"}


def stand_ins():
    """Byte -> visible character, in the order of the vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(256 + len(table) - len(printable))
    return table


def vocabulary(merges, profile="openai"):
    """Token -> id of a merges file."""
    single = list(stand_ins().values())
    tokens = single + [token + "</w>" for token in single] + ["".join(pair) for pair in merges]
    return {token: i for i, token in enumerate([*tokens, START[profile], END[profile]])}


def clean(text, profile, fix_encoding=False):
    text = ftfy.fix_text(text, fix_encoding=fix_encoding)
    text = html.unescape(html.unescape(text)).strip()
    text = regex.sub(r"\s+", " ", text).strip() if profile == "openai" else " ".join(text.split()).strip()
    return text.lower()


class Reference:
    def __init__(self, merges, profile, context=77):
        self.profile, self.context = profile, context
        self.ids = vocabulary(merges, profile)
        self.ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
        self.bytes = stand_ins()
        self.known = {}

    def word(self, word):
        """Tokens of one word: in each round every occurrence of the best pair becomes one."""
        if word in self.known:
            return self.known[word]
        parts = [self.bytes[byte] for byte in word.encode()]
        parts[-1] += "</w>"
        while len(parts) > 1:
            best = min(itertools.pairwise(parts), key=lambda p: self.ranks.get(p, len(self.ranks)))
            if best not in self.ranks:
                break
            merged, i = [], 0
            while i < len(parts):
                pair = tuple(parts[i:i + 2]) == best
                merged.append("".join(parts[i:i + 2]) if pair else parts[i])
                i += 2 if pair else 1
            parts = merged
        self.known[word] = parts
        return parts

    def encode(self, text):
        """Start, tokens, end, cut to the context; not padded."""
        words = PATTERN.findall(clean(text, self.profile))
        ids = [self.ids[token] for word in words for token in self.word(word)]
        end = len(self.ids) - 1
        return [end - 1, *ids[:self.context - 2], end]
