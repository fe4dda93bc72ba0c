"""Makes fuzz/corpus: small valid inputs of every kind, from which mutations reach into the parsers."""

import gzip
import io
import json
import pathlib
import struct
import sys
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT.parent / "tests" / "reference"))


def safetensors_files():
    def file(header, data=b""):
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return struct.pack("<Q", len(text)) + text + data

    def entry(dtype, shape, begin, end):
        return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}

    yield "empty", file({})
    yield "one", file({"a": entry("F32", [2], 0, 8)}, bytes(8))
    yield "several", file({"__metadata__": {"step": "3"}, "w": entry("F64", [1, 2], 0, 16),
                           "b": entry("BF16", [3], 16, 22), "e": entry("U8", [0, 4], 22, 22),
                           "s": entry("BOOL", [], 22, 23)}, bytes(23))
    yield "overlap", file({"a": entry("U8", [4], 0, 4), "b": entry("U8", [4], 2, 6)}, bytes(6))
    yield "overflow", file({"a": entry("F32", [2**32, 2**32], 0, 0)})


def config_files():
    yield "full", (b"steps: 30\nsigma_max: .inf\nname: \"a b\"\nprompts:\n  - a red square\n  - 'x: y'\n"
                   b"unet:\n  channels: [8, 16]\n  scales: [1e-4, -2.5]\n  attention: false\n")
    yield "flow", b"{steps: 3, unet: {channels: [1,\n 2], attention: true}}\n"
    yield "block", b"name: |\n  two\n  lines\nprompts: []\n# end\n"
    yield "anchors", b"a: &x [1, 2]\nb: *x\nc: !!str 3\n"
    yield "documents", b"--- # one\nsteps: 3\n...\n--- # two\nsteps: 4\n"
    yield "nested", b"a: [[[[{b: [c, {? d : e}]}]]]]\n"


def image_files():
    from make_image_golden import files

    for name, content in files():
        if name in ("jpeg_420", "jpeg_progressive", "jpeg_gray", "jpeg_cmyk", "png_rgb_16bit",
                    "png_interlaced", "png_palette_transparent", "png_bits", "webp_lossy", "webp_alpha",
                    "webp_animated", "gif_interlaced", "gif_animated", "gif_small_frame", "bmp_palette",
                    "bmp_alpha", "bmp_4bit", "bmp_555"):
            yield name, content


def archive_files():
    def tar(kind):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
            long_name = "sub/" + "long" * (20 if kind == tarfile.USTAR_FORMAT else 40)
            for name, content in (("a.txt", b"abc"), (long_name, b"x" * 600)):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "a.txt"
            archive.addfile(link)
        return buffer.getvalue().rstrip(b"\0") + bytes(1024)

    def zipped(method):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in ("a.txt", "sub/b.txt", "../c.txt"):
                archive.writestr(zipfile.ZipInfo(name), b"some text " * 20, method)
        return buffer.getvalue()

    yield "ustar", tar(tarfile.USTAR_FORMAT)
    yield "gnu", tar(tarfile.GNU_FORMAT)
    yield "pax", tar(tarfile.PAX_FORMAT)
    yield "gzip", gzip.compress(tar(tarfile.PAX_FORMAT), mtime=0)
    yield "stored", zipped(zipfile.ZIP_STORED)
    yield "deflated", zipped(zipfile.ZIP_DEFLATED)


def tokenizer_files():
    start, end = "<|startoftext|>", "<|endoftext|>"
    plain = "A red SQUARE,  left of the purpel disc: isn't it? 12"
    wide = ("caf\u00e9 cafe\u0301 \u0130\u03a3 \u4f60\U0001f600 \u1112\u1161\u11ab\ud55c "
            "x\u0307\u0323 \u0307\u0323\u0338<\u0323\u0338 \u2002<|endoftext|>")

    def split(pattern):
        return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed",
                "invert": True}

    def pre_tokenizer(kind):
        if kind == "WordLevel":
            return split(r"[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]")
        clip = (r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]"
                r"|[^\s\p{L}\p{N}]+")
        byte_level = {"type": "ByteLevel", "add_prefix_space": False}
        return {"type": "Sequence", "pretokenizers": [split(clip), byte_level]}

    def line(value):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    def file(kind, tokens, text, context=77, **model):
        replace = {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}
        normalizers = [{"type": "NFC"}, replace, {"type": "Lowercase"}]
        vocabulary = {token: i for i, token in enumerate([*tokens, start, end])}
        tokenizer = {"model": {"type": kind, "vocab": vocabulary, **model},
                     "normalizer": {"type": "Sequence", "normalizers": normalizers},
                     "pre_tokenizer": pre_tokenizer(kind)}
        return line(tokenizer) + line({"model_max_length": context}) + text.encode()

    def bpe(merges, text, tokens=(), **model):
        return file("BPE", tokens, text, end_of_word_suffix="</w>", merges=merges, **model)

    def byte_tokens():  # GPT-2's stand-ins, alone and at the end of a word
        printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [byte for byte in range(256) if byte not in printable]
        code = {byte: byte for byte in printable} | {byte: 256 + i for i, byte in enumerate(others)}
        return [chr(code[byte]) + tail for tail in ("", "</w>") for byte in range(256)]

    words = ["<|unk|>", *["a", "red", "square", ",", "left", "of", "the", "purple", "disc", "café"]]
    merges = [["r", "e"], ["re", "d</w>"], ["l", "e"], ["le", "f"], ["lef", "t</w>"],
              ["\u00c3", "\u00a9</w>"], ["\u00cc", "\u0129"], ["\u00cc", "\u0129</w>"],
              ["\u00cc\u0129", "\u00cc"]]
    odd_merges = [["<|endoftext|", "></w>"], ["<|", "endoftext"], ["a b", "c"]]
    made = ["".join(pair) for pair in merges]
    yield "words", file("WordLevel", words, plain, unk_token="<|unk|>")
    yield "words_wide", file("WordLevel", words, wide)
    yield "words_short_context", file("WordLevel", words, plain, context=3)
    yield "bpe", bpe(merges, plain, [*byte_tokens(), *made])
    yield "bpe_wide", bpe(merges, wide, [*byte_tokens(), *made])
    yield "bpe_old_merges", bpe([" ".join(pair) for pair in merges], plain, [*byte_tokens(), *made])
    yield "merges_alone", bpe(merges, wide)  # the target adds what it lacks
    yield "merge_of_a_special", bpe(odd_merges, wide)
    yield "huge_number", b'{"model": 1e999}\n{"model_max_length": 1e999}\n'


