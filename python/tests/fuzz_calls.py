"""Calls every public function and method with one hostile argument after another; test_fuzz.py runs it as a program.

    python fuzz_calls.py RUN_FOLDER FOLDER     prints {"calls": how many, "problems": [what went wrong]}

It leaves files in FOLDER. Every public name needs an example of a valid call. The last line on stderr names the call
that never came back.
"""

import faulthandler
import inspect
import json
import os
import pathlib
import random
import sys
import warnings

warnings.simplefilter("ignore")

import matplotlib  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

import noisescope as ns  # noqa: E402
from noisescope import _core  # noqa: E402
from noisescope.figures import drawable  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

MODULES = {"": ns, "explain.": ns.explain, "metric.": ns.metric}
EXPECTED = (TypeError, ValueError, OSError, ArithmeticError, LookupError, ImportError, MemoryError,
            RecursionError, ns.ModelError)
PER_ARGUMENT = 8   # hostile values, drawn with a fixed seed
LONGEST = 20      # seconds of a call

SMALL = ns.initial_noise([2, 3, 8, 8])
SIGMAS = [2.0, 1.0, 0.0]
PROMPT = "a red square left of a blue disc on dark"
SET = {"clip_train.seconds": 0}


def score(pictures):
    return pictures.mean((1, 2, 3))


def found(pictures):
    return pictures[:, 0] > 0


def captioned_pictures(folder):
    """A folder of four pictures, each with a text beside it."""
    place = pathlib.Path(folder) / "captioned"
    place.mkdir(exist_ok=True)
    for k in range(4):
        Image.new("RGB", (16, 16), (60 * k, 10, 200)).save(place / f"{k}.png")
        (place / f"{k}.txt").write_text(f"picture number {k}\n")
    return str(place)


