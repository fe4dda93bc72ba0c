"""Checks the studio's page with node: types and format, its own tests, and that web/dist is what its sources give.

Exit code 77 (skipped) where there is no node 20.19 or later, or `npm ci` was not run (tools/setup.sh --test does it).
"""

import filecmp
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

WEB = pathlib.Path(__file__).resolve().parent.parent / "web"
SKIPPED = 77


def reason_to_skip():
    node = shutil.which("node")
    if not node:
        return "there is no node"
    version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    major, minor = map(int, re.findall(r"\d+", version)[:2])
    if (major, minor) < (20, 19):
        return f"node {version.strip()} is older than 20.19"
    return "" if (WEB / "node_modules").is_dir() else "web/node_modules is not there; run 'npm ci --prefix web'"


def npm(*words, **environment):
    return subprocess.run(["npm", "--silent", *words], cwd=WEB, check=False,
                          env={**os.environ, **environment}).returncode == 0


def files(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def built_anew():
    """Whether the stored page is what the sources give, byte for byte."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = pathlib.Path(folder) / "dist"
        if not npm("run", "build", PAGE_OUT=str(fresh)):
            return False
        stored, now = files(WEB / "dist"), files(fresh)
        differ = [str(name) for name in set(stored) | set(now)
                  if name not in stored or name not in now
                  or not filecmp.cmp(WEB / "dist" / name, fresh / name, shallow=False)]
    if differ:
        print("web/dist is not what its sources give; run 'npm run build --prefix web':", ", ".join(sorted(differ)))
    return not differ


def main():
    if reason := reason_to_skip():
        print(f"page: not checked, since {reason}")
        return SKIPPED
    return 0 if all([npm("run", "check"), npm("test"), built_anew()]) else 1


if __name__ == "__main__":
    sys.exit(main())
