"""Run with PYTHONPATH=build/python. Runs that tests need are made by the program, tiny, once a session."""

import os

import pytest
import torch

os.environ["HF_HUB_OFFLINE"] = "1"

import noisescope as ns

TINY = {
    "data.world_samples": 200, "clip.embedding_dim": 16, "clip.text.width": 16, "clip.text.layers": 1,
    "clip.text.heads": 2, "clip.image.channels": [8, 8, 8, 8], "clip.image.hidden": 16, "clip_train.seconds": 0,
    "clip_train.steps": 5, "clip_batch_size": 8, "network.channels": [8, 8], "network.attention_resolutions": [8],
    "network.head_width": 8, "network.embedding_width": 16, "network.condition_map_channels": 4,
    "train.budget": "8steps", "train.batch_size": 4, "train.validation_samples": 4, "sample.grid.steps": 4,
}


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """In whatever order and company a test runs."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> ns.Run:
    """A model that has seen 32 pictures: everything works, nothing is any good."""
    return ns.train(tmp_path_factory.mktemp("runs") / "tiny", overrides=TINY, progress=False)


@pytest.fixture(scope="session")
def world() -> ns.World:
    return ns.World()