def clip_config_files():
    tower = {"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2,
             "num_attention_heads": 2, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
    text = {**tower, "vocab_size": 40, "max_position_embeddings": 10, "bos_token_id": 0,
            "eos_token_id": 2}
    image = {**tower, "image_size": [12, 12], "patch_size": 4, "num_channels": 3}
    vision_cfg = {"image_size": 12, "layers": 2, "width": 8, "head_width": 4, "mlp_ratio": 2.5,
                  "patch_size": 4, "ls_init_value": None, "pool_type": "tok"}
    text_cfg = {"context_length": 10, "vocab_size": 40, "width": 8, "heads": 2, "layers": 2,
                "norm_kwargs": {"eps": 1e-6}}
    for name, value in (
            ("whole", {"model_type": "clip", "projection_dim": 6, "text_config": text,
                       "vision_config": image}),
            ("text", {**text, "model_type": "clip_text_model", "projection_dim": 6,
                      "eos_token_id": [39]}),
            ("image", {**image, "model_type": "clip_vision_model", "projection_dim": 6}),
            ("open_clip", {"model_cfg": {"embed_dim": 6, "quick_gelu": True, "vision_cfg": vision_cfg,
                                         "text_cfg": text_cfg},
                           "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]}}),
            ("preprocessor", {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.2]}),
            ("index", {"metadata": {"total_size": 8},
                       "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}),
            ("index_outside", {"weight_map": {"a": "../model.safetensors"}})):
        yield name, json.dumps(value).encode()


def vocabulary_files():
    from clip_text import vocabulary
    from merges import merges_text

    merges = [("p", "h"), ("ph", "o"), ("t", "o</w>"), ("pho", "to</w>"), ("c", "a"), ("ca", "f"),
              ("\u00c3", "\u00a9</w>"), ("caf", "\u00c3\u00a9</w>")]

    def file(vocab, config, lines):
        text = json.dumps(vocab, separators=(",", ":"), ensure_ascii=False)
        return (text + "\n" + json.dumps(config) + "\n" + lines).encode()

    whole = {"model_max_length": 12, "pad_token": {"content": "!"}, "clip_profile": "open_clip"}
    yield "fits", file(vocabulary(merges), whole, merges_text(merges))
    yield "names", file(vocabulary(merges, "open_clip"), {"model_max_length": 77}, merges_text(merges))
    yield "fits_not", file(vocabulary(merges[:3]), whole, merges_text(merges))
    yield "gzipped", gzip.compress(merges_text(merges).encode(), mtime=0)
    yield "merges_alone", b"\n\n" + merges_text(merges).replace("\n", "\r\n").encode()


def preprocess_files():
    from make_image_golden import files

    configs = [{"size": {"shortest_edge": 12}, "crop_size": {"height": 8, "width": 10}, "resample": 3,
                "rescale_factor": 0.5, "image_mean": [0.5, 0.4, 0.3], "image_std": [1, 2, 0.5]},
               {"size": {"height": 9, "width": 30}, "do_center_crop": False, "do_normalize": False},
               {"model_cfg": {"vision_cfg": {"image_size": 16}},
                "preprocess_cfg": {"resize_mode": "squash", "mean": 0.5, "interpolation": "bicubic"}},
               {"do_resize": False, "crop_size": 7}]
    kinds = ("jpeg_cmyk", "jpeg_exif", "png_rgba", "png_gray_16bit", "png_palette", "png_bits",
             "png_gray_alpha", "png_exif")
    for i, (name, content) in enumerate((n, c) for n, c in files() if n in kinds):
        yield name, json.dumps(configs[i % len(configs)]).encode() + b"\n" + content


def metadata_files():
    yield "lines", (b'{"file_name": "a/1.png", "text": "a cat"}\n\n{"file_name": "./b\\\\2.png", '
                    b'"text": ["one", "caf\\u00e9"], "more": [1e3]}\r\n')
    yield "lines_outside", (b'{"file_name": "x/..", "text": "t"}\n'
                            b'{"file_name": "\\u0000", "text": ""}\n'
                            b'{"file_name": "C:/x", "text": 1e999}')
    yield "csv", (b'\xef\xbb\xbfsource,file_name,text\r\nx,a.png,"left, or ""right"""\r\n'
                  b'x,./b//c.png,"two\n\nlines"\r\n')
    yield "csv_outside", b'file_name,text\n./C:/a.png,drive\n..\\a.png,up\n\n'
    yield "csv_bare", b'text,file_name\na\rb,c"d\n"",""\n,'
    yield "path", b"./a//b\\./c:d.png"


def main():
    for target, files in (("safetensors", safetensors_files), ("config", config_files),
                          ("image", image_files), ("archive", archive_files),
                          ("tokenizer", tokenizer_files), ("vocabulary", vocabulary_files),
                          ("preprocess", preprocess_files), ("metadata", metadata_files),
                          ("clip_config", clip_config_files)):
        folder = ROOT / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files():
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
