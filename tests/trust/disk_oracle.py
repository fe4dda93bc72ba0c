"""A disk that is full, fills up, may not be written, or fails now and then, and a clock that jumps: every refusal is an
error with file and reason (exit code 3), never a crash, and the same command on a good disk gives the very results.

    python tests/trust/disk_oracle.py                 half a minute
    python tests/trust/disk_oracle.py --rounds 40     long; --jobs training demo: only these

Errors come from shim.cpp; as root the full and the read-only disk are real ones (tmpfs).
"""

import argparse
import contextlib
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import jobs

REFUSED = 3
ERRORS = ("open:EIO:0.004 write:EIO:0.004 fsync:EIO:0.004 rename:EIO:0.004 truncate:EIO:0.01 mkdir:EIO:0.01 "
          "remove:EIO:0.004 read:EIO:0.002 write:ENOSPC:0.002 open:ENOSPC:0.002")
READ_ONLY = "open:EROFS:1 rename:EROFS:1 remove:EROFS:1 truncate:EROFS:1 mkdir:EROFS:1"
MOST_TRIES = 12


@contextlib.contextmanager
def small_disk(folder, size):
    """A real file system of this size; nothing where this user may not mount."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "trust", folder], capture_output=True,
                             check=False).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=False)


class Case:
    def __init__(self, job, folder, inputs):
        self.job, self.folder, self.inputs = job, folder / job.name.replace(" ", "-"), inputs
        self.refusals = self.runs = 0
        out = self.fresh()
        self.bytes = 0
        self.expect_success(out, {})
        self.expected = jobs.results_of(out)
        self.bytes = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())

    def fresh(self, root=None):
        root = root or self.folder / "run"
        if root.is_mount():
            for path in root.iterdir():
                shutil.rmtree(path)
        else:
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir(parents=True)
        self.job.prepare(self.inputs, root / "out")
        return root / "out"

    def run(self, out, environment):
        shim = {"LD_PRELOAD": str(jobs.SHIM), "TRUST_FOLDER": str(out.parent)}
        process = jobs.start(jobs.command_of(self.job, self.inputs, out),
                             {**shim, **environment} if environment else None)
        _, stderr = process.communicate()
        self.runs += 1
        return process.returncode, stderr

    def expect_success(self, out, environment):
        """A start that does all, or finds that an earlier one has."""
        code, stderr = self.run(out, environment)
        if code and not (self.job.refuses and self.job.refuses in stderr):
            raise RuntimeError(f"exit code {code}: {stderr}")
        return stderr

    def problem_of_refusal(self, code, stderr, reasons):
        """What is wrong with the end of a start on a bad disk; nothing where it succeeded."""
        if code == 0:
            return None
        self.refusals += 1
        if code != REFUSED or "error: " not in stderr:
            return f"exit code {code}: {stderr}"
        if not any(reason in stderr for reason in reasons):
            return f"does not name its reason: {stderr}"
        return None

    def end(self, out):
        """Goes on with a good disk; what differs in the end."""
        self.expect_success(out, {})
        return jobs.differences(self.expected, jobs.results_of(out))


def filling(case, generator):
    """The disk fills up in the middle, twice."""
    out = case.fresh()
    for _ in range(2):
        room = generator.randint(0, case.bytes)
        problem = case.problem_of_refusal(*case.run(out, {"TRUST_DISK": str(room)}), ["No space left"])
        if problem:
            return [f"room for {room} bytes: {problem}"]
    return case.end(out)


def failing(case, generator):
    """Errors now and then, writes that are cut short or interrupted, until a start gets through."""
    out = case.fresh()
    step = 0
    for _ in range(MOST_TRIES):
        seed = generator.randrange(1 << 30)
        code, stderr = case.run(out, {"TRUST_ERRORS": ERRORS, "TRUST_SHORT": "0.2", "TRUST_EINTR": "0.1",
                                      "TRUST_SEED": str(seed)})
        problem = case.problem_of_refusal(code, stderr, ["Input/output error", "No space left"])
        if problem:
            return [f"seed {seed}: {problem}"]
        now = jobs.newest_step(out)
        if now < step:
            return [f"seed {seed}: the checkpoint of update {step} is gone, the newest is of {now}"]
        step = now
        if code == 0:
            break
    return case.end(out)


def interrupted(case, generator):
    """Short and interrupted writes alone are no error at all."""
    out = case.fresh()
    case.expect_success(out, {"TRUST_SHORT": "0.5", "TRUST_EINTR": "0.3", "TRUST_SEED": str(generator.randrange(1000))})
    return jobs.differences(case.expected, jobs.results_of(out))


def jumping(case, generator):
    """The time of day jumps by up to ten years, forwards and back, in two starts."""
    out = case.fresh()
    jump = {"TRUST_CLOCK": str(generator.randrange(1000))}
    process = jobs.start(jobs.command_of(case.job, case.inputs, out), {"LD_PRELOAD": str(jobs.SHIM), **jump})
    try:
        process.communicate(timeout=generator.uniform(0.5, 2))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    case.expect_success(out, jump)
    return jobs.differences(case.expected, jobs.results_of(out))


def read_only(case, _):
    """Nothing may be written."""
    out = case.fresh()
    problem = case.problem_of_refusal(*case.run(out, {"TRUST_ERRORS": READ_ONLY}), ["Read-only file system"])
    return [problem] if problem else case.end(out)


def really_full(case, generator):
    """A file system that holds less than the results, then one that holds them."""
    with small_disk(case.folder / "disk", f"{max(16, generator.randint(0, case.bytes) >> 10)}k") as disk:
        if disk is None:
            return []
        out = case.fresh(disk)
        problem = case.problem_of_refusal(*case.run(out, {}), ["No space left"])
        if problem:
            return [problem]
        subprocess.run(["mount", "-o", "remount,size=1g", disk], check=True)
        differs = case.end(out)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        code, stderr = case.run(out, {})
        reasons = ["Read-only file system", *filter(None, [case.job.refuses])]
        problem = case.problem_of_refusal(code, stderr, reasons)
    (case.folder / "disk").rmdir()
    return differs + ([problem] if problem else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--jobs", nargs="*", default=["training", "clip training", "embeddings", "import"])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    trials = (filling, failing, interrupted, jumping, read_only, really_full)
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        jobs.make_inputs(folder / "inputs")
        for job in jobs.jobs_of(options.jobs):
            case = Case(job, folder, folder / "inputs")
            for _ in range(options.rounds):
                for trial in trials:
                    try:
                        problems = trial(case, generator)
                    except RuntimeError as error:
                        problems = [str(error)]
                    for problem in problems:
                        wrong += 1
                        print(f"{job.name}, {trial.__name__}: {problem}", flush=True)
            print(f"{job.name}: {case.refusals} refusals in {case.runs} starts", flush=True)
    print(f"{wrong} things wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