def examples(run, folder):
    """A valid call of everything: its arguments, before them the object whose method it is. None: nothing to call."""
    world = ns.World()
    scenes = world.scenes(2)
    pictures = scenes.pictures
    rows = torch.zeros(2, 1)
    versions = torch.zeros(2, 2, 1)
    denoiser = ns.denoiser(lambda x, sigma, c: x / 2)
    maps, mask = torch.rand(2, 8, 8), torch.arange(128).reshape(2, 8, 8) % 3 == 0
    model = ns.model(denoiser, lambda prompts: torch.zeros(len(prompts), 1), image_shape=(3, 8, 8),
                     reader=lambda texts: lambda pictures: torch.zeros(len(pictures), len(texts)))
    start = {"denoiser": denoiser, "condition": rows, "null_condition": rows[:1], "image_shape": (3, 8, 8),
             "sigmas": [3.0, *SIGMAS], "seed": 1, "sample_ids": [0, 1], "sampler": {"solver": "ddpm"},
             "guidance": {"scale": 2}}
    trajectory = ns.Trajectory(**start)
    along = {"trajectory": trajectory}
    change = {"step": 1, "prompts": None, "condition": rows, "scale": 2.0, "prompted": lambda log_snr: log_snr > 0,
              "remaining_noise": 3, "block": (0, 0, 2, 2), "block_seed": 1, "progress": False}
    kept = {name: value for name, value in change.items() if name != "prompted"}  # a trajectory holds no such window
    inversion = ns.explain.invert_edit_friendly(denoiser, SMALL, rows, SIGMAS)
    gaussian = ns.GaussianData(torch.zeros(192).double(), torch.ones(192).double())
    mixture = ns.GaussianMixture(torch.zeros(2, 192).double(), torch.ones(2, 192).double())
    linear = ns.explain.LinearGuidance(SMALL, SMALL + 1)
    ns.save_safetensors(folder + "/a.safetensors", {"a": maps})
    question = {"source": denoiser, "pictures": SMALL, "prompt": None, "word": None, "alternatives": None,
                "conditions": versions, "true_version": 0, "seed": 1, "sample_ids": None}
    one = {"source": denoiser, "pictures": SMALL, "condition": rows}
    localisation = {"maps": maps, "mask": mask}
    answer = ns.metric.infidelity(score, SMALL, SMALL, SMALL[None])
    conversion = {"x": SMALL, "sigma": torch.ones(2)}
    drawing = {"prompts": PROMPT, "seed": 1, "sample_ids": [0], "negative_prompt": "", "images": None,
               "grid": {"steps": 2}}
    scored = {"score": score, "pictures": SMALL, "maps": maps}

    return {
        "Answer": None,  # methods make them
        "Answer.average": (answer, {"paths": 1}),
        "Answer.plot": (answer, {"field": "raw", "ax": None, "index": (1,)}),
        "Answer.save": (answer, {"path": folder + "/answer.json"}),
        "Answer.to_dict": (answer, {}),
        "Clip": {"folder": run.folder + "/clip"},
        "Clip.encode_image": (run.clip, {"pictures": SMALL}),
        "Clip.encode_text": (run.clip, {"texts": PROMPT}),
        "Clip.tokenize": (run.clip, {"texts": PROMPT}),
        "Denoiser": None,  # `denoiser` makes them
        "Denoiser.__call__": (denoiser, {"x": SMALL, "sigma": torch.ones(2), "condition": rows}),
        "Encoding": None,  # `Clip.tokenize` makes them
        "Factors": None,  # `Model.factors` makes them
        "GaussianData": {"mean": torch.zeros(4), "covariance": torch.ones(4), "matrix": torch.ones(4, 1)},
        "GaussianData.denoiser": (gaussian, {}),
        "GaussianData.flow": (gaussian, {"x": SMALL, "sigma_from": 1.0, "sigma_to": 0.5, "condition": rows}),
        "GaussianData.information": (gaussian, {"sigma": 1.0}),
        "GaussianData.sample": (gaussian, {"sample_ids": [0, 1], "y": torch.zeros(2, 0), "seed": 1}),
        "GaussianMixture": {"means": torch.zeros(2, 4), "variances": torch.ones(2, 4)},
        "GaussianMixture.denoiser": (mixture, {}),
        "GaussianMixture.log_density": (mixture, {"x": SMALL, "sigma": torch.ones(2), "condition": torch.ones(2, 2)}),
        "GaussianMixture.posterior": (mixture, {"x": SMALL, "sigma": torch.ones(2), "condition": torch.ones(2, 2)}),
        "Model": None,  # `model` makes them
        "Model.condition": (run, {"prompts": PROMPT}),
        "Model.contrasts": (world, {"prompt": PROMPT, "words": ["red"], "alternatives": ["green"]}),
        "Model.denoiser": (run, {}),
        "Model.factors": (run, {"labels": ["a red disc", "a blue disc"]}),
        "Model.null_condition": (run, {"count": 2}),
        "Model.reader": (run, {"texts": ["a red disc"]}),
        "Model.record": (model, {**drawing, "progress": False}),
        "Model.sample": (run, {**drawing, "progress": False}),
        "Model.sigmas": (run, {"steps": 3}),
        "Model.trajectory": (run, drawing),
        "ModelLike": None,  # a protocol
        "ModelLike.condition": None,
        "ModelLike.denoiser": None,
        "ModelLike.null_condition": None,
        "Pictures": {"tensor": SMALL},
        "Pictures.film": (ns.Pictures(SMALL), {"milliseconds": 10, "scale": 1}),
        "Pictures.pil": (ns.Pictures(SMALL), {"columns": 2, "scale": 1}),
        "Progress": None,  # long calls make them
        "Run": {"folder": run.folder, "device": "cpu"},
        "PictureWorld": {"data": captioned_pictures(folder), "overrides": {"image_size_px": 16}},
        "Scenes": None,  # `World.scenes` makes them
        "Scenes.counterfactual_masks": (scenes, {"factor": "background"}),
        "Step": None,  # `sample` makes them
        "Studio": None,  # `studio` makes them
        "Studio.stop": (ns.studio(world), {}),
        "Trajectory": start,
        "Trajectory.changed": (trajectory, {**kept, "initial": None, "observer": None}),
        "Trajectory.redraw": (trajectory, {**change, "initial": None, "observer": None}),
        "Trajectory.rows": (trajectory, {"rows": [1, 0]}),
        "Trajectory.steps": (trajectory, {"progress": False}),
        "studio": {"model": world, "examples": [PROMPT], "host": "127.0.0.1", "port": 0},
        "World": {"member": "demo", "object_size_px": 12, "colours": ["red", "blue"]},
        "World.captions": (world, {}),
        "World.agreement": (world, {"pictures": pictures, "captions": scenes.captions}),
        "World.entropy": (world, {"given": PROMPT}),
        "World.log_likelihood_ratio": (world, {
            "x": pictures, "sigma": torch.ones(2), "conditions": world.condition(PROMPT),
            "reference": world.null_condition()[0]}),
        "World.posterior": (world, {"x": pictures, "sigma": torch.ones(2), "condition": world.null_condition(2),
                                    "factor": "background"}),
        "World.scenes": (world, {"count": 2, "seed": 1, "left_colour": "red"}),
        "add_noise": {"pictures": SMALL, "eps": SMALL, "sigma": torch.ones(2)},
        "denoiser": {"function": lambda x, sigma, c: x},
        "initial_noise": {"shape": [2, 3, 4, 4], "seed": 1, "sample_ids": [0, 1]},
        "load": {"folder": run.folder, "device": "cpu"},
        "load_safetensors": {"path": folder + "/a.safetensors"},
        "machine_facts": {},
        "model": {"source": denoiser, "condition": lambda prompts: torch.zeros(len(prompts), 1), "name": "m",
                  "image_shape": (3, 8, 8), "log_snr_max": 3.0, "posterior_mean": True, "reader": None,
                  "batch_size": 2},
        "demo": None,
        "noise_of": {**conversion, "denoised": SMALL},
        "precondition": {"network": lambda x, label, c: x, "sigma_data": 0.5},
        "replay": {"folder": run.folder, "out": folder + "/again", "data": "", "threads": 1, "device": "cpu",
                   "progress": False},
        "sample": {"denoiser": denoiser, "x": SMALL, "condition": rows, "null_condition": rows, "sigmas": SIGMAS,
                   "guidance": {"scale": 2}, "seed": 1, "sample_ids": [0, 1], "noise": torch.zeros(1, 2, 3, 8, 8),
                   "observer": None, "progress": False, "solver": "ddpm", "eta": 0.5},
        "sampling_sigmas": {"steps": 3, "kind": "leading", "schedule": {"timesteps": 30}},
        "save_safetensors": {"path": folder + "/b.safetensors", "tensors": {"a": maps}, "metadata": {"a": "b"}},
        "schedule": {"kind": "linear", "timesteps": 10},
        "score_from_x0": {**conversion, "x0": SMALL},
        "tensor_of": {"value": maps, "name": "maps"},
        "train": {"out": run.folder, "config": run.folder + "/config.yaml", "overrides": SET,
                  "skip_clip_extraction": True, "device": "cpu", "on_step": None, "progress": False},
        "v_from_x0": {**conversion, "x0": SMALL},
        "ve_from_vp": {"x_vp": SMALL, "sigma": torch.ones(2)},
        "vp_from_ve": conversion,
        "x0_from_eps": {**conversion, "eps": SMALL},
        "x0_from_score": {**conversion, "score": SMALL},
        "x0_from_v": {**conversion, "v": SMALL},
        "explain.EditFriendlyInversion": None,  # `invert_edit_friendly` makes them
        "explain.LinearGuidance": {"with_prompt": SMALL, "without_prompt": SMALL},
        "explain.LinearGuidance.of_moments": {"mean_c": torch.zeros(4), "covariance_c": torch.eye(4),
                                              "mean_u": torch.zeros(4), "covariance_u": torch.eye(4)},
        "explain.LinearGuidance.split": (linear, {"x": SMALL, "sigma": 1.0, "difference": SMALL}),
        "explain.Method": None,  # `methods` makes them
        "explain.MethodField": None,
        "explain.MethodOption": None,
        "explain.Report": None,  # `report` makes them
        "explain.attribute_grid": {**along, "scores": score, "conditions": rows, "progress": False},
        "explain.benjamini_hochberg": {"p": torch.rand(3)},
        "explain.clip_reader": {"clip": run.clip, "texts": ["a red square"]},
        "explain.compare_statistics": {"statistics": torch.rand(2, 3, 2, 1).double(), "names": ["a"], "permutations": 9,
                                       "seed": 1},
        "explain.conditioning_locality": {**question, "log_snrs": [0.0], "draws": 2, "permutations": 9},
        "explain.contrast_prompts": {"prompt": PROMPT, "word": "red", "alternatives": ["blue"]},
        "explain.counterfactual": {**along, "condition": rows + 1, "changed": 0.1},
        "explain.decision_windows": {"source": world, "pictures": pictures, "prompt": PROMPT, "words": ["red"],
                                     "alternatives": ["green"], "seed": 1, "steps": 2},
        "explain.evidence": {**question, "paths": 2, "steps": 2},
        "explain.guidance_anatomy": {**along, "bands": 2},
        "explain.noise_bands": {**along, "bands": 2},
        "explain.guidance_information": {**along, "masks": torch.rand(2, 1, 8, 8)},
        "explain.guidance_sweep": {**along, "scales": [2.0], "bands": 2},
        "explain.guidance_windows": {**along, "values": [None, score], "seed": 1, "windows": 2},
        "explain.holm": {"p": torch.rand(3)},
        "explain.information_map": {**one, "references": versions, "paths": 1, "draws": 4, "levels": 2},
        "explain.inversion": {**one, "steps": [2], "seed": 1},
        "explain.inversion_stability": {"noise": SMALL, "inverted": SMALL},
        "explain.invert_ddim": {**one, "sigmas": SIGMAS, "refinements": 1},
        "explain.invert_edit_friendly": {**one, "sigmas": SIGMAS, "seed": 1, "sample_ids": [0, 1]},
        "explain.noise_statistics": {"noise": SMALL},
        "explain.methods": {},
        "explain.noise_sobol": {**along, "scores": score, "windows": 1},
        "explain.noise_tests": {"noise": SMALL},
        "explain.noise_tests of a trajectory": {"noise": trajectory, "progress": False},
        "explain.noise_tiles": {**along, "tile_px": 4, "redraws": 1},
        "explain.noise_transplant": {**along, "find": found, "donors": SMALL, "halo_px": 1},
        "explain.posterior_components": {"denoiser": denoiser, "x": SMALL, "sigma": torch.ones(2), "condition": rows,
                                         "iterations": 1},
        "explain.posterior_uncertainty": {**one, "log_snr": 0.0, "paths": 2, "iterations": 1},
        "explain.prediction_tests": {**along, "seed": 1, "group": 2, "permutations": 9},
        "explain.read_out": {"scores": torch.rand(2, 3, 2), "nulls": {"none": torch.rand(2, 9, 2)}, "seed": 1,
                             "permutations": 19},
        "explain.reconstruction_error": {"pictures": SMALL, "reconstructed": SMALL},
        "explain.replay": {"source": denoiser, "condition": rows, "inversion": inversion, "first_step": 1},
        "explain.report": {"model": model, "prompt": PROMPT, "out": folder + "/report", "picture": None,
                           "words": ["red"], "alternatives": ["green"], "labels": ["a", "b"],
                           "methods": ["trajectory_geometry"],
                           "settings": {"trajectory_geometry": {"tolerance": 0.2}}, "pictures": 2, "paths": 2,
                           "budget_seconds": 0.0, "seed": 1, "progress": False},
        "explain.rewind": {**along, **change},
        "explain.seed_share": {"trajectory": trajectory.rows([0, 1, 0]), "scores": score,
                               "conditions": torch.zeros(3, 1), "progress": False},
        "explain.seed_shares": {"grid": torch.rand(3, 3, 1)},
        "explain.share_of_change": {"change": torch.rand(2, 8, 8), "region": mask},
        "explain.smooth_deficit": {"noise": SMALL, "pictures": SMALL, "radius_px": 1},
        "explain.sobol_indices": {"a": torch.rand(4, 1), "b": torch.rand(4, 1), "mixed": torch.rand(2, 4, 1)},
        "explain.speciation_log_snr": {"pictures": SMALL},
        "explain.spectral_emergence": {**one, "bands": 2, "seed": 1, "steps": 2},
        "explain.tile_cover": {"mask": mask, "tile_px": 4},
        "explain.trajectory_geometry": {**along, "tolerance": 0.1},
        "explain.u_turn": {**one, "keeps": score, "paths": 1, "log_snrs": [0.0], "steps": 2, "seed": 1},
        "explain.u_turn_half_point": {"log_snrs": [-2.0, 2.0], "kept": torch.rand(2, 3, 1), "factor": 0,
                                      "chance": 0.1},
        "explain.word_scores": {**along, "reader": score, "progress": False},
        "explain.words_of": {"prompt": PROMPT, "vocabulary": ["red", "blue"]},
        "metric.best_iou": localisation,
        "metric.edge_maps": {"pictures": SMALL},
        "metric.faithfulness": {**scored, "removal": 0.0, "seed": 1, "shares": [0.0, 0.5, 1.0]},
        "metric.infidelity": {"score": score, "pictures": SMALL, "maps": SMALL, "perturbations": SMALL[None]},
        "metric.iou": {**localisation, "threshold": 0.5},
        "metric.localisation_auc": localisation,
        "metric.own_part": {"maps": maps[None]},
        "metric.pixel_flipping": {**scored, "removal": "noise", "seed": 1, "pixels_per_step": 32},
        "metric.pointing_game": localisation,
        "metric.random_maps": {"height": 2, "width": 2, "sample_ids": [0], "seed": 1},
        "metric.randomise_all": {"run": run, "maps": lambda d: maps[None], "shuffles": 1, "seed": 1},
        "metric.randomise_cascade": {"run": run, "maps": lambda d: maps[None], "seed": 1},
        "metric.relevance_mass": {**localisation, "maps": maps.abs()},
        "metric.relevance_rank": localisation,
        "metric.sensitivity": {"maps_of": lambda x: x[:, 0], "pictures": SMALL, "radius": 0.1, "draws": 1, "seed": 1},
    }


