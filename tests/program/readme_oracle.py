"""README's programs work as they stand there: the C++ one is examples/cmake_project, built against the installed
library by find_package; the Python one runs on a small run."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = ROOT / "examples/cmake_project"
SMALL = ["--set", "train.budget=2steps", "--set", "clip_train.steps=2", "--set", "clip_train.seconds=0",
         "--set", "network.channels=[16,16]", "--set", "network.attention_resolutions=[16]"]


def run(*command, cwd, **environment):
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, timeout=900,
                          env={**os.environ, **environment})
    if done.returncode:
        line = " ".join(map(str, command))
        sys.exit(f"{line}: exit code {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[1]


def expect(holds, what):
    if not holds:
        sys.exit(f"not so: {what}")


def check_library(folder):
    expect(block("cpp") == (PROJECT / "main.cpp").read_text(), "README shows examples/cmake_project/main.cpp")
    run("cmake", "--install", BUILD, "--component", "cpp", "--prefix", folder / "prefix", cwd=folder)
    run("cmake", "-S", PROJECT, "-B", "build", f"-DCMAKE_PREFIX_PATH={folder / 'prefix'}", cwd=folder)
    run("cmake", "--build", "build", cwd=folder)
    run(folder / "build/world_picture", cwd=folder)
    expect((folder / "world.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n", "the program writes a picture")
    installed = run(folder / "prefix/bin/noisescope", "--version", cwd=folder)
    built = run(BUILD / "noisescope", "--version", cwd=folder)
    expect(installed == built, "the installed program runs")


def check_python(folder):
    run(BUILD / "noisescope", "train", "--out", "runs/demo", *SMALL, cwd=folder)
    (folder / "program.py").write_text(block("python"))
    run(sys.executable, "program.py", cwd=folder, PYTHONPATH=str(BUILD / "python"), MPLBACKEND="Agg")
    expect((folder / "report/report.html").is_file(), "the program writes a report")


def main():
    for check in (check_library, check_python):
        with tempfile.TemporaryDirectory() as folder:
            check(pathlib.Path(folder))
    print("README's programs work")


if __name__ == "__main__":
    main()
