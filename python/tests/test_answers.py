"""Answers are the library's own, typed, and the same by every road: Python's functions, the report, the list."""

import inspect
import subprocess
import sys

import pytest
import torch

import noisescope as ns

PROMPT = "a red square left of a blue disc on dark"
SEED, PICTURES, PATHS = 5, 3, 2
READ = ["trajectory_geometry", "guidance_anatomy", "noise_bands", "counterfactual", "rewind", "noise_tests"]  # as is
SETTINGS = {
    "evidence": {"steps": 12}, "u_turn": {"turns": 3, "steps": 4}, "information_map": {"draws": 4, "levels": 4},
    "conditioning_locality": {"draws": 3, "permutations": 19}, "decision_windows": {"steps": 6},
    "spectral_emergence": {"bands": 2, "steps": 6}, "inversion": {"steps": [4, 6]}, "noise_tiles": {"tile_px": 16},
    "guidance_sweep": {"scales": [2.0], "bands": 2}, "guidance_windows": {"windows": 2},
    "posterior_uncertainty": {"log_snrs": [-3.0], "iterations": 2},
}


@pytest.fixture(scope="module")
def trajectory(world):
    return world.trajectory([PROMPT] * PICTURES, seed=SEED)


@pytest.fixture(scope="module")
def reported(world, tmp_path_factory):
    """The report's numbers and arrays of cheap methods, asked with settings."""
    out = tmp_path_factory.mktemp("report")
    asked = [*SETTINGS, *READ]
    report = ns.explain.report(world, PROMPT, out, words="red", methods=asked, settings=SETTINGS, seed=SEED,
                               pictures=PICTURES, paths=PATHS, progress=False)
    assert report.path == str(out / "report.html") and (out / "report.html").exists() and not report.left_out

    def answer(name):
        arrays, _ = ns.load_safetensors(out / f"{name}.safetensors")
        return report.json[name]["answer"], arrays

    return answer


