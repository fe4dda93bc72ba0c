import json
import pathlib
import subprocess
import sys

CALLS = pathlib.Path(__file__).with_name("fuzz_calls.py")


def test_no_argument_of_any_binding_crashes_the_interpreter(run, tmp_path):
    done = subprocess.run([sys.executable, CALLS, run.folder, tmp_path], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert not found["problems"], "\n".join(found["problems"])
    assert found["calls"] > 2000
