"""Every command that the documentation, a --help or a message shows is tried (tools/doc_commands.py finds them).

What is shown to be typed is run, with its words as they stand, in a folder that holds small copies of the files it
names; what would take long has its budget cut, and a word in capitals gets a value. Commands that are only named must
exist, with the options named. Make targets that the pages name must exist, too.
"""

import itertools
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
PROGRAM = pathlib.Path(os.environ.get("NOISESCOPE_PROGRAM", BUILD / "noisescope"))
GOLDEN = ROOT / "tests/golden"
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/reference")]

import doc_commands  # noqa: E402
import pyarrow.parquet  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from tiny_clip import make_clip  # noqa: E402

DEMO_PROMPT = "a red square left of a blue disc on dark"
SMALL = ("--set train.budget=2steps --set train.batch_size=4 --set train.validation_samples=4 "
         "--set data.world_samples=200 --set clip_train.steps=2 --set clip_train.seconds=0 --set clip_batch_size=8 "
         "--set network.channels=[16,16] --set network.attention_resolutions=[16] --set evaluation.judge_train.steps=2")
FEW = "--set evaluation.samples=16 --set evaluation.sweep_samples=4"

# What a page leaves to its reader: (the command begins with, shown, typed).
BLANKS = [
    ("", "RUN", "runs/demo"), ("", "MODEL", "runs/demo"), ("", "DIR", "models/ViT-B-32"), ("", "NAME", "loud-noise"),
    ("", "--picture K", "--picture 0"), ("", "--prompt P", f'--prompt "{DEMO_PROMPT}"'), ("", "--word W", "--word red"),
    ("", "[--alternatives A,B]", "--alternatives green,blue"), ("", "[--image FILE]", "--image mine.png"),
    ("noisescope rewind", "FILE", "runs/demo/samples/record.safetensors"),
    ("noisescope config cost", "FILE", "config/shapes.yaml"),
    ("noisescope convert IN", "IN", "downloads/open_clip-ViT-B-32"),
    ("noisescope data import", "FILES", "pictures.parquet"), ("noisescope data import", "FOLDER", "imported"),
    ("noisescope verify --data", "FOLDER", "photos"),
    ("noisescope sample --record", "sample", f'sample runs/demo --prompt "{DEMO_PROMPT}"'),
]
# What keeps it short: (the command matches, and not this, words that are added or put in place).
SHORTER = [
    (r"^noisescope train", None, SMALL),
    (r"^noisescope .*model_(small|default|large)", r"data\.path|config (cost|show)", "--set data.path=tiny.zip"),
    (r"^noisescope clip train", None, "--set clip_train.steps=2 --set clip_train.seconds=0 --set clip_batch_size=8"),
    (r"^noisescope sample.*--record", r"--count", "--count 4"),
    (r"^noisescope demo", None, f"--budget 4s {SMALL} {FEW} --no-animation"),
    (r"^noisescope (evaluate|report)", None, f"{FEW} --set evaluation.judge_train.steps=2"),
    (r"^noisescope explain", r"--list|--methods", "--methods information_map,counterfactual --pictures 2"),
    (r"^noisescope explain", r"--list", "--paths 2"),
    (r"^noisescope studio", r"--no-open", "--no-open"),
    (r"^noisescope verify", r"--list|--checks|--break|--power|--data", "--checks u_turn"),
    (r"^noisescope verify --data", r"--checks", "--checks picture_denoiser,decision_windows"),
    (r"^noisescope verify.*--power", None, "--checks sensitivity"),
    (r"^noisescope verify --break", None, "--checks noise_tests"),
]
# What takes the place of names and budgets; NEW is a number that comes once, where a new folder is wanted.
INSTEAD = [
    (r"/data/cats", "cats"), (r"[\w/]*tiny-imagenet-200\.zip", "tiny.zip"),
    (r"king penguin,pizza,sports car", "egyptian cat,school bus"), (r"a photo of a pizza", "a photo of a school bus"),
    (r"^(noisescope verify.*?) --full\b", r"\1"), (r"^(noisescope demo.*?) --budget \S+", r"\1"),
    (r"^noisescope demo(?!.*runs/look)( --out runs/demo)?", "noisescope demo --out runs/demo-NEW"),
    (r"--port \d+", "--port 0"),  # that one may be taken
    (r"--out models/ViT-B-32", "--out models/converted-NEW"),
    (r"--out (runs/more|imported|flowers|cifar10)$", r"--out \1-NEW"),
]
COPIES = itertools.count()
FAILS = re.compile(r"^noisescope verify.*--(break|model)")  # a planted defect; a network trained for two steps