def calls(world, t):
    """What the report asks, as a user would: the answer and its part of the report's."""
    explain, picture, one = ns.explain, t.pictures[0], {"word": "red", "seed": SEED}
    green = PROMPT.replace("red", world.contrasts(PROMPT, "red")[0].values[1])
    settings = {name: {key: value for key, value in options.items() if key not in ("turns", "log_snrs")}
                for name, options in SETTINGS.items()}
    change = f"red to {green.split()[1]}"
    return {
        "evidence": lambda o: (explain.evidence(world, picture, PROMPT, paths=PATHS, **one, **o), "red"),
        "conditioning_locality": lambda o: (explain.conditioning_locality(world, picture, PROMPT, **one, **o), "red"),
        "information_map": lambda o: (explain.information_map(world, picture, PROMPT, words="red", paths=PATHS,
                                                              seed=SEED, **o), ""),
        "u_turn": lambda o: (explain.u_turn(world, picture, paths=3, seed=SEED, **o), ""),
        "posterior_uncertainty": lambda o: (explain.posterior_uncertainty(
            world, picture, PROMPT, log_snr=-3.0, paths=PATHS, seed=SEED, **o), "log-SNR -3"),
        "decision_windows": lambda o: (explain.decision_windows(world, t.pictures, PROMPT, words="red", seed=SEED, **o),
                                       ""),
        "spectral_emergence": lambda o: (explain.spectral_emergence(world, t.pictures, PROMPT, seed=SEED, **o), ""),
        "inversion": lambda o: (explain.inversion(world, t.pictures, PROMPT, seed=SEED, **o), ""),
        "trajectory_geometry": lambda o: (explain.trajectory_geometry(t), ""),
        "guidance_anatomy": lambda o: (explain.guidance_anatomy(t), ""),
        "noise_bands": lambda o: (explain.noise_bands(t), ""),
        "noise_tests": lambda o: (explain.noise_tests(t), ""),
        "guidance_sweep": lambda o: (explain.guidance_sweep(t, **o), ""),
        "guidance_windows": lambda o: (explain.guidance_windows(t, seed=SEED, **o)[0], "likeness"),
        "noise_tiles": lambda o: (explain.noise_tiles(t.rows([0, 1]), **o), ""),
        "counterfactual": lambda o: (explain.counterfactual(t, green), change),
        "rewind": lambda o: (explain.rewind(t, (len(t.sigmas) - 1) // 2, prompts=green), ""),
    }, settings


@pytest.mark.parametrize("name", [*SETTINGS, *READ])
def test_python_and_report_answer_the_same(world, trajectory, reported, name):
    ask, settings = calls(world, trajectory)
    answer, part = ask[name](settings.get(name, {}))
    numbers, arrays = reported(name)
    numbers = numbers[part] if part else numbers
    compared = 0
    for field, value in answer.to_dict().items():
        key = (f"{part}." if part else "") + field
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(arrays[key], value.to(arrays[key]), rtol=1e-4, atol=1e-5, equal_nan=True)
        elif isinstance(value, list) and value and isinstance(value[0], float):
            assert arrays[key].tolist() == pytest.approx(value)
        elif isinstance(value, int | float | str):
            assert numbers[field] == pytest.approx(value) if not isinstance(value, str) else numbers[field] == value
        else:
            continue
        compared += 1
    assert compared > 1


def test_every_method_is_a_function_of_its_id():
    listed = ns.explain.methods()
    assert len({method.id for method in listed}) == len(listed) > 20
    for method in listed:
        assert method.id in ns.explain.__all__ and inspect.isfunction(getattr(ns.explain, method.id)), method.id
        assert method.question.endswith("?") and method.fields and all(field.help for field in method.fields)
    steps = next(method for method in listed if method.id == "evidence").options[0]
    assert (steps.name, steps.default) == ("steps", 100) and steps.limits["min"] == 1


def test_what_is_read_off_a_trajectory_costs_no_evaluations():
    calls = []

    def counted(x, sigma, condition):
        calls.append(len(x))
        return x / (1 + sigma[:, None, None, None] ** 2) + 0.01 * condition[:, :1, None, None]

    t = ns.Trajectory(ns.denoiser(counted), torch.ones(4, 1), torch.zeros(1, 1), image_shape=(3, 8, 8),
                      sigmas=[8.0, 4.0, 2.0, 1.0, 0.0], sampler={"solver": "ddpm"}, guidance={"scale": 2, "clamp": 0})
    assert not calls
    t.steps()
    drawn = sum(calls)
    assert drawn == 4 * 4 * 2  # steps, pictures, branches
    ns.explain.guidance_information(t)
    ns.explain.guidance_anatomy(t)
    ns.explain.noise_bands(t)
    ns.explain.trajectory_geometry(t)
    ns.explain.noise_tests(t)
    ns.explain.word_scores(t, lambda pictures: pictures.mean((1, 2, 3)))
    ns.explain.guidance_information(t.rows([2, 0]))
    assert t.pictures.shape == (4, 3, 8, 8) and sum(calls) == drawn
    ns.explain.prediction_tests(t, group=2, permutations=9)
    assert sum(calls) == drawn + 4 * 4 * 2  # steps, pictures, group: asked, not drawn


def test_pictures_of_a_batch_keep_their_own_null_conditions():
    guided = ns.denoiser(lambda x, sigma, c: c[:, :1, None, None].expand_as(x).to(x))
    rows, null = torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0], [0.5]])
    t = ns.Trajectory(guided, rows, null, image_shape=(1, 8, 8), sigmas=[2.0, 1.0, 0.0], sampler={"solver": "ddim"},
                      guidance={"scale": 2, "clamp": 0})
    expected = torch.tensor([2.0, 1.5])  # null + 2 (prompt - null)
    assert t.pictures[:, 0, 0, 0].allclose(expected) and t.redraw()[:, 0, 0, 0].allclose(expected)
    altered = ns.explain.counterfactual(t, condition=2 * rows).altered[:, 0, 0, 0]
    assert altered.allclose(torch.tensor([4.0, 3.5]))
    assert ns.explain.noise_tiles(t, tile_px=4, redraws=1).pictures[:, 0, 0, 0].allclose(expected)
    score = lambda pictures: pictures.mean((1, 2, 3))
    assert ns.explain.attribute_grid(t, score, conditions=rows)[:, 0, 0].double().allclose(expected.double())
    assert ns.explain.rewind(t, 1).unaltered[:, 0, 0, 0].allclose(expected)
    assert t.rows([1]).pictures[:, 0, 0, 0].allclose(expected[1:])


