"""clip embed under kill -9 and at scale: killed at 20 random moments of an extraction and started again,
the finished file is bit for bit the undisturbed one; and the memory it takes is the same for 1,000 and
20,000 images. Pictures are hard links of a few."""

import importlib.util
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("clip_folder_oracle", HERE / "clip_folder_oracle.py")
folder = importlib.util.module_from_spec(spec)
spec.loader.exec_module(folder)

KILLS = 20


def link_images(source, target, count):
    target.mkdir()
    for i in range(count):
        os.link(source / f"{i % 6}.png", target / f"{i:06d}.png")


def command(root, images, out):
    return [folder.PROGRAM, "clip", "embed", "--model", root / "clip", "--texts", root / "texts",
            "--images", images, "--out", out, "--shard-rows", "64", "--batch-size", "16", "--quiet",
            "--threads", "1"]


def run_whole(root, images, out):
    """Seconds, and the largest resident set in MiB."""
    start = time.monotonic()
    process = subprocess.Popen(list(map(str, command(root, images, out))))
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"clip embed failed: {status}")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def check_kills(root, images):
    seconds, _ = run_whole(root, images, root / "whole.safetensors")
    whole = (root / "whole.safetensors").read_bytes()
    generator, hits, tries, wrong = random.Random(0), 0, 0, 0
    out = root / "killed.safetensors"
    while hits < KILLS and tries < 3 * KILLS:  # a kill after the end is none
        out.unlink(missing_ok=True)
        process = subprocess.Popen(list(map(str, command(root, images, out))))
        time.sleep(generator.uniform(0.2, 0.95) * seconds)
        tries += 1
        hits += process.poll() is None
        process.kill()
        process.wait()
        run_whole(root, images, out)
        wrong += out.read_bytes() != whole
    print(f"{hits} kills before the end, {wrong} files differ "
          f"(an undisturbed extraction takes {seconds:.1f} s)", flush=True)
    return wrong == 0 and hits == KILLS


def check_memory(root):
    peaks = {}
    for count in (1000, 20000):
        link_images(root / "images", root / f"images{count}", count)
        seconds, peaks[count] = run_whole(root, root / f"images{count}", root / f"{count}.safetensors")
        print(f"{count} images: {seconds:.1f} s, largest resident set {peaks[count]:.0f} MiB", flush=True)
    return peaks[20000] < peaks[1000] + 24  # names: a hundred bytes each, a few times over


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        (root / "clip").mkdir()
        folder.make_clip(root / "clip")
        folder.make_images(root / "images")
        (root / "texts").write_text("\n".join(f"a red disc {i}" for i in range(500)) + "\n")
        link_images(root / "images", root / "many", 4000)
        good = check_kills(root, root / "many")
        good = check_memory(root) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
