"""'noisescope data import' on Parquet files as Hugging Face's datasets write them: pictures come back as they were,
parts and captions are those of the files, and what cannot be used is named."""

import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
import pyarrow
import pyarrow.parquet
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
PROGRAM = os.environ.get("NOISESCOPE_PROGRAM", BUILD / "noisescope")
problems = []


def run(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True)


def imported(source, out, *more):
    return run("data", "import", source, "--out", out, "--python", sys.executable, *more)


def expect(holds, what, done=None):
    if not holds:
        problems.append(what)
        print(f"WRONG: {what}" + (f"\n  rc {done.returncode}\n  {done.stdout}\n  {done.stderr}" if done else ""))


def picture(number, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(numpy.random.default_rng(number).integers(0, 256, (9, 9, 3), dtype=numpy.uint8)).save(buffer, kind)
    return buffer.getvalue()


def write(path, columns, names=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table(columns)
    if names:
        features = {"label": {"names": names, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pyarrow.parquet.write_table(table, path)


def check_captions(root):
    pictures = [picture(0), picture(1, "JPEG"), picture(2, "WEBP"), b"nothing", picture(4)]
    structs = [{"bytes": content, "path": None} for content in pictures]
    texts = [["a cat", "an animal"], ["caf\u00e9"], ["a dog"], ["no picture"], [" "]]
    write(root / "set" / "train-00000-of-00001.parquet", {"image": structs, "text": texts, "id": [1, 2, 3, 4, 5]})
    write(root / "set" / "validation-00000-of-00001.parquet", {"image": structs[:1], "text": texts[:1]})
    done = imported(root / "set", root / "out", "--json")
    expect(done.returncode == 0, "a data set with captions is imported", done)
    result = json.loads(done.stdout or "{}")
    expect(result.get("images") == 4 and result.get("parts") == ["train", "validation"], "pictures and parts", done)
    expect(len(result.get("left_out", [])) == 2 and "row 3" in result["left_out"][0], "rows left out are named", done)
    lines = (root / "out" / "train" / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    expect([row["text"] for row in rows] == texts[:3], "captions are those of the file")
    found = [(root / "out" / "train" / row["file_name"]).read_bytes() for row in rows]
    expect(found == pictures[:3], "the bytes of the pictures are as they were")
    facts = run("data", "inspect", "--set", "data.kind=folder", "--set", f"data.path={root / 'out'}", "--sheet",
                root / "sheet.png", "--json")
    expect(json.loads(facts.stdout or "{}").get("validation") == 1, "the folder can be opened", facts)
    expect(imported(root / "set", root / "out").returncode == 3, "a folder that is not empty is left alone")


def check_labels(root):
    write(root / "labels.parquet", {"img": [picture(0), picture(1)], "label": [1, 0]}, ["cat", "school_bus"])
    done = imported(root / "labels.parquet", root / "labels", "--template", "one {}")
    expect(done.returncode == 0, "labels are imported by their names", done)
    rows = [json.loads(line) for line in (root / "labels" / "metadata.jsonl").read_text().splitlines()]
    expect([row["text"] for row in rows] == [["one school bus"], ["one cat"]], "a label is a caption")


def check_refusals(root):
    write(root / "odd.parquet", {"photo": [picture(0)], "said": ["a cat"]})
    done = imported(root / "odd.parquet", root / "odd")
    expect(done.returncode == 3 and "said (string)" in done.stderr and "--caption-column" in done.stderr,
           "columns of other names are named", done)
    expect(imported(root / "odd.parquet", root / "odd", "--caption-column", "said").returncode == 0, "and can be given")
    (root / "broken.parquet").write_bytes(b"PAR1 nothing")
    done = imported(root / "broken.parquet", root / "broken")
    expect(done.returncode == 3 and "broken.parquet" in done.stderr and not (root / "broken").exists(),
           "a broken file is named and leaves no folder", done)
    (root / "only").mkdir()
    (root / "only" / "a.parquet").write_bytes(b"")
    done = run("data", "inspect", "--set", "data.kind=folder", "--set", f"data.path={root / 'only'}")
    expect(done.returncode == 3 and "noisescope data import" in done.stderr, "inspect tells of the import", done)


def main():
    with tempfile.TemporaryDirectory() as name:
        for check in (check_captions, check_labels, check_refusals):
            check(pathlib.Path(name))
    if problems:
        sys.exit(f"{len(problems)} problems")


if __name__ == "__main__":
    main()