def test_models_are_made_of_functions_and_of_anything_alike(world):
    class Wrapped:
        def denoiser(self):
            return world.denoiser()

        def condition(self, prompts):
            return world.condition(prompts)

        def null_condition(self, count=1):
            return world.null_condition(count)

    assert isinstance(Wrapped(), ns.ModelLike) and isinstance(world, ns.ModelLike)
    pictures = world.scenes(2, left_colour="red").pictures
    ask = {"word": "red", "alternatives": ["green"], "steps": 8}
    prompt = world.scenes(2, left_colour="red").captions
    ours, theirs = (ns.explain.evidence(one, pictures, prompt, **ask) for one in (world, Wrapped()))
    assert torch.equal(ours.compensated, theirs.compensated)
    made = ns.model(Wrapped(), name="wrapped", grid={"steps": 4}, reader=world.reader, posterior_mean=False)
    assert made.sample(PROMPT, seed=1).shape == (1, 3, 32, 32) and made.name == "wrapped"
    assert torch.equal(made.condition([PROMPT, ""])[1:], world.null_condition())
    assert made.reader("a red square")(pictures).shape == (2, 1)
    with pytest.raises(ns.ModelError, match="mean"):
        ns.explain.evidence(made, pictures, prompt, **ask)


def test_a_model_of_functions_gets_a_report(tmp_path):
    def shrink(x, sigma, condition):
        return x / (1 + sigma[:, None, None, None] ** 2) + 0.1 * condition[:, :1, None, None]

    mine = ns.model(ns.denoiser(shrink), lambda prompts: torch.tensor([[float(len(prompt))] for prompt in prompts]),
                    image_shape=(3, 8, 8), grid={"steps": 6}, guidance={"clamp": 0})
    report = ns.explain.report(mine, "a cat", tmp_path, words="cat", alternatives=["dog", "bird!"], pictures=2, paths=2,
                               methods=["evidence", "trajectory_geometry"], settings={"evidence": {"steps": 5}})
    assert len(report.json["evidence"]["answer"]["cat"]["log_snrs"]) == 6
    with pytest.raises(ns.ConfigError, match="steps"):
        ns.explain.report(mine, "a cat", tmp_path, words="cat", settings={"evidence": {"stepz": 5}})
    with pytest.raises(ValueError, match="did you mean 'evidence'"):
        ns.explain.report(mine, "a cat", tmp_path, methods="evidense")


def test_the_words_of_a_run_stand_out_against_other_runs(world):
    texts = ["a red square left of a shape", "a green square left of a shape"]
    shown = world.trajectory([PROMPT] * 3, seed=1, grid={"steps": 5})
    null = world.trajectory([""] * 40, seed=2, grid={"steps": 5})
    found = ns.explain.read_out(shown, {"no prompt": null}, reader=world.reader(texts))
    assert found.shown[-1].tolist() == [True, False] and found.first_step[0] < 5


def test_a_wrong_field_is_told_before_it_runs(tmp_path):
    pytest.importorskip("mypy")
    lines = {"e.compensated.mean()": "", "e.compensate": "attr-defined", "t.sigmaz": "attr-defined",
             "e.log_snrs.mean()": "attr-defined", "ns.explain.evidence(w, p, stepz=3)": "call-arg",
             "ns.explain.evidence(w, p, steps=3)": "", "ns.explain.u_turns": "attr-defined"}
    program = tmp_path / "program.py"
    program.write_text("import noisescope as ns\nw = ns.World()\np = w.scenes(2).pictures\n"
                       "e = ns.explain.evidence(w, p)\nt = w.trajectory('')\n" + "\n".join(lines))
    done = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir=/dev/null", "--config-file=/dev/null", program],
                          capture_output=True, text=True)
    errors = {int(line.split(":")[1]): line for line in done.stdout.splitlines() if ": error:" in line}
    for k, (text, kind) in enumerate(lines.items(), start=6):
        assert (f"[{kind}]" in errors.get(k, "")) == bool(kind) and bool(kind) == (k in errors), (text, done.stdout)
