"""Methods that ask a denoiser about pictures, generated or not. `noisescope.explain` has them all.

`source`: a model (a world, a run, anything `ModelLike`) or a denoiser. Pictures [B, C, H, W]. `paths` noising paths a
picture: answers have B paths rows, the paths of a picture one after another, and `answer.average(paths)` joins them.
Row b takes noise (seed, sample_ids[b]), default b. A model asks no noise level beyond those that it knows.
"""

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple, Unpack

import torch
from torch import Tensor

from noisescope import _core
from noisescope._answers import (
    ConditioningLocality, DecisionWindows, EditFriendlyInversion, EmergenceOfPictures, Evidence, InformationMaps,
    InversionOfPictures, PosteriorComponents, UncertaintyAtLevel, UTurns)
from noisescope._arguments import Ids, Score, Watch, columns, denoiser_of, noise_of, texts_of, version_of
from noisescope._core import Denoiser
from noisescope._keywords import default_of, takes_options
from noisescope._options import (
    DdimInversionOptions, DecisionWindowsOptions, EvidenceOptions, InformationOptions, InversionOptions,
    LocalityOptions, SpectralEmergenceOptions, UncertaintyOptions, UTurnOptions)
from noisescope.errors import ModelError
from noisescope.model import Model, ModelLike, parts_of
from noisescope.pictures import pictures_of, tensor_of
from noisescope.progress import sink

MOST_PATHS = 1_000_000
Source = ModelLike | Denoiser
Prompts = str | Sequence[str] | None