class Hostile:
    """Raises whenever it is looked at."""

    def __getattr__(self, name):
        raise ValueError("do not touch")


def raising(*arguments):
    raise ValueError("raised on purpose")


def endless():
    values = []
    values.append(values)
    return values


def hostile_values():
    """Everything that a caller should not pass, and some that is merely unusual."""
    tensors = [SMALL.half(), SMALL.long(), SMALL > 0, SMALL[:0], SMALL[0, 0, 0, 0], SMALL[:1], SMALL[..., :5],
               SMALL.permute(3, 2, 1, 0), SMALL.clone().requires_grad_(), SMALL * float("nan"), SMALL * 1e38,
               SMALL.to(torch.complex64), SMALL.to_sparse(), SMALL.to("meta"), torch.zeros(0), torch.ones(2, 0),
               torch.zeros(1, 2, 3, 4, 5), torch.zeros(2, 2 ** 12), torch.rand(2, 2, 2), torch.full((2,), -1.0)]
    callables = [raising, lambda *a: None, lambda *a: "text", lambda *a: torch.zeros(7, 5), lambda *a: torch.zeros(()),
                 lambda *a: a[0][:0] if a and isinstance(a[0], torch.Tensor) else 1, lambda: 0]
    others = [None, True, 0, -1, 2 ** 62, -2 ** 63, 2 ** 70, 1.5, float("nan"), float("inf"), 1j, "", "text", "\ud800",
              "\0", b"bytes", [], {}, (), [1, "a"], [None], ["text"] * 3, [[1.0, float("nan")]], [2 ** 40] * 4,
              endless(), range(3), {"a": 1}, {1: object()}, {"a": {"b": []}}, object(), Hostile(), int]
    return tensors + callables + [ns.denoiser(function) for function in callables] + others


