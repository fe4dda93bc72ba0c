"""The program from outside, on folders of own pictures: which seeds it takes, what 'data inspect' and 'train'
say of what was not used, and whether the signals of job systems save the work."""

import json
import os
import pathlib
import signal
import random
import struct
import subprocess
import sys
import tempfile
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
PROGRAM = os.environ.get("NOISESCOPE_PROGRAM", BUILD / "noisescope")
SMALL = ["--threads", "1", "--set", "clip_train.seconds=0", "--set", "clip_train.steps=2", "--set", "clip_batch_size=8",
         "--set", "train.batch_size=4", "--set", "train.validation_samples=4", "--set", "network.channels=[16,16]",
         "--set", "network.attention_resolutions=[8]", "--set", "draw.grid.steps=3"]
problems = []


def run(*words):
    try:
        return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, None, "", "took over a minute")


def expect(holds, what, done=None):
    if not holds:
        problems.append(what)
        print(f"WRONG: {what}" + (f"\n  rc {done.returncode}\n  {done.stdout}\n  {done.stderr}" if done else ""))


def png(seed, side=32):
    """A picture of noise."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    rows = b"".join(b"\0" + random.Random(100 * seed + row).randbytes(3 * side) for row in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def save(path, *names):
    """Pictures; where the suffix is another their content is not read."""
    path.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        (path / name).write_bytes(png(i))


def of_folder(folder):
    return ["--set", "data.kind=folder", "--set", f"data.path={folder}"]


def inspect(root, folder, *more):
    words = ["data", "inspect", *of_folder(folder), "--sheet", root / "sheet.png", *more]
    text, facts = run(*words), run(*words, "--json")
    expect(text.returncode == 0 and facts.returncode == 0, f"inspect of {folder.name} succeeds", text)
    return text, json.loads(facts.stdout or "{}")


def says(done, what, *parts):
    said = done.stdout + done.stderr
    for part in parts:
        expect(part in said, f"{what} says '{part}'", done)


def check_seeds():
    refused = ["-1", "-9223372036854775808", "9223372036854775808", "18446744073709551615",
               "99999999999999999999999", "1.5", "0x10", "", "seven"]
    for command in (["config", "show"], ["data", "inspect"], ["train", "--out", "nowhere"], ["demo"],
                    ["sample", "nowhere"], ["evaluate", "nowhere"], ["report", "nowhere"], ["verify"]):
        for seed in refused if command == ["config", "show"] else refused[:1]:
            done = run(*command, "--seed", seed)
            expect(done.returncode == 2 and "--seed" in done.stderr and "9223372036854775807" in done.stderr,
                   f"{' '.join(command)} refuses --seed '{seed}'", done)
    for seed in ("0", "7", "9223372036854775807"):
        done = run("config", "show", "--seed", seed, "--json")
        expect(done.returncode == 0 and json.loads(done.stdout)["seed"] == int(seed), f"--seed {seed} is taken", done)


PROMPT = "a red square left of a blue disc on dark"


def check_models():
    done = run("explain", "nowhere", "--prompt", PROMPT)
    expect(done.returncode == 3, "a model that is none is a fault of the data", done)
    says(done, "a model that is none", "run folder", "'world'", "'nowhere'", "noisescope train --out FOLDER")
    says(run("explain", "wrld", "--prompt", PROMPT), "a misspelt model", "did you mean 'world'?")
    says(run("sample", "nowhere", "--prompt", PROMPT), "a run that is none", "nowhere, which does not exist")


def check_usage():
    for words, *parts in (
            (["expalin", "world"], "'expalin'", "did you mean 'explain'?"),
            (["help"], "expected a command", "there are demo, data", "'noisescope --help'"),
            (["export", "runs/demo"], "expected a command of 'noisescope export'", "there are page"),
            (["explain", "world", "--prompt", *PROMPT.split()], "'red square left of", 'in quotes: --prompt "'),
            (["explain", "world", "--method", "evidence"], "'--method evidence'", "did you mean '--methods'?"),
            (["sample", "run", "--steps", "20"], "'--steps 20'", "--set KEY=VALUE"),
            (["train", "--out", "run", "train.batch_size=4"], "write --set train.batch_size=4"),
            (["clip", "classify", "photo.jpg"], "--model is required", "'noisescope clip classify --help'")):
        done = run(*words)
        expect(done.returncode == 2, f"{' '.join(words)} is wrong usage", done)
        says(done, " ".join(words), *parts)


def check_explaining_for_nothing(root):
    """What asks for nothing that can be answered leaves no folder and does not succeed."""
    out = root / "none/explain"
    unknown = run("explain", "world", "--prompt", "a crimson square", "--out", out)
    expect(unknown.returncode == 2 and not (root / "none").exists(), "an unknown word leaves no folder", unknown)
    left_out = run("explain", "world", "--prompt", PROMPT, "--methods", "evidence", "--budget", "0.001s", "--out", out)
    expect(left_out.returncode == 2 and not (root / "none").exists(), "all left out leaves no folder", left_out)
    says(left_out, "all left out", "evidence left out: it would take")


def check_pictures_by_mistake(root):
    """A path of pictures that nothing would read; a run among the pictures that it is to be trained on."""
    folder = root / "photos"
    save(folder, *(f"{i}.png" for i in range(12)))
    for words in (["data", "inspect"], ["train", "--out", root / "unread"]):
        done = run(*words, "--set", f"data.path={folder}")
        expect(done.returncode == 2 and not (root / "unread").exists(), f"{words[0]} refuses a path without kind", done)
        says(done, words[0], str(folder), "data.kind", "folder")
    for out in (folder, folder / "runs/mine", f"{folder}/../photos"):
        done = run("train", *SMALL, *of_folder(folder), "--out", out)
        expect(done.returncode == 3, f"a run in {out} is refused", done)
        says(done, "a run among pictures", "outside of the pictures")
    expect(len(list(folder.rglob("*"))) == 12, "nothing is written among the pictures")



def check_unused(root):
    folder = root / "other tables"
    for name in "ab":
        save(folder / name, "0.png", "1.png")
        (folder / name / "labels.csv").write_text("0.png,something else\n")
    (folder / "metadata1000.jsonl").write_text("{}\n")
    text, facts = inspect(root, folder)
    says(text, "inspect", "metadata1000.jsonl", "a/labels.csv", "3 caption files not read")
    unread = sorted(facts["load"].get("unread_captions", []))
    expect(unread == ["a/labels.csv", "b/labels.csv", "metadata1000.jsonl"],
           "the unread caption files stand in --json")

    folder = root / "other splits"
    save(folder / "train" / "red", "0.png", "1.png", "2.png")
    save(folder / "held" / "red", "0.png")
    done = run("data", "inspect", *of_folder(folder))
    expect(done.returncode == 3, "a folder beside train/ is refused", done)
    says(done, "the refusal", "held/ (1)", "validation/")
    (folder / "held").rename(folder / "valid")
    text, facts = inspect(root, folder)
    says(text, "inspect", "valid/ is read as the validation part")
    expect((facts["train"], facts["validation"]) == (3, 1), "valid/ is held out")

    folder = root / "formats"
    save(folder / "cat", "0.png", "1.png", "2.PNG", "0.tif", "1.TIF", "0.heic")
    text, facts = inspect(root, folder)
    says(text, "inspect", "3 files left out", ".tif 2", ".heic 1")
    expect(facts["load"].get("ignored_suffixes") == {".heic": 1, ".tif": 2}, "suffixes stand in --json")

    folder = root / "sidecars"
    save(folder / "cat", "0.png", "1.png")
    (folder / "cat" / "0.txt").write_text("a cat on a mat")
    done = run("data", "inspect", *of_folder(folder))
    expect(done.returncode == 3, "a text beside one of two pictures is refused", done)
    says(done, "the refusal", "cat/1.png", "data.captions=classes")
    text, facts = inspect(root, folder, "--set", "data.captions=classes")
    says(text, "inspect", "cat/0.txt", "1 caption file not read")
    (folder / "cat" / "1.txt").write_text("a dog\n")
    says(inspect(root, folder)[0], "inspect", "a cat on a mat", "a dog", "2 texts beside the pictures")

    folder = root / "latin"
    save(folder, "0.png")
    (folder / "metadata.csv").write_bytes(b"file_name,text\n0.png,caf\xe9\n")
    for words in (["data", "inspect"], ["data", "inspect", "--json"], ["train", *SMALL, "--out", root / "latin run"]):
        done = run(*words, *of_folder(folder))
        expect(done.returncode == 3, "text that is no UTF-8 is refused", done)
        says(done, "the refusal", "metadata.csv:2", "UTF-8")

    folder = root / "long"
    save(folder, "0.png", "1.png", "2.png")
    (folder / "metadata.csv").write_text("file_name,text\n0.png,short\n1.png," + "word " * 40 + "\n2.png," +
                                         "other " * 31 + "\n")
    text, facts = inspect(root, folder)
    says(text, "inspect", "2 captions are longer than the 32 tokens")
    expect((facts["captions"].get("context"), facts["captions"].get("cut")) == (32, 2), "cut captions stand in --json")
    return root / "formats", root / "long"


def check_training_says_it(root, formats, long):
    done = run("train", *SMALL, *of_folder(formats), "--set", "train.budget=2steps", "--out", root / "formats run")
    expect(done.returncode == 0, "a folder with other files is trained", done)
    says(done, "train", "3 files left out", ".tif 2", "mirrored", "data.flip")
    done = run("train", *SMALL, *of_folder(long), "--set", "train.budget=2steps", "--out", root / "long run")
    expect(done.returncode == 0, "long captions are trained", done)
    says(done, "train", "2 captions are longer than the 32 tokens")
    done = run("sample", root / "long run", "--no-animation", "--prompt", "word " * 40)
    expect(done.returncode == 0, "a long prompt is drawn", done)
    says(done, "sample", "longer than the 32 tokens")


def check_flips(root):
    folder = root / "letters"
    save(folder / "b", "0.png", "1.png")
    save(folder / "d", "0.png", "1.png")
    for more, mirrored in (([], True), (["--set", "data.flip=false"], False), (["--set", "data.flip=true"], True),
                           (["--set", 'data.templates=["the left {}"]'], False),
                           (["--set", 'data.templates=["the left {}"]', "--set", "data.flip=true"], True)):
        text, facts = inspect(root, folder, *more)
        says(text, "inspect", "mirrored           " + ("yes" if mirrored else "no"), "data.flip")
        expect(facts.get("mirrored") == mirrored and facts.get("mirrored_why"), f"mirrored of {more}")


def check_sizes(root):
    folder = root / "letters"
    done = run("data", "inspect", *of_folder(folder), "--set", "data.image_size_px=64", "--sheet", root / "sheet.png")
    expect(done.returncode == 0 and "64 px" in done.stdout, "inspect takes a size that the network has not", done)
    at_40 = [*SMALL, *of_folder(folder), "--set", "data.image_size_px=40", "--out", root / "sizes"]
    done = run("train", *at_40, "--set", "network.image_size=32", "--set", "clip.image.image_size=32")
    expect(done.returncode == 2, "sizes that contradict the data's are refused", done)
    says(done, "the refusal", "network.image_size=40", "clip.image.image_size=40")
    done = run("train", *at_40)
    expect(done.returncode == 2, "a network that cannot be built is refused", done)
    says(done, "the refusal", "attention_resolutions", "[20, 10]")
    expect(not (root / "sizes").exists(), "a refused start leaves no folder")
    done = run("train", *at_40, "--set", "network.attention_resolutions=[10]", "--set", "train.budget=2steps")
    expect(done.returncode == 0, "network and encoder follow the size of the data", done)


def check_moved_and_continued(root):
    folder, moved = root / "letters", root / "moved letters"
    out = ["--set", "network.attention_resolutions=[8]", "--out", root / "moving"]
    done = run("train", *SMALL, *of_folder(os.path.relpath(folder)), "--set", "train.budget=2steps", *out)
    expect(done.returncode == 0, "a run on a relative path", done)
    folder.rename(moved)
    done = run("train", *SMALL, *of_folder(moved), "--set", "train.budget=3steps", *out)
    expect(done.returncode == 0, "a run goes on where its data have moved", done)
    save(moved / "q", "0.png", "1.png")
    done = run("train", *SMALL, *of_folder(moved), "--set", "train.budget=4steps", *out)
    expect(done.returncode == 4, "other data are refused", done)
    says(done, "the refusal", "got others", "--from")
    done = run("train", "--from", root / "moving", "--set", f"data.path={moved}", "--threads", "1", "--out",
               root / "continued")
    expect(done.returncode == 0, "another run starts from its weights", done)
    says(done, "the start", "1 of 3 captions hold words that the encoder does not know, as 'q'")


def check_samples(root):
    """A picture says its number and can be drawn again alone; what an earlier call left is said."""
    run_folder, out = root / "moving", root / "drawn"
    drawing = ["sample", run_folder, "--prompt", "a photo of a b", "--single", "--no-animation", "--out", out]
    first = run(*drawing, "--count", "4")
    expect(first.returncode == 0, "sample", first)
    wanted = (out / "picture-00003.png").read_bytes()
    expect(b"sample_number\x003" in wanted, "a picture says its number")
    done = run(*drawing, "--first", "3")
    says(done, "sample", "3 files of an earlier call")
    pixels = lambda content: content[content.index(b"IDAT"):]
    expect(pixels((out / "picture-00003.png").read_bytes()) == pixels(wanted), "picture 3 comes again alone")
    (root / "a file").write_text("")
    done = run("sample", run_folder, "--prompt", "a photo of a b", "--out", root / "a file" / "below")
    expect(done.returncode == 3 and "sample 100" not in done.stderr, "a folder that cannot be made is seen first", done)
    done = run("rewind", "world", "--prompt", "a red disc", "--noise-seed", "-1")
    expect(done.returncode == 2 and "9223372036854775807" in done.stderr, "a seed below 0 is refused", done)
    done = run("sample", run_folder, "--prompt", "a photo of a b, - !", "--no-animation")
    expect(done.returncode == 2, "signs that no caption had are refused", done)
    says(done, "the refusal", "leave them out")
    expect("did you mean" not in done.stderr, "signs get no hint of a word", done)


def started_training(folder, *before):
    process = subprocess.Popen([*before, PROGRAM, "train", *SMALL, "--set", "train.budget=1000000steps", "--set",
                                "train.checkpoint_seconds=0", "--out", folder], stderr=subprocess.PIPE, text=True)
    while not (folder / "checkpoints").exists() and process.poll() is None:
        time.sleep(0.05)
    time.sleep(1)
    return process


def check_signals(root):
    for name, signals in (("TERM twice", [signal.SIGTERM] * 2), ("HUP", [signal.SIGHUP]), ("USR1", [signal.SIGUSR1]),
                          ("USR1 and TERM", [signal.SIGUSR1, signal.SIGTERM]), ("INT", [signal.SIGINT])):
        folder = root / name
        process = started_training(folder)
        for number in signals:
            process.send_signal(number)
            time.sleep(0.01)  # two of a kind at once are one
        said = process.communicate(timeout=60)[1]
        expect(process.returncode == 130 and list(folder.glob("checkpoints/step-*")), f"{name} saves: rc "
               f"{process.returncode}, {said}")
    process = started_training(root / "nohup", "nohup")
    process.send_signal(signal.SIGHUP)
    time.sleep(1)
    expect(process.poll() is None, "under nohup a lost terminal is no reason to stop")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        check_seeds()
        check_models()
        check_usage()
        check_explaining_for_nothing(root)
        check_pictures_by_mistake(root)
        formats, long = check_unused(root)
        check_training_says_it(root, formats, long)
        check_flips(root)
        check_sizes(root)
        check_moved_and_continued(root)
        check_samples(root)
        check_signals(root)
    if problems:
        sys.exit(f"{len(problems)} problems")


if __name__ == "__main__":
    main()