class _Asked(NamedTuple):
    """What a method is asked about: each picture `paths` times, and the noise of each row."""

    denoiser: Denoiser
    model: Model | None
    pictures: Tensor
    noise: _core.PathNoise
    paths: int

    def rows(self, given: Any, prompt: Prompts) -> Tensor:
        """[B paths, D]: the condition given, of a prompt for all, of a prompt a picture, or of no prompt."""
        if given is not None:
            return tensor_of(given, "condition").repeat_interleave(self.paths, 0)
        known = self.known("condition")
        if prompt is None or isinstance(prompt, str):
            return known.condition(prompt or "").expand(len(self.pictures), -1)
        return known.condition(prompt).repeat_interleave(self.paths, 0)

    def versions(self, prompt: Prompts, word: str | None, alternatives: str | Sequence[str] | None, conditions: Any,
                 true_version: Any) -> tuple[Tensor, Tensor]:
        """[K, B paths, D] and [B paths]: the versions of a word, and the true one of each picture."""
        if conditions is not None:
            own = version_of(0 if true_version is None else true_version, len(self.pictures) // self.paths)
            return (tensor_of(conditions, "conditions").repeat_interleave(self.paths, 1),
                    own.repeat_interleave(self.paths))
        if prompt is None or word is None:
            raise TypeError("expected a prompt and a word of it, or conditions [K, B, D]")
        known, count = self.known("conditions"), len(self.pictures)
        prompts = [prompt] * (count // self.paths) if isinstance(prompt, str) else list(prompt)
        contrasts = {one: known.contrasts(one, word, alternatives or ())[0] for one in dict.fromkeys(prompts)}
        rows = {one: known.condition(contrast.prompts) for one, contrast in contrasts.items()}
        own = version_of([contrasts[one].true_version for one in prompts], count // self.paths)
        return (torch.stack([rows[one] for one in prompts], 1).repeat_interleave(self.paths, 1),
                own.repeat_interleave(self.paths))

    def kind(self, prompt: Prompts, word: str | None, alternatives: str | Sequence[str] | None) -> str:
        """That of the word in its vocabulary, "colour"; "" where there is none."""
        if self.model is None or prompt is None or word is None:
            return ""
        return self.model.contrasts(prompt if isinstance(prompt, str) else prompt[0], word, alternatives or ())[0].kind

    def at(self, rows: Tensor) -> Tensor:
        """The pictures on the device of the condition, where the denoiser computes."""
        return self.pictures.to(rows.device)

    def known(self, name: str) -> Model:
        """The model. Raises TypeError for a denoiser alone."""
        if self.model is None:
            raise TypeError(f"expected {name} beside a denoiser, which knows no prompts; or pass a model")
        return self.model

    def last_level(self, table: str, options: Any) -> None:
        """Ends `log_snr_max` where the model does, unless it is given."""
        if self.model and "log_snr_max" not in options:
            options["log_snr_max"] = min(default_of(table, "log_snr_max"), self.model.log_snr_max)


def _asked(source: Source, pictures: Any, seed: int, sample_ids: Ids = None, paths: int = 1,
           mean: bool = True) -> _Asked:
    denoiser, model = parts_of(source)
    paths = operator.index(paths)
    if not 1 <= paths <= MOST_PATHS:
        raise ValueError(f"expected 1 to {MOST_PATHS} paths, got {paths}")
    if mean and model and not model.is_posterior_mean:
        raise ModelError("expected a model whose denoiser estimates the mean of the clean picture; this one's does not")
    batch = pictures_of(pictures).repeat_interleave(paths, 0)
    return _Asked(denoiser, model, batch, noise_of(seed, sample_ids, len(batch)), paths)


@takes_options("evidence")
def evidence(source: Source, pictures: Any, prompt: Prompts = None, *, word: str | None = None,
             alternatives: str | Sequence[str] | None = None, paths: int = 1, conditions: Any = None,
             true_version: Any = None, seed: int = 0, sample_ids: Ids = None, progress: Watch = None,
             **options: Unpack[EvidenceOptions]) -> Evidence:
    """Evidence filtering: which pixels, at which noise level, decided a word against its alternatives, in nats.

    `prompt` (one for all or one a picture) with its `word` and the alternatives, which a world knows; or `conditions`
    [K, B, D]: the prompt with each version, and `true_version` [B] (or one int, default 0). K evaluations a step. A
    run's calibration counts where it is needed, unless `calibrated=False`.
    """
    asked = _asked(source, pictures, seed, sample_ids, paths)
    asked.last_level("evidence", options)
    rows, own = asked.versions(prompt, word, alternatives, conditions, true_version)
    kind = "" if conditions is not None else asked.kind(prompt, word, alternatives)
    return _core.evidence(asked.denoiser, asked.at(rows), rows, own, asked.model._model if asked.model else None, kind,
                          asked.noise, options, sink(progress))


@takes_options("conditioning_locality")
def conditioning_locality(source: Source, pictures: Any, prompt: Prompts = None, *, word: str | None = None,
                          alternatives: str | Sequence[str] | None = None, conditions: Any = None,
                          true_version: Any = None, seed: int = 0, sample_ids: Ids = None, progress: Watch = None,
                          **options: Unpack[LocalityOptions]) -> ConditioningLocality:
    """Which pixels' denoising depends on a word, at which level, against an exact permutation null. Word and versions
    as in `evidence`."""
    asked = _asked(source, pictures, seed, sample_ids, mean=False)
    if asked.model and "log_snrs" not in options:
        levels = default_of("conditioning_locality", "log_snrs")
        options["log_snrs"] = [level for level in levels if level <= asked.model.log_snr_max]
    rows, own = asked.versions(prompt, word, alternatives, conditions, true_version)
    return _core.conditioning_locality(asked.denoiser, asked.at(rows), rows, own, asked.noise, options, sink(progress))


@takes_options("information_map")
def information_map(source: Source, pictures: Any, prompt: Prompts = None, *, words: str | Sequence[str] = (),
                    alternatives: str | Sequence[str] = (), paths: int = 1, condition: Any = None,
                    references: Any = None, seed: int = 0, sample_ids: Ids = None, progress: Watch = None,
                    **options: Unpack[InformationOptions]) -> InformationMaps:
    """Nats a pixel that the prompt, or a word of it, says (Kong et al. 2024, arXiv:2310.07972).

    Of a prompt: against no prompt, then against the prompt less each of `words`. Or condition [B, D] and references
    [R, B, D]. On a network the total may exceed what is possible: look at kappa, 1 where it is calibrated.
    """
    asked = _asked(source, pictures, seed, sample_ids, paths)
    if asked.model and "log_snr_max" not in options:
        options["log_snr_max"] = min(default_of("evidence", "log_snr_max"), asked.model.log_snr_max)
    rows = asked.rows(condition, prompt)
    if references is not None:
        against = tensor_of(references, "references").repeat_interleave(paths, 1)
    else:
        known = asked.known("references")
        lesser: list[str | list[str]] = [""]
        for word in texts_of(words):
            prompts = texts_of(prompt or "")
            less = [known._model.prompt_without(one, word, texts_of(alternatives)) for one in prompts]
            lesser.append(less if not isinstance(prompt, str) else less[0])
        against = torch.stack([asked.rows(None, one) for one in lesser])
    return _core.information_map(asked.denoiser, asked.at(rows), rows, against, asked.noise, options, sink(progress))


@takes_options("u_turn")
def u_turn(source: Source, pictures: Any, prompt: Prompts = None, *, keeps: Score | None = None,
           labels: str | Sequence[str] = (), paths: int = 1, condition: Any = None, seed: int = 0,
           sample_ids: Ids = None, progress: Watch = None, **options: Unpack[UTurnOptions]) -> UTurns:
    """Noise to a level, regenerate, see what survives (Sclocchi et al. 2024, arXiv:2402.16991).

    `keeps(regenerated)` gives [B paths] or [B paths, F] in [0, 1]: what each kept of its original; default: whether the
    model's factors (`Model.factors`, with `labels` where no parser reads them) read the same. The way back is without
    prompt unless one is given.
    """
    asked = _asked(source, pictures, seed, sample_ids, paths)
    if asked.model and "log_snr_end" not in options:
        levels = options.get("log_snrs", default_of("u_turn", "log_snrs"))
        end = min(default_of("u_turn", "log_snr_end"), asked.model.log_snr_max)
        options["log_snr_end"] = max(end, levels[-1] + 1) if len(levels) else end
    if keeps is None:
        read = asked.known("keeps").factors(labels).read
        original = read(asked.pictures)
        keeps = lambda regenerated: (read(regenerated) == original).double()
    rows = asked.rows(condition, prompt)
    return _core.u_turn(asked.denoiser, asked.at(rows), rows, columns(keeps), asked.noise, options, sink(progress))


@takes_options("posterior_uncertainty")
def posterior_uncertainty(source: Source, pictures: Any, prompt: Prompts = None, *, log_snr: float = -3.0,
                          paths: int = 1, condition: Any = None, seed: int = 0, sample_ids: Ids = None,
                          progress: Watch = None, **options: Unpack[UncertaintyOptions]) -> UncertaintyAtLevel:
    """What the model is still undecided about once a picture is noised to a level: principal components of x_0 given
    the noisy picture (Manor & Michaeli 2024, arXiv:2309.13598)."""
    asked = _asked(source, pictures, seed, sample_ids, paths)
    rows = asked.rows(condition, prompt)
    return _core.posterior_uncertainty(asked.denoiser, asked.at(rows), log_snr, rows, asked.noise, options,
                                       sink(progress))


@takes_options("posterior_uncertainty")
def posterior_components(denoiser: Denoiser, x: Any, sigma: Any, condition: Any, *, seed: int = 0,
                         sample_ids: Ids = None, progress: Watch = None,
                         **options: Unpack[UncertaintyOptions]) -> PosteriorComponents:
    """The components of `posterior_uncertainty` of noisy pictures x [B, C, H, W] at sigma [B]."""
    batch = pictures_of(x, "x")
    return _core.posterior_components(denoiser_of(denoiser), batch, tensor_of(sigma, "sigma"),
                                      tensor_of(condition, "condition"), noise_of(seed, sample_ids, len(batch)),
                                      options, sink(progress))


@takes_options("spectral_emergence")
def spectral_emergence(source: Source, pictures: Any, prompt: Prompts = None, *, condition: Any = None, seed: int = 0,
                       progress: Watch = None, **options: Unpack[SpectralEmergenceOptions]) -> EmergenceOfPictures:
    """When each spatial frequency comes out of the noise, along noising paths of at least 2 pictures; `predicted` is
    what Gaussian pictures obey (Falck et al. 2025, arXiv:2505.11278)."""
    asked = _asked(source, pictures, seed, mean=False)
    last = asked.model.log_snr_max if asked.model else float("inf")
    rows = asked.rows(condition, prompt)
    return _core.spectral_emergence(asked.denoiser, asked.at(rows), rows, last, asked.noise, options, sink(progress))


@takes_options("inversion")
def inversion(source: Source, pictures: Any, prompt: Prompts = None, *, condition: Any = None, seed: int = 0,
              progress: Watch = None, **options: Unpack[InversionOptions]) -> InversionOfPictures:
    """The noise that leads to given pictures, by DDIM with several numbers of steps and by edit-friendly inversion, and
    how well each leads back."""
    asked = _asked(source, pictures, seed, mean=False)
    rows = asked.rows(condition, prompt)
    return _core.inversion(asked.denoiser, asked.at(rows), rows, asked.model._model if asked.model else None,
                           asked.noise, options, sink(progress))


@takes_options("decision_windows")
def decision_windows(source: ModelLike, pictures: Any, prompt: str, *, words: str | Sequence[str] = (),
                     alternatives: str | Sequence[str] = (), seed: int = 0, progress: Watch = None,
                     **options: Unpack[DecisionWindowsOptions]) -> DecisionWindows:
    """At which noise levels the prompt of the pictures is decided, over all of its words (or these)."""
    asked = _asked(source, pictures, seed)
    known = asked.known("a model")
    return _core.decision_windows(known._model, asked.at(known.condition(prompt)), prompt, texts_of(words),
                                  texts_of(alternatives), asked.noise, options, sink(progress))


@takes_options("invert_ddim")
def invert_ddim(source: Source, pictures: Any, condition: Any, sigmas: Sequence[float], *, progress: Watch = None,
                **options: Unpack[DdimInversionOptions]) -> Tensor:
    """x at sigmas[0] from which DDIM draws the pictures, nearly (error of first order in the step)."""
    return _core.invert_ddim(parts_of(source)[0], pictures_of(pictures), tensor_of(condition, "condition"),
                             list(sigmas), options, sink(progress))


def invert_edit_friendly(source: Source, pictures: Any, condition: Any, sigmas: Sequence[float], *, seed: int = 0,
                         sample_ids: Ids = None, progress: Watch = None) -> EditFriendlyInversion:
    """Noise for every step with which the ancestral sampler draws the pictures (Huberman-Spiegelglas et al. 2024,
    arXiv:2304.06140). `replay` draws them again, or an edit of them."""
    batch = pictures_of(pictures)
    return _core.invert_edit_friendly(parts_of(source)[0], batch, tensor_of(condition, "condition"), list(sigmas),
                                      noise_of(seed, sample_ids, len(batch)), sink(progress))


def replay(source: Source, condition: Any, inversion: EditFriendlyInversion, *, first_step: int = 0,
           progress: Watch = None) -> Tensor:
    """The pictures of an inversion, to rounding, under its own condition; an edit under another one."""
    if not isinstance(inversion, EditFriendlyInversion):
        raise TypeError(f"expected an EditFriendlyInversion for inversion, got {type(inversion).__name__}")
    return _core.replay(parts_of(source)[0], tensor_of(condition, "condition"), inversion.sigmas, inversion.states,
                        inversion.noises, inversion.remainder, first_step, sink(progress))