def public_names():
    """Functions, classes and what can be called of them, as keys of the examples."""
    for prefix, module in MODULES.items():
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.ismodule(value) or isinstance(value, str):
                continue
            if not inspect.isclass(value):
                yield prefix + name, value
            elif not issubclass(value, BaseException) and (value is ns.Answer or not issubclass(value, ns.Answer)):
                yield prefix + name, value
                for member, attribute in vars(value).items():
                    if callable(getattr(attribute, "__func__", attribute)) and not member.startswith("_"):
                        yield f"{prefix}{name}.{member}", getattr(value, member)


def target(name, function, example):
    """What to call, and its valid arguments."""
    if isinstance(example, tuple):
        return getattr(example[0], name.rsplit(".", 1)[1]), example[1]
    return function, example


def draw_fields(answer, left):
    """Draws all that can be drawn of an answer's parts, and takes their classes off the names that are left."""
    answers = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else [answer]
    for result in answers:
        if isinstance(result, ns.Answer):
            for field in drawable(result):
                result.plot(field)
            left.discard(type(result).__name__)
    plt.close("all")


def problem(call, arguments):
    """What is wrong with how a call fails, "" if nothing."""
    try:
        call(**arguments)
    except EXPECTED as error:
        return "" if str(error) and "Exception raised from" not in str(error) else f"without a word: {error!r}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    return ""


def main(run_folder, folder):
    os.chdir(folder)
    valid_calls, values, choice = examples(ns.load(run_folder), folder), hostile_values(), random.Random(0)
    names = dict(public_names())
    problems = [f"{name} has no example" for name in names if name not in valid_calls]
    calls, not_drawn = 0, set(_core.answers)
    for name, example in valid_calls.items():
        if example is None:
            continue
        call, valid = target(name, names.get(name.split()[0]), example)
        draw_fields(call(**valid), not_drawn)
        for key in valid:
            for value in choice.sample(values, PER_ARGUMENT):
                said = f"{name}({key}={type(value).__name__} {ascii(str(value))[:60]})"
                print(said, file=sys.stderr, flush=True)
                faulthandler.dump_traceback_later(LONGEST, exit=True)
                wrong = problem(call, {**valid, key: value})
                calls += 1
                problems += [f"{said}: {wrong}"] if wrong else []
    problems += [f"no example gives a {name}" for name in not_drawn]
    json.dump({"calls": calls, "problems": problems}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
