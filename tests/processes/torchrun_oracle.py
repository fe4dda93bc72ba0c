"""Several processes under torchrun train what one trains, bit for bit: CLIP, embeddings and a U-Net with attention and
dropout by Muon, straight, and with another number of processes after a stop. And what goes wrong is said by every
process: settings, data, seeds that differ, a port in use, a process that is killed, that hangs, or that never comes.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

from PIL import Image
from safetensors.torch import load_file

BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", "build")).resolve()
PROGRAM = BUILD / "noisescope"
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
SETTINGS = {
    "data.world_samples": 200,
    "clip_train.images": 0, "clip_train.steps": 6, "clip_batch_size": 16, "clip_train.blocks": 4,
    "condition.image_share": 0.5, "train.budget": "8steps", "train.batch_size": 16, "train.blocks": 4,
    "train.optimizer.kind": "muon", "network.dropout": 0.1, "train.validation_samples": 16, "train.validate_every": 0.5,
    "train.log_every": 2, "calibration.pictures": 0,
}  # fmt: skip
failures = []


def check(holds, what):
    print(("ok   " if holds else "FAIL ") + what, flush=True)
    if not holds:
        failures.append(what)


def train(out, changed=()):
    settings = {**SETTINGS, **dict(changed)}
    return [
        "train",
        "--threads",
        "1",
        "--no-animation",
        "--out",
        str(out),
        *(word for key, value in settings.items() for word in ("--set", f"{key}={value}")),
    ]


def by_one(arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300)


def by_many(processes, arguments, launcher=(PROGRAM,)):
    return subprocess.run(
        [*TORCHRUN, "--nproc-per-node", str(processes), *launcher, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )


def tensors_of(run):
    """Everything that training left: the encoder, embeddings, averaged weights, optimizer."""
    last = max(path for path in (run / "checkpoints").iterdir() if path.is_dir())
    files = [*run.glob("*.safetensors"), *(run / "clip").glob("*.safetensors"), *last.glob("*.safetensors")]
    return {f"{file.name} {name}": value for file in files for name, value in load_file(file).items()}


def metrics_of(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if "second" not in key} for line in lines]


def expect_same(run, other, what):
    a, b = tensors_of(run), tensors_of(other)
    differing = [name for name in a if name not in b or not a[name].equal(b[name])]
    check(a.keys() == b.keys() and not differing, f"{what}: {len(a)} tensors of the same bits {differing[:3]}")
    check(metrics_of(run) == metrics_of(other), f"{what}: the same metrics")


def check_bits(root):
    one = root / "one"
    done = by_one(train(one))
    check(done.returncode == 0, f"one process trains {done.stderr[-300:]}")
    for processes in (2, 3, 4):
        many = root / f"of_{processes}"
        done = by_many(processes, train(many))
        check(done.returncode == 0, f"{processes} processes train {done.stderr[-500:] if done.returncode else ''}")
        expect_same(one, many, f"{processes} processes")
    check(not list((root / "tmp").glob("noisescope-*")), "no folder of theirs is left")
    return one


def check_resume(root, one):
    """In the middle, with another number of processes: the longer budget of a run that is through."""
    changed = root / "changed"
    short = by_many(3, train(changed, {"train.budget": "8steps", "train.checkpoint_every": 4}))
    for checkpoint in (changed / "checkpoints").iterdir():  # as if killed after step 4
        if checkpoint.name > "step-00000004":
            subprocess.run(["rm", "-r", checkpoint], check=True)
    for file in ("model.safetensors", "training.json"):
        (changed / file).unlink()
    done = by_many(2, train(changed))
    check(
        short.returncode == 0 and done.returncode == 0 and "going on after 64 images" in done.stderr,
        f"2 processes go on from 3 {done.stderr[-300:] if done.returncode else ''}",
    )
    expect_same(one, changed, "3 processes, then 2")


PROMPT = "a red square left of a blue disc on dark"


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def check_answers(root, run):
    """What a network of one process answers, two processes answer together."""
    few = ["--threads", "1", "--set", "sample.grid.steps=5"]
    commands = {
        "sample": ["sample", run, "--prompt", PROMPT, "--count", "9", "--no-animation", *few],
        "explain": ["explain", run, "--prompt", PROMPT, "--methods", "evidence,counterfactual,information_map", *few],
        "evaluate": [
            "evaluate",
            run,
            "--threads",
            "1",
            "--set",
            "evaluation.samples=16",
            "--set",
            "sample.grid.steps=5",
        ],
    }
    for name, command in commands.items():
        outs = [root / f"{name}_of_{count}" for count in ("one", "two")]
        words = [str(word) for word in command]
        dones = [
            by_one([*words, "--json", *(() if name == "evaluate" else ("--out", str(outs[0])))]),
            by_many(2, [*words, "--json", *(() if name == "evaluate" else ("--out", str(outs[1])))]),
        ]
        check(
            all(done.returncode == 0 for done in dones),
            f"{name} runs {[done.stderr[-200:] for done in dones if done.returncode]}",
        )
        if name == "evaluate":
            check(without_times(dones[0].stdout) == without_times(dones[1].stdout), "evaluate: the same numbers")
            continue
        one, two = (contents(out) for out in outs)
        differing = [
            str(path) for path in one if path.suffix in (".png", ".safetensors", ".npz") and one[path] != two.get(path)
        ]
        check(one.keys() == two.keys() and not differing, f"{name}: the same {len(one)} files {differing[:3]}")


def check_embeddings(root, run):
    """Texts and pictures, more shards than processes, one of them there already."""
    pictures(root / "embedded", 60)
    colours = ("blue", "green", "red")
    (root / "texts").write_text("".join(f"a red square left of a {colour} disc\n" for colour in colours))
    small = ["--texts", root / "texts", "--images", root / "embedded", "--batch-size", "2", "--shard-rows", "2"]
    command = [str(word) for word in ["clip", "embed", "--model", run / "clip", *small, "--threads", "1", "--json"]]
    outs = [root / "embedded_by_one.safetensors", root / "embedded_by_three.safetensors"]
    dones = [by_one([*command, "--out", str(outs[0])]), by_many(3, [*command, "--out", str(outs[1])])]
    check(all(done.returncode == 0 for done in dones), f"clip embed runs {[done.stderr[-300:] for done in dones]}")
    check(outs[0].read_bytes() == outs[1].read_bytes(), "clip embed: the same file")
    said = [{**json.loads(done.stdout), "out": ""} for done in dones]
    check(said[0] == said[1], f"clip embed: the same counts {said}")


def without_times(text):
    """The numbers of a JSON text that are not of time."""

    def kept(value, key=""):
        if isinstance(value, dict):
            return {name: kept(inner, name) for name, inner in value.items() if "second" not in name}
        return [kept(inner) for inner in value] if isinstance(value, list) else value

    return kept(json.loads(text))


def check_launchers(root):
    """However it is started."""
    python = [sys.executable, "-c", "import runpy; runpy.run_module('noisescope', run_name='__main__')"]
    environment = {**os.environ, "PYTHONPATH": str(BUILD / "python")}
    version = subprocess.run([*python, "--version"], capture_output=True, text=True, env=environment)
    check(version.stdout.startswith("noisescope "), f"python -m noisescope {version.stdout} {version.stderr[-200:]}")
    version = subprocess.run([sys.executable, PROGRAM, "--version"], capture_output=True, text=True)
    check(version.stdout.startswith("noisescope "), f"Python runs the program's file {version.stderr[-200:]}")
    done = by_many(2, ["data", "inspect", "--set", "data.kind=world", "--json", "--sheet", str(root / "sheet.png")])
    notes = done.stderr.count("is done by one of the 2 processes")
    check(done.returncode == 0 and notes == 1 and json.loads(done.stdout), "a command that is not shared is done once")


class Started:
    """Processes that are started one by one, without torchrun."""

    def __init__(self, commands, port=None, size=None):
        if port is None:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
        self.processes = []
        for rank, command in enumerate(commands):
            place = {
                "RANK": str(rank),
                "WORLD_SIZE": str(size or len(commands)),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            }
            self.processes.append(
                subprocess.Popen(
                    [PROGRAM, *command],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    env={**os.environ, **place},
                )
            )

    def ends(self, seconds):
        """Exit codes and words of all."""
        end, found = time.monotonic() + seconds, []
        for process in self.processes:
            try:
                words = process.communicate(timeout=max(0.1, end - time.monotonic()))[1]
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                words = "still running"
            found.append((process.returncode, words))
        return found


def expect_words(ends, words, what):
    for rank, (code, said) in enumerate(ends):
        check(
            code not in (0, None) and all(word in said for word in words),
            f"{what}: process {rank} says so: {said.strip()[-200:]}",
        )


def pictures(folder, colour):
    """Twelve captioned pictures."""
    folder.mkdir()
    names = [f"{k}.png" for k in range(12)]
    for k, name in enumerate(names):
        Image.new("RGB", (32, 32), (20 * k, colour, 60)).save(folder / name)
    rows = [json.dumps({"file_name": name, "text": f"colour {k}"}) for k, name in enumerate(names)]
    (folder / "metadata.jsonl").write_text("\n".join(rows))


def check_differences(root):
    for what, changed, words in [
        ("another batch", {"train.batch_size": 32}, ["process 1 train.batch_size 32 where process 0 has 16"]),
        ("another seed", {"seed": 5}, ["process 1 seed 5 where process 0 has"]),
        ("another world", {"data.world_samples": 300}, ["process 1 data.world_samples 300"]),
    ]:
        out = root / what.replace(" ", "_")
        ends = Started([train(out), train(out, changed)]).ends(40)
        expect_words(ends, words, what)
        check(not out.exists(), f"{what}: nothing is left that blocks the next start")
    threads = train(root / "threads")
    threads[threads.index("--threads") + 1] = "2"
    expect_words(
        Started([train(root / "threads"), threads]).ends(40),
        ["process 1 threads 2 where process 0 has 1"],
        "other threads",
    )
    for name, colour in (("mine", 90), ("others", 120)):
        pictures(root / name, colour)
    mine, others, none = (train(root / "data", {"data.kind": "folder", "data.path": root / name})
                          for name in ("mine", "others", "none"))  # fmt: skip
    ends = Started([mine, others]).ends(40)
    expect_words(ends, ["the same data in all 2 processes, got in process 1 fingerprint"], "other pictures")
    ends = Started([mine, none]).ends(40)
    expect_words(ends, [str(root / "none")], "a process without the data")
    check("process 1 of 2 ended with" in ends[0][1], "which the other one names")
    lonely = train(root / "lonely", {"train.batch_size": 2, "train.blocks": 0})
    expect_words(
        Started([lonely] * 3).ends(60), ["each of 3 processes, got train.batch_size 2"], "more processes than images"
    )


def check_port(root):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ends = Started([train(root / "port")], port, size=2).ends(40)
    expect_words(ends, [str(port), "in use"], "a port in use")


def last_checkpoint(run):
    folder = run / "checkpoints"
    names = [path.name for path in folder.iterdir() if not path.name.endswith("partial")] if folder.exists() else []
    return max((name for name in names if name.startswith("step-")), default="")


def endless(out):
    return train(out, {"train.budget": "100000steps", "train.checkpoint_every": 2})


def lose_one(root, name, how):
    """Trains with two processes; after a few checkpoints the second one is lost."""
    run = root / name
    started = Started([endless(run)] * 2)
    end = time.monotonic() + 120
    while last_checkpoint(run) < "step-00000004" and time.monotonic() < end:
        time.sleep(0.1)
    started.processes[1].send_signal(how)
    begun = time.monotonic()
    words = started.processes[0].communicate(timeout=60)[1]
    took = time.monotonic() - begun
    started.processes[1].kill()
    started.processes[1].communicate()
    return run, started.processes[0].returncode, words, took


def check_killed(root):
    run, code, words, took = lose_one(root, "killed", signal.SIGKILL)
    check(code == 1 and "died without a word" in words, f"a killed process stops the other: {words.strip()[-200:]}")
    check(took < 30, f"within 30 s ({took:.0f} s)")
    left = list((root / "tmp").glob("noisescope-*"))
    for folder in left:
        os.utime(folder, (0, 0))  # younger ones may be about to be locked
    step = last_checkpoint(run)
    again = Started([endless(run)] * 2)
    time.sleep(10)
    for process in again.processes:
        process.send_signal(signal.SIGTERM)
    ends = again.ends(60)
    check(all(code == 130 for code, _ in ends), f"both stop on request {[code for code, _ in ends]}")
    cleared = not any((root / "tmp").glob("noisescope-*"))
    check(len(left) == 1 and cleared, "what the killed one left is removed by the next")
    check("going on after" in ends[0][1] and last_checkpoint(run) >= step, "and go on from the checkpoint")


def check_hanging(root):
    _, code, words, took = lose_one(root, "hanging", signal.SIGSTOP)
    check(
        code == 1 and "process 1 of 2 has been silent" in words,
        f"a process that hangs stops the other: {words.strip()[-200:]}",
    )
    check(took < 30, f"within 30 s ({took:.0f} s)")


def check_nobody(root):
    ends = Started([train(root / "nobody")], size=3).ends(60)
    expect_words(ends, ["expected 3 processes", "number 1, 2"], "a rendezvous that nobody joins")


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "tmp").mkdir()
        os.environ["TMPDIR"] = str(root / "tmp")  # where processes have their own folders
        one = check_bits(root)
        check_resume(root, one)
        check_answers(root, one)
        check_embeddings(root, one)
        check_launchers(root)
        check_differences(root)
        check_port(root)
        check_killed(root)
        check_hanging(root)
        check_nobody(root)
    sys.exit(f"{len(failures)} failures: {failures}" if failures else 0)


if __name__ == "__main__":
    main()
