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
                    "png_interlaced", "png_palette_transparent", "png_bits"):
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


def main():
    for target, files in (("safetensors", safetensors_files), ("config", config_files),
                          ("image", image_files), ("archive", archive_files)):
        folder = ROOT / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files():
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
