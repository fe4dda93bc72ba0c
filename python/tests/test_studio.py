"""The studio beside Python: what it serves, models of Python functions, its end."""

import json
import time
import urllib.error
import urllib.request

import noisescope as ns
import pytest
import torch

PROMPT = "a red square left of a blue disc on dark"


def ask(studio, path, body=None):
    base, token = studio.address.split("/?token=")
    request = urllib.request.Request(base + path, None if body is None else json.dumps(body).encode(),
                                     {"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        data = answer.read()
    return json.loads(data) if answer.headers["Content-Type"] == "application/json" else data


def drawn(studio, body):
    branch = ask(studio, "/api/branches", body)
    while branch["state"] in ("queued", "drawing"):
        time.sleep(0.02)
        branch = ask(studio, f"/api/branches/{branch['id']}")
    return branch


def pixels(studio, branch):
    exported = ask(studio, f"/api/branches/{branch['id']}/export.json")
    return torch.tensor(exported["pixels"]).view(branch["pictures"], 32, 32, 3)


def test_draws_what_the_copied_python_draws():
    with ns.studio(ns.World()) as studio:
        branch = drawn(studio, {"prompt": PROMPT, "pictures": 2, "seed": 4, "options": {"grid.steps": 12}})
        other = drawn(studio, {"prompt": PROMPT, "pictures": 2, "seed": 4, "options": {"sampler.solver": "ddim"}})
        change = {"step": 3, "prompt": "a green square left of a blue disc on dark", "guidance": 2, "window": [-3, 1]}
        child = ask(studio, f"/api/branches/{branch['id']}/change", change)
        while child["state"] in ("queued", "drawing"):
            child = ask(studio, f"/api/branches/{child['id']}")
        for one in (branch, other, child):
            names = {}
            exec(one["python"], names)
            mine = ((names["pictures"].clamp(-1, 1) + 1) * 127.5).round().permute(0, 2, 3, 1)
            assert (mine - pixels(studio, one)).abs().max() <= 1, one["what"]


def test_a_model_of_python_functions_is_asked_on_another_thread():
    asked = []

    def denoiser(x, sigma, condition):
        asked.append(len(x))
        return condition.view(-1, 1, 1, 1).expand_as(x)

    def condition(prompts):
        if "bad" in prompts:
            raise ValueError("no such thing as bad")
        return torch.tensor([[len(prompt) / 10.0 - 1] for prompt in prompts])

    model = ns.model(ns.denoiser(denoiser), condition, image_shape=(3, 32, 32))
    with ns.studio(model, examples=["abc"]) as studio:
        assert ask(studio, "/api/model")["examples"] == ["abc"]
        branch = drawn(studio, {"prompt": "abcde", "pictures": 1, "options": {"grid.steps": 5}})
        assert branch["state"] == "done", branch["error"]
        assert asked
        assert (pixels(studio, branch) - 127.5 * 0.5).abs().max() <= 1
        failing = drawn(studio, {"prompt": "bad"})
        assert failing["state"] == "failed"
        assert "no such thing as bad" in failing["error"]


def test_ends():
    studio = ns.studio(ns.World())
    address = studio.address
    studio.stop()
    studio.stop()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=2)


def test_a_taken_port_is_an_error():
    with ns.studio(ns.World()) as studio:
        port = int(studio.address.split(":")[2].split("/")[0])
        with pytest.raises(ns.IoError, match="--port"):
            ns.studio(ns.World(), port=port)


def test_nothing_without_the_token():
    with ns.studio(ns.World()) as studio, pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(studio.address.split("/?")[0] + "/api/model", timeout=5)
