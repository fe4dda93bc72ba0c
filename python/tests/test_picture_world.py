"""The exact model of a folder of captioned pictures."""

import csv
import pathlib

import pytest
import torch

import noisescope as ns

PIL = pytest.importorskip("PIL.Image")


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    torch.manual_seed(0)
    with (tmp_path / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "text"])
        for name, caption in {"a.png": "red heart", "b.png": "blue heart", "c.png": "fox"}.items():
            PIL.fromarray((torch.rand(16, 16, 3) * 255).byte().numpy()).save(tmp_path / name)
            writer.writerow([name, caption])
    (tmp_path / "notes.tif").write_text("not read")
    return tmp_path


def test_is_the_optimal_denoiser_of_the_folder(folder: pathlib.Path) -> None:
    world = ns.PictureWorld(folder, overrides={"image_size_px": 16})
    assert any(".tif" in note for note in world.notes)
    heart = world.condition(["heart"])
    assert heart.shape == (1, 3)
    assert (heart > 0).tolist() == [[True, True, False]]
    picture = world.trajectory(["fox"], seed=1).pictures
    fox = world.denoiser()(torch.zeros(1, 3, 16, 16), torch.ones(1), world.condition(["fox"]))
    assert torch.allclose(picture, fox, atol=1e-3)
    with pytest.raises(ns.InvalidValueError, match="blue heart"):
        world.condition(["a green heart"])


def test_words_of_families_have_their_alternatives(folder: pathlib.Path) -> None:
    world = ns.PictureWorld(folder, overrides={"image_size_px": 16})
    picture = world.trajectory(["red heart"] * 2, seed=1).pictures
    evidence = ns.explain.evidence(world, picture, "red heart", word="red", alternatives=["blue"])
    assert torch.allclose(evidence.realised_total, torch.full_like(evidence.realised_total, 2.0).log(), atol=0.05)
