"""What the program does at length, as small jobs whose results can be compared: training, CLIP training, extraction of
embeddings, calibration, import of data, and the demo. Each is started again with the command that was disturbed."""

import csv
import dataclasses
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
PROGRAM = pathlib.Path(os.environ.get("NOISESCOPE_PROGRAM", BUILD / "noisescope"))
SHIM = BUILD / "tests/trust_shim.so"
GOLDEN = ROOT / "tests/golden"

BATCH = 4
TINY = {
    "data.world_samples": 200, "clip.embedding_dim": 16, "clip.text.width": 16, "clip.text.layers": 1,
    "clip.text.heads": 2, "clip.image.channels": "[8,8,8,8]", "clip.image.hidden": 16, "clip_train.images": 0,
    "clip_train.steps": 20, "clip_train.checkpoint_seconds": 0, "clip_batch_size": 8, "network.channels": "[8,8]",
    "network.attention_resolutions": "[8]", "network.head_width": 8, "network.embedding_width": 16,
    "network.condition_map_channels": 4, "train.budget": "24steps", "train.batch_size": BATCH,
    "train.checkpoint_every": 3, "train.checkpoint_seconds": 0, "train.log_every": 5, "train.validation_samples": 4,
    "train.prefetch": "true", "sample.grid.steps": 3, "calibration.pictures": 0, "condition.image_share": 0.5,
}
SETTINGS = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
FEW = ["--set", "evaluation.samples=4", "--set", "evaluation.sweep_samples=2", "--set", "evaluation.scales=[1,2]"]
CALIBRATED = ["--set", "calibration.pictures=8"]


@dataclasses.dataclass(frozen=True)
class Job:
    name: str
    words: Callable[[pathlib.Path, pathlib.Path], list]  # (folder of inputs, what is made) -> command
    prepare: Callable[[pathlib.Path, pathlib.Path], None] = lambda inputs, out: None
    refuses: str = ""  # what it says where everything was done before
    processes: int = 1  # by torchrun, where more than one
    is_short: bool = True


def trained(inputs, out):
    """A finished run to go on from."""
    shutil.copytree(inputs / "run", out)


JOBS = [
    Job("training", lambda _, out: ["train", "--out", out, *SETTINGS]),
    Job("clip training", lambda _, out: ["clip", "train", "--out", out, *SETTINGS, "--set", "clip_train.steps=200"]),
    Job("embeddings", lambda inputs, out: ["clip", "embed", "--model", GOLDEN / "clip/hugging_face", "--images",
                                           inputs / "pictures", "--out", out / "embeddings.safetensors",
                                           "--shard-rows", 16, "--batch-size", 8]),
    Job("calibration", lambda _, out: ["calibrate", out, *CALIBRATED], trained),
    Job("import", lambda inputs, out: ["data", "import", inputs / "pictures.parquet", "--out", out],
        refuses="expected a new or empty folder"),
    Job("demo", lambda _, out: ["demo", "--out", out, "--no-animation", *SETTINGS, *FEW, *CALIBRATED], is_short=False),
    Job("two processes", lambda _, out: ["train", "--out", out, *SETTINGS], processes=2, is_short=False),
]


def jobs_of(names):
    return [job for job in JOBS if (job.name in names if names else job.is_short)]


def make_inputs(folder):
    """Everything that the jobs read."""
    from PIL import Image
    import pyarrow
    import pyarrow.parquet

    (folder / "pictures").mkdir(parents=True)
    for i in range(96):
        Image.new("RGB", (40 + i % 7, 40), (2 * i, 200 - 2 * i, 90)).save(folder / f"pictures/{i:02}.png")
    rows = [{"image": {"bytes": path.read_bytes(), "path": path.name}, "text": f"picture {path.stem}"}
            for path in sorted((folder / "pictures").iterdir())] * 8
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "pictures.parquet")
    done = start([PROGRAM, "train", "--out", folder / "run", *SETTINGS]).communicate()
    if not (folder / "run/model.safetensors").exists():
        raise SystemExit(f"the run to go on from could not be trained: {done[1]}")


def start(command, environment=None):
    """One thread, so that equal work is equal to the bit."""
    settings = {**os.environ, "OMP_NUM_THREADS": "1", **{key: str(value) for key, value in (environment or {}).items()}}
    return subprocess.Popen(list(map(str, command)), env=settings, cwd=ROOT, text=True, errors="replace",
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def command_of(job, inputs, out):
    by = [ROOT / ".venv/bin/torchrun", "--standalone", "--nproc-per-node", job.processes, "--no-python"]
    return [*(by if job.processes > 1 else []), PROGRAM, *job.words(inputs, out)]


def kill(job, process):
    """kill -9: of the program alone, whose children must notice, or of all processes that share a job."""
    if job.processes > 1:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


# --- results -----------------------------------------------------------------------------------------------------

# Of the moment, or of how often the job was started; that they are there is compared.
OF_THE_MOMENT = re.compile(r"(env|starts|training|summary|manifest|state|replay)\.json$|report\.html$")
UNCOUNTED = re.compile(r"(^|/)(\.lock|events\.out\.tfevents\..*)$")
TIMES = ("seconds", "images_per_second", "seconds_per_image", "wall_seconds")


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(part) for key, part in value.items() if key not in TIMES}
    return [without_times(part) for part in value] if isinstance(value, list) else value


def content_of(path):
    """What must be equal of a file."""
    if OF_THE_MOMENT.search(path.name):
        return b""
    if path.name == "metrics.jsonl":
        return json.dumps([without_times(json.loads(line)) for line in path.read_text().splitlines()]).encode()
    if path.name == "metrics.csv":
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        return json.dumps(without_times(rows)).encode()
    if path.suffix == ".json":
        return json.dumps(without_times(json.loads(path.read_text()))).encode()
    return path.read_bytes()


def older_checkpoints(out):
    """Beyond the newest three; which of them stay is a matter of when thinning was disturbed."""
    return sorted((out / "checkpoints").glob("step-????????"))[:-3]


def results_of(out):
    """File -> checksum of everything below `out`, and beside it under its name (folders of unfinished work)."""
    left_out = set(older_checkpoints(out))
    files = [path for path in out.parent.rglob("*")
             if (path.is_file() or path.is_symlink()) and path.parent not in left_out]
    names = {path.relative_to(out.parent).as_posix(): path for path in files}
    return {name: hashlib.sha256(content_of(path)).hexdigest() for name, path in names.items()
            if not UNCOUNTED.search(name)}


def differences(expected, found):
    lines = [f"{name}: missing" for name in expected if name not in found]
    lines += [f"{name}: was left behind" for name in found if name not in expected]
    lines += [f"{name}: differs" for name in expected if name in found and found[name] != expected[name]]
    return lines


# --- checkpoints -------------------------------------------------------------------------------------------------


def newest_step(out):
    """The update of the newest checkpoint of a run; 0 without any."""
    steps = [int(path.name[5:]) for path in (out / "checkpoints").glob("step-*") if path.suffix != ".partial"]
    return max(steps, default=0)


def resumed_step(stderr):
    """The update that a start said to go on from; None where it said nothing."""
    said = re.search(r"going on after (\d+) images", stderr)
    return int(said[1]) // BATCH if said else None


def last_step():
    return int(TINY["train.budget"].removesuffix("steps"))


def loses_work(out_step, stderr):
    """Whether a start went on from less than the newest checkpoint, of update `out_step`."""
    return 0 < out_step < last_step() and resumed_step(stderr) != out_step