def pictures(folder):
    """Six photographs of one colour each, with captions."""
    folder.mkdir(parents=True)
    names = [f"{i}.png" for i in range(6)]
    for i, name in enumerate(names):
        Image.new("RGB", (40, 40), (40 * i, 200 - 30 * i, 90)).save(folder / name)
    rows = [f'{{"file_name": "{name}", "text": "a cat of colour {i}"}}' for i, name in enumerate(names)]
    (folder / "metadata.jsonl").write_text("\n".join(rows) + "\n")


def xnoise_checkpoint(path):
    tensors = load_file(GOLDEN / "xnoise-network.safetensors")
    weights = {name.removeprefix("weights."): t for name, t in tensors.items() if name.startswith("weights.")}
    torch.save({"model": weights, "epoch": 99, "config": {
        "model": {"img_channels": 3, "img_size": 32, "down_channels": [32, 32, 32], "t_embed_dim": 8,
                  "c_embed_dim": 16}, "diffusion": {"timesteps": 300, "beta_start": 1e-4, "beta_end": 0.02}}}, path)


def embeddings(path):
    path.write_text("".join(f"image_{i:06d},{i},0.5,-1.25\r\n" for i in range(3)))


def parquet_files(folder, jpeg):
    """One picture with a caption; another with a label, as Hugging Face's datasets store them."""
    image = {"bytes": jpeg, "path": "1.jpg"}
    captioned = pyarrow.Table.from_pylist([{"image": image, "text": "a cat"}])
    names = {"info": {"features": {"label": {"names": ["airplane", "bird"], "_type": "ClassLabel"}}}}
    labelled = pyarrow.Table.from_pylist([{"img": image, "label": 1}])
    labelled = labelled.replace_schema_metadata({"huggingface": json.dumps(names)})
    for table, name in ((captioned, "pictures.parquet"), (captioned, "data/train-00000-of-00001.parquet"),
                        (labelled, "downloads/cifar10/train.parquet")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(table, folder / name)


def furnish(folder):
    """The files that the commands name, small."""
    for name in ("config", ".venv", "web"):
        (folder / name).symlink_to(ROOT / name)
    pictures(folder / "cats")
    shutil.copytree(folder / "cats", folder / "photos")
    Image.open(folder / "cats/1.png").save(folder / "photo.jpg")
    Image.new("RGB", (32, 32), (90, 20, 20)).save(folder / "mine.png")
    shutil.copytree(GOLDEN / "tiny_imagenet/tiny-imagenet", folder / "more")
    (folder / "more-pictures").symlink_to("more")
    parquet_files(folder, (folder / "photo.jpg").read_bytes())
    (folder / "captions.txt").write_text("".join(f"a cat of colour {i}\n" for i in range(6)))
    shutil.copy(GOLDEN / "tiny_imagenet/tiny-imagenet.zip", folder / "tiny.zip")
    shutil.copytree(GOLDEN / "clip/open_clip", folder / "downloads/open_clip-ViT-B-32")
    make_clip(folder / "models/ViT-B-32", width=16)
    openai = load_file(GOLDEN / "clip/open_clip/open_clip_model.safetensors")
    torch.save(openai, folder / "ViT-B-32-state-dict.pt")
    xnoise_checkpoint(folder / "99.pth")
    embeddings(folder / "clip.csv")


def blanks_filled(command):
    for start, shown, typed in BLANKS:
        if command.startswith(start):
            command = re.sub(rf"(?<![\w]){re.escape(shown)}(?![\w])", lambda _, typed=typed: typed, command)
    return command


def in_small(command):
    """The command as it is run: values for words in capitals, own files, budgets cut."""
    typed = blanks_filled(command)
    for shown, own in INSTEAD:
        typed = re.sub(shown, own, typed)
    typed = typed.replace("NEW", str(next(COPIES)))
    typed, redirect = re.fullmatch(r"(.*?)( > \S+)?", typed).groups("")
    added = [words for pattern, unless, words in SHORTER
             if re.search(pattern, command) and not (unless and re.search(unless, command))]
    return " ".join([typed, *added]) + redirect


def served(command, folder):
    """A studio from its start to Ctrl-C; fails where it says no address."""
    with subprocess.Popen([PROGRAM, *shlex.split(command)[1:]], cwd=folder, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        said = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, 0 if "/?token=" in said else 1, said + out, err)


def apart(command):
    """The launcher before the program, if any, and the command without it."""
    launcher, rest = re.fullmatch(r"(torchrun .*?(?:-m|(?=build/)) ?)?(.*)", command).groups("")
    return launcher, rest.removeprefix("build/")


def run(command, folder, launcher=""):
    if command.startswith("noisescope studio") and "--help" not in command:
        return served(command, folder)
    program = "noisescope" if launcher.endswith("-m ") else shlex.quote(str(PROGRAM))
    torchrun = launcher.replace("torchrun", f"{shlex.quote(sys.executable)} -m torch.distributed.run --standalone")
    line = torchrun + re.sub(r"^noisescope", program, command)
    environment = {**os.environ, "PYTHONPATH": str(BUILD / "python")}
    return subprocess.run(line, shell=True, cwd=folder, check=False, capture_output=True, text=True, timeout=600,
                          env=environment)


def exists(command):
    """Whether the named command and the options named with it exist."""
    names = re.match(r"noisescope((?: [a-z_]+)*)", command)[1].split()
    while names:
        found = subprocess.run([PROGRAM, *names, "--help"], check=False, capture_output=True, text=True)
        if found.returncode == 0:
            break
        names.pop()
    wanted = re.findall(r"(--[a-z-]+)", command)
    return bool(names) and all(re.search(rf"(^|[\s,]){option}\b", found.stdout) for option in wanted)


def is_name(place, command):
    """Whether a page only speaks of the command: a name without anything behind it."""
    return place.endswith(".md") and re.fullmatch(r"noisescope [a-z_]+( [a-z_]+)?", command) is not None


def missing_targets():
    targets = set(re.findall(r"^([a-z][\w -]*?):", (ROOT / "Makefile").read_text().replace("\\\n", ""), re.MULTILINE))
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for named in re.findall(r"(?:^|`)make ([a-z][a-z-]*)(?=[\s`])", page.read_text(), re.MULTILINE):
            if named not in targets:
                yield f"{page.relative_to(ROOT)}: make {named}, which the Makefile does not have"


def prepared(folder):
    furnish(folder)
    first = ["noisescope train --out runs/demo " + SMALL,
             *(f"noisescope train --config config/model_small.yaml --set data.path=tiny.zip --out runs/{name} {SMALL}"
               for name in ("tiny", "small")),
             f'noisescope sample runs/demo --prompt "{DEMO_PROMPT}" --count 4 --record full']
    for command in first:
        done = run(command, folder)
        if done.returncode:
            sys.exit(f"{command}: {done.stderr}")


def problems_of(commands, folder):
    for place, command in commands:
        launcher, typed = apart(command)
        typed = in_small(typed)
        start = time.monotonic()
        done = run(typed, folder, launcher)
        as_wanted = done.returncode == (1 if FAILS.search(command) else 0)
        print(f"{'ok' if as_wanted else 'WRONG'}  {time.monotonic() - start:5.1f} s  {command}", flush=True)
        if not as_wanted:
            yield f"{place}: {command}\n  run as {typed}\n  exit code {done.returncode}\n{done.stderr[-600:]}"


def main():
    shown, named = doc_commands.shown(PROGRAM), list(doc_commands.named())
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    named += [item for item in shown if is_name(*item)]
    wrong = [f"{place}: {command}: no such command or option" for place, command in named if not exists(command)]
    wrong += missing_targets()
    with tempfile.TemporaryDirectory() as folder:
        prepared(pathlib.Path(folder))
        to_run = [item for item in shown if not is_name(*item) and re.search(only, item[1])]
        wrong += problems_of(to_run, pathlib.Path(folder))
    print("\n".join(wrong) or f"{len(to_run)} commands shown were run, {len(named)} named exist")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
