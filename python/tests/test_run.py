import json
import os
import subprocess
import sys

import numpy
import pytest
import torch

import noisescope as ns
from conftest import TINY


def test_a_trained_run_samples_and_records(run):
    prompts = ["a red square left of a blue disc on dark"] * 2
    pictures = run.sample(prompts, seed=3)
    assert pictures.shape == (2, 3, 32, 32) and torch.equal(pictures, run.sample(prompts, seed=3))
    assert torch.allclose(pictures[1:], run.sample(prompts[1:], seed=3, sample_ids=[1]), atol=1e-5)
    record = run.record(prompts, seed=3)
    assert record.x.shape[:2] == (4, 2) and len(record.sigmas) == 5
    assert record.conditional.isfinite().all() and record.unconditional.isfinite().all()
    assert run.sample(prompts, grid={"steps": 2}).shape == pictures.shape


def test_the_run_is_a_denoiser_for_explanations(run):
    condition = run.condition(["a red square", "a blue disc"])
    x = ns.initial_noise([2, 3, 32, 32])
    assert run.denoiser()(x, torch.ones(2), condition).shape == x.shape
    assert run.null_condition(2).shape == condition.shape
    assert run.clip.encode_text("a red square").norm() == pytest.approx(1, abs=1e-5)
    encoding, = run.clip.tokenize("a red square")
    assert [("a red square")[a:b] for a, b in encoding.spans if b > a] == ["a", "red", "square"]


def test_python_and_program_draw_the_same(run, tmp_path):
    program = os.environ.get("NOISESCOPE_PROGRAM")
    if not program:
        pytest.skip("NOISESCOPE_PROGRAM names no program")
    prompt = "a red square left of a blue disc on dark"
    done = subprocess.run([program, "sample", run.folder, "--prompt", prompt, "--seed", "3", "--record", "full",
                           "--json", "--quiet"], capture_output=True, text=True, check=True)
    path = next(p for p in json.loads(done.stdout)["files"] if p.endswith(".safetensors"))
    tensors, _ = ns.load_safetensors(path)
    ours = run.record([prompt], seed=3)
    assert torch.allclose(tensors["x"].float(), ours.x[:, :1], atol=1e-5)


def test_words_that_the_model_does_not_know_are_named(run):
    with pytest.raises(ValueError, match="elephant"):
        run.sample("a red elephant")


def test_folders_that_are_no_runs_are_refused(tmp_path):
    with pytest.raises(ns.DataError, match=r"config\.yaml"):
        ns.load(tmp_path)
    with pytest.raises(ns.ConfigError, match="budget"):
        ns.train(tmp_path / "x", overrides={"train.budgt": "1steps"})


def test_a_run_of_other_settings_is_refused(run):
    with pytest.raises(ns.ModelError):
        ns.train(run.folder, overrides={"network.head_width": 16})
    with pytest.raises(ns.ModelError), pytest.warns(DeprecationWarning, match="overrides"):
        ns.train(run.folder, set={"network.head_width": 16})
    with pytest.raises(TypeError, match="sets"):
        ns.train(run.folder, sets={})


def test_steps_of_training_are_heard_and_may_end_it(tmp_path):
    seen = []

    def until(last, error=None):
        def on_step(now):
            seen.append(now)
            if now["step"] == last and error:
                raise error
            return now["step"] < last
        return on_step

    stopped = ns.train(tmp_path / "run", overrides=TINY, on_step=until(3), progress=False)
    assert [(now["step"], now["images"]) for now in seen] == [(1, 4), (2, 8), (3, 12)]
    assert all(now["loss"] > 0 and now["learning_rate"] > 0 for now in seen)
    assert stopped.sample("a red square").isfinite().all()
    with pytest.raises(ZeroDivisionError, match="enough"):
        ns.train(tmp_path / "run", overrides=TINY, on_step=until(5, ZeroDivisionError("enough")), progress=False)
    ns.train(tmp_path / "run", overrides=TINY, on_step=seen.append, progress=False)
    assert [now["step"] for now in seen] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_run_is_made_again_from_its_folder(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run = ns.train(tmp_path / "run", overrides=TINY, progress=False)
        again = ns.replay(run.folder, tmp_path / "again", progress=False)
    finally:
        torch.set_num_threads(threads)
    assert [part["name"] for part in again["parts"]] == ["clip", "embeddings", "conditions", "metrics", "model"]
    assert again["equal"], again
    with pytest.raises(ns.InvalidValueError, match="another folder"):
        ns.replay(run.folder, run.folder, progress=False)


def test_files_of_tensors_go_both_ways(tmp_path):
    tensors = {"a": torch.arange(6).reshape(2, 3), "b": torch.randn(4)}
    ns.save_safetensors(tmp_path / "t.safetensors", tensors, {"note": "x"})
    read, metadata = ns.load_safetensors(tmp_path / "t.safetensors")
    assert metadata["note"] == "x" and all(torch.equal(read[k], tensors[k]) for k in tensors)
    (tmp_path / "bad.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(ns.FormatError):
        ns.load_safetensors(tmp_path / "bad.safetensors")
    with pytest.raises(OSError):
        ns.load_safetensors(tmp_path / "none.safetensors")


def test_pictures_come_from_numpy_and_pil_and_show_themselves(run):
    from PIL import Image

    image = Image.fromarray(numpy.full((4, 6, 3), 255, numpy.uint8))
    assert ns.tensor_of(image).shape == (1, 3, 4, 6) and ns.tensor_of(image).max() == 1
    array = numpy.zeros((1, 3, 4, 4), numpy.float32)
    assert torch.equal(ns.tensor_of(array), torch.zeros(1, 3, 4, 4))
    assert ns.tensor_of(array).data_ptr() == array.ctypes.data  # no copy
    shown = ns.Pictures(torch.zeros(3, 3, 8, 8))
    assert shown._repr_png_().startswith(b"\x89PNG") and "gif" in shown.film()._repr_html_()
    assert "8×8" in ns.explain.VarianceShares(**dict.fromkeys(
        ("seed", "prompt", "interaction", "seed_error", "prompt_error", "interaction_error"),
        torch.zeros(8, 8)))._repr_html_()


def test_another_torch_is_refused_with_a_remedy():
    code = ("import importlib.metadata as m; real = m.version\n"
            "m.version = lambda name: '1.0.0' if name == 'torch' else real(name)\n"
            "import noisescope")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode != 0 and "pip install torch==" in done.stderr


def test_every_public_name_is_explained():
    for module in (ns, ns.explain, ns.metric):
        for name in module.__all__:
            if not name.startswith("__"):
                assert getattr(module, name).__doc__, f"{module.__name__}.{name}"


def test_the_demo_is_one_call(tmp_path):
    few = {"evaluation.samples": 4, "evaluation.sweep_samples": 2}
    summary = ns.demo(tmp_path, overrides={**TINY, **few}, progress=False)
    assert summary["train_images"] == 32 and 0 <= summary["strict_scene_accuracy"]["value"] <= 1
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
    assert (tmp_path / "report.html").stat().st_size > 10_000
    with pytest.raises(ns.InvalidValueError, match="seconds"):
        ns.demo(tmp_path, seconds=-1.0)
