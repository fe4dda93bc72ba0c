"""The power goes at any moment. shim.cpp logs every change of the file system during a run; disk_log.py gives states
that a disk may be in if the power went after any of them; the same command started on such a state must not stumble,
must go on from the newest checkpoint that was finished by then, and must end bit for bit like an undisturbed run.

    python tests/trust/power_oracle.py                 half a minute: some moments
    python tests/trust/power_oracle.py --every 1       long: every change of a name and every sync, four states each
"""

import argparse
import pathlib
import random
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import disk_log
import jobs

MODES = ("synced", "names", "all", "torn")


def logged_run(job, inputs, root):
    """One undisturbed run: its results and the changes that it made."""
    out = root / "out"
    root.mkdir()
    log = root.parent / f"{root.name}.log"
    process = jobs.start(jobs.command_of(job, inputs, out), {"LD_PRELOAD": str(jobs.SHIM), "TRUST_FOLDER": str(root),
                                                             "TRUST_LOG": str(log)})
    _, stderr = process.communicate()
    if process.returncode:
        sys.exit(f"{job.name}: exit code {process.returncode} undisturbed: {stderr}")
    return jobs.results_of(out), disk_log.read_log(log)


def finished_checkpoints(changes):
    """[(number of changes after which it is sure, update)]: renamed, and its folder synced after that."""
    found, waiting = [], None
    for number, change in enumerate(changes, 1):
        if change.kind == "rename" and "/checkpoints/step-" in change.words[1] and ".partial" not in change.words[1]:
            waiting = int(pathlib.PurePosixPath(change.words[1]).name[5:])
        if change.kind == "syncdir" and change.words[0].endswith("/checkpoints") and waiting is not None:
            found.append((number, waiting))
            waiting = None
    return found


def moments(changes, every):
    """Numbers of changes after which something is different on the disk, each `every`th."""
    return [number for number, change in enumerate(changes, 1) if change.kind != "write"][::every]


class Trial:
    def __init__(self, job, folder, inputs):
        self.job, self.inputs, self.target = job, inputs, folder / "after"
        self.root = folder / job.name.replace(" ", "-")
        self.expected, self.changes = logged_run(job, inputs, self.root)
        self.sure = finished_checkpoints(self.changes)

    def state_after(self, number, mode, generator):
        disk = disk_log.Disk(self.root)
        for change in self.changes[:number]:
            disk.take(change)
        shutil.rmtree(self.target, ignore_errors=True)
        disk.after_power_loss(mode, generator, self.target)

    def problems(self, number, mode, generator):
        self.state_after(number, mode, generator)
        process = jobs.start(jobs.command_of(self.job, self.inputs, self.target / "out"))
        _, stderr = process.communicate()
        if process.returncode:
            return [f"exit code {process.returncode}: {stderr}"]
        found = jobs.differences(self.expected, jobs.results_of(self.target / "out"))
        sure = max((step for when, step in self.sure if when <= number), default=0)
        resumed = jobs.resumed_step(stderr) or 0
        if self.job.name == "training" and resumed < sure < jobs.last_step():
            found.append(f"went on from update {resumed}, though the checkpoint of {sure} was finished")
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=0, help="every so manieth change; 0: ten of a job")
    parser.add_argument("--jobs", nargs="*", default=["training", "clip training", "embeddings"])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        jobs.make_inputs(folder / "inputs")
        for job in jobs.jobs_of(options.jobs):
            trial = Trial(job, folder, folder / "inputs")
            numbers = moments(trial.changes, options.every or 1)
            cases = ([(number, mode) for number in numbers for mode in MODES] if options.every
                     else [(generator.choice(numbers), mode) for mode in MODES * 2])
            for number, mode in cases:
                for problem in trial.problems(number, mode, generator):
                    wrong += 1
                    print(f"{job.name}, after change {number}, {mode}: {problem}", flush=True)
            print(f"{job.name}: {len(cases)} states after {len(trial.changes)} changes", flush=True)
    print(f"{wrong} things wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
