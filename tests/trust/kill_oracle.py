"""kill -9 at any moment: the same command goes on from the newest checkpoint, nothing needs repair by hand, nothing is
left behind, and the end is bit for bit that of an undisturbed run.

    python tests/trust/kill_oracle.py                  about a minute
    python tests/trust/kill_oracle.py --kills 200      long; --seed N: other moments; --jobs training demo: only these
                                                       (demo and "two processes" only where they are named)

Half of the kills come after a random time, half at a random change of the file system, counted by shim.cpp: between a
write and its sync, between a rename and the next.
"""

import argparse
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import jobs

MOST_KILLS = 4  # of one run


class Case:
    """A job with what it gives undisturbed."""

    def __init__(self, job, folder, inputs):
        self.job, self.folder, self.inputs = job, folder / job.name.replace(" ", "-"), inputs
        self.kills = self.runs = 0
        out = self.fresh("whole")
        begin = time.monotonic()
        process = self.start(out, {"LD_PRELOAD": jobs.SHIM, "TRUST_FOLDER": out.parent,
                                   "TRUST_COUNT": self.folder / "calls"})
        _, stderr = process.communicate()
        self.seconds = time.monotonic() - begin
        if process.returncode:
            sys.exit(f"{job.name}: exit code {process.returncode} undisturbed: {stderr}")
        self.calls = int((self.folder / "calls").read_text())
        self.expected = jobs.results_of(out)

    def fresh(self, name):
        """Where one run of the job goes, what it goes on from in place."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / name).mkdir(parents=True)
        out = self.folder / name / "out"
        self.job.prepare(self.inputs, out)
        return out

    def start(self, out, environment=None):
        return jobs.start(jobs.command_of(self.job, self.inputs, out), environment)

    def killed(self, out, generator):
        """Starts the job and kills it; False where it had ended before."""
        if generator.random() < 0.5 or self.job.processes > 1:
            process = self.start(out)
            time.sleep(generator.uniform(0, self.seconds))
            jobs.kill(self.job, process)
        else:
            process = self.start(out, {"LD_PRELOAD": jobs.SHIM, "TRUST_FOLDER": out.parent,
                                       "TRUST_KILL": generator.randrange(self.calls)})
        _, stderr = process.communicate()
        if process.returncode not in (0, -signal.SIGKILL, 3):  # 3: the Python that imports was the one that was killed
            raise RuntimeError(f"exit code {process.returncode}: {stderr}")
        self.kills += process.returncode != 0
        return process.returncode != 0

    def run(self, generator):
        """One run with some kills; what is wrong with its end."""
        out = self.fresh("killed")
        step = jobs.newest_step(out) if self.job.name != "calibration" else 0
        for _ in range(generator.randint(1, MOST_KILLS)):
            if not self.killed(out, generator):
                break
            now = jobs.newest_step(out)
            if now < step:
                return [f"the checkpoint of update {step} is gone, the newest is of {now}"]
            step = now
        step = jobs.newest_step(out)
        process = self.start(out)
        _, stderr = process.communicate()
        self.runs += 1
        if process.returncode and not (self.job.refuses and self.job.refuses in stderr):
            return [f"exit code {process.returncode}: {stderr}"]
        problems = jobs.differences(self.expected, jobs.results_of(out))
        if self.job.name in ("training", "demo", "two processes") and jobs.loses_work(step, stderr):
            problems.append(f"went on from {jobs.resumed_step(stderr)}, though the newest checkpoint was of {step}")
        return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=18)
    parser.add_argument("--jobs", nargs="*", default=[], choices=[job.name for job in jobs.JOBS])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        jobs.make_inputs(folder / "inputs")
        cases = [Case(job, folder, folder / "inputs") for job in jobs.jobs_of(options.jobs)]
        while sum(case.kills for case in cases) < options.kills:
            case = min(cases, key=lambda case: (case.kills, case.seconds))
            for problem in case.run(generator):
                wrong += 1
                print(f"{case.job.name}, run {case.runs}: {problem}", flush=True)
        for case in cases:
            print(f"{case.job.name}: {case.kills} kills in {case.runs} runs of {case.seconds:.1f} s and {case.calls} "
                  "changes of the file system", flush=True)
    print(f"{sum(case.kills for case in cases)} kills, {wrong} things wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
