"""What methods answer, with dimensions and units. Made by tools/make_answer_types.py: do not edit."""

from dataclasses import dataclass, field

from torch import Tensor

from noisescope.answer import Answer, note


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class ScheduleTables(Answer):
    """sigma, beta, alpha_bar."""

    sigma: Tensor = field(metadata=note("timestep", "pixel units"))
    """[timestep] pixel units: noise level sqrt((1 - alpha_bar) / alpha_bar)"""
    beta: Tensor = field(metadata=note("timestep", ""))
    """[timestep]: variance that a step adds"""
    alpha_bar: Tensor = field(metadata=note("timestep", ""))
    """[timestep]: share of the signal's variance"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class PromptContrast(Answer):
    """word, values, prompts, true_version, position, kind."""

    word: str = field(metadata=note("", ""))
    """as it stands in the prompt"""
    values: list[str] = field(metadata=note("version", ""))
    """[version]: versions of the word"""
    prompts: list[str] = field(metadata=note("version", ""))
    """[version]: the prompt with each"""
    true_version: int = field(metadata=note("", ""))
    """which of them is the prompt itself"""
    position: int = field(metadata=note("", ""))
    """where the word begins in the prompt"""
    kind: str = field(metadata=note("", ""))
    """of the word, where a vocabulary knows it, else empty"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class Evidence(Answer):
    """log_snrs, decision, map, expected_total, compensated, realised, profile, entropy, entropy_rate, half_points,
    realised_total, completeness_gap, log_posterior, true_version, claimed_decision, claimed_half_points."""

    log_snrs: list[float] = field(metadata=note("level", "nats"))
    """[level] nats: noise levels, from noise to picture"""
    decision: Tensor = field(metadata=note("level picture", "probability", x="log_snrs", higher="nearer to decided"))
    """[level, picture] probability: of the true version, given the path so far; higher: nearer to decided"""
    map: Tensor = field(metadata=note("picture y x", "nats per pixel", null=0.0, higher="spoke more for the word",
        is_signed=True))
    """[picture, y, x] nats per pixel: where the word was decided; sums to realised_total; null value 0; higher: spoke
    more for the word"""
    expected_total: Tensor = field(metadata=note("picture", "nats", null=0.0))
    """[picture] nats: sum of the compensated map: what the path was expected to decide; null value 0"""
    compensated: Tensor = field(metadata=note("picture y x", "nats per pixel", null=0.0))
    """[picture, y, x] nats per pixel: what each step was expected to say for the true version; null value 0"""
    realised: Tensor = field(metadata=note("picture y x", "nats per pixel", null=0.0, higher="spoke more for the word",
        is_signed=True))
    """[picture, y, x] nats per pixel: what each step said; sums to what was decided; null value 0; higher: spoke more
    for the word"""
    profile: Tensor = field(metadata=note("step picture", "nats per step", x="log_snrs", null=0.0))
    """[step, picture] nats per step: compensated, by noise level; null value 0"""
    entropy: Tensor = field(metadata=note("level picture", "nats", x="log_snrs"))
    """[level, picture] nats: what is still open of the versions"""
    entropy_rate: Tensor = field(metadata=note("step picture", "nats per log-SNR", x="log_snrs", null=0.0))
    """[step, picture] nats per log-SNR: the decision window; null value 0"""
    half_points: Tensor = field(metadata=note("picture", "log-SNR"))
    """[picture] log-SNR: from which the decision stays above half way; NaN: never"""
    realised_total: Tensor = field(metadata=note("picture", "nats", null=0.0))
    """[picture] nats: what was decided, at most ln K; null value 0"""
    completeness_gap: Tensor = field(metadata=note("picture", "nats", null=0.0))
    """[picture] nats: sum of the realised map less its total; null value 0"""
    log_posterior: Tensor = field(metadata=note("level picture version", "nats", x="log_snrs"))
    """[level, picture, version] nats: ln p of each version, given the path so far"""
    true_version: Tensor = field(metadata=note("picture", ""))
    """[picture]: the version that is true"""
    claimed_decision: Tensor = field(metadata=note("level picture", "probability", x="log_snrs",
        higher="nearer to decided"))
    """[level, picture] probability: decision as the model claims it, not calibrated; higher: nearer to decided"""
    claimed_half_points: Tensor = field(metadata=note("picture", "log-SNR"))
    """[picture] log-SNR: half_points of the claimed decision; NaN: never"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class InformationMaps(Answer):
    """edges, map, signed_map, profile, signed_profile, kappa, kappa_error, total, signed_total."""

    edges: list[float] = field(metadata=note("edge", "nats"))
    """[edge] nats: log-SNR between the cells of profiles"""
    map: Tensor = field(metadata=note("reference picture y x", "nats per pixel", null=0.0))
    """[reference, picture, y, x] nats per pixel: what the prompt says against each reference; null value 0"""
    signed_map: Tensor = field(metadata=note("reference picture y x", "nats per pixel", null=0.0, is_signed=True))
    """[reference, picture, y, x] nats per pixel: the same from the errors of both predictions; null value 0"""
    profile: Tensor = field(metadata=note("reference cell picture", "nats per cell", x="edges", null=0.0))
    """[reference, cell, picture] nats per cell: the map, by noise level; null value 0"""
    signed_profile: Tensor = field(metadata=note("reference cell picture", "nats per cell", x="edges", null=0.0,
        is_signed=True))
    """[reference, cell, picture] nats per cell: the signed map, by noise level; null value 0"""
    kappa: Tensor = field(metadata=note("reference cell", "", x="edges", error="kappa_error", null=1.0))
    """[reference, cell]: weight of guidance that fits best; below 1 the network overclaims; NaN: nothing said; null
    value 1"""
    kappa_error: Tensor = field(metadata=note("reference cell", "", x="edges"))
    """[reference, cell]: standard error of kappa; NaN: too few draws"""
    total: Tensor = field(metadata=note("reference picture", "nats", null=0.0))
    """[reference, picture] nats: sum of the map; null value 0"""
    signed_total: Tensor = field(metadata=note("reference picture", "nats", null=0.0))
    """[reference, picture] nats: sum of the signed map; null value 0"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class UTurns(Answer):
    """log_snrs, kept, retention, susceptibility."""

    log_snrs: list[float] = field(metadata=note("level", "nats"))
    """[level] nats: turning points"""
    kept: Tensor = field(metadata=note("level picture factor", "share", x="log_snrs", higher="decided earlier"))
    """[level, picture, factor] share: what each regenerated picture kept of its original; higher: decided earlier"""
    retention: Tensor = field(metadata=note("level factor", "share", x="log_snrs"))
    """[level, factor] share: kept, mean over the pictures"""
    susceptibility: Tensor = field(metadata=note("level picture y x", "pixel units squared", x="log_snrs", null=0.0))
    """[level, picture, y, x] pixel units squared: squared change of each pixel, mean over channels; null value 0"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class ConditioningLocality(Answer):
    """log_snrs, change, dependent, corrected, p, squared_change."""

    log_snrs: list[float] = field(metadata=note("level", "nats"))
    """[level] nats: noise levels"""
    change: Tensor = field(metadata=note("level picture y x", "pixel units", x="log_snrs", null=0.0,
        higher="depends more on the word"))
    """[level, picture, y, x] pixel units: how far the word moves the estimate alike in every draw; null value 0;
    higher: depends more on the word"""
    dependent: Tensor = field(metadata=note("level picture y x", ""))
    """[level, picture, y, x]: whether a pixel depends on the word"""
    corrected: Tensor = field(metadata=note("level picture y x", "p-value"))
    """[level, picture, y, x] p-value: Benjamini-Hochberg over the pixels of a picture and level"""
    p: Tensor = field(metadata=note("level picture y x", "p-value"))
    """[level, picture, y, x] p-value: uniform where the versions make no difference"""
    squared_change: Tensor = field(metadata=note("level picture y x", "pixel units squared", x="log_snrs", null=0.0))
    """[level, picture, y, x] pixel units squared: mean over draws and versions; null value 0"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class UncertaintyAtLevel(Answer):
    """log_snr, variances, directions, noisy, estimate."""

    log_snr: float = field(metadata=note("", "nats"))
    """nats: the noise level"""
    variances: Tensor = field(metadata=note("component picture", "pixel units squared"))
    """[component, picture] pixel units squared: of x_0 along each direction, falling"""
    directions: Tensor = field(metadata=note("component picture channel y x", ""))
    """[component, picture, channel, y, x]: orthonormal for each picture"""
    noisy: Tensor = field(metadata=note("picture channel y x", "pixel units"))
    """[picture, channel, y, x] pixel units: the noise draws"""
    estimate: Tensor = field(metadata=note("picture channel y x", "pixel units"))
    """[picture, channel, y, x] pixel units: the clean estimate of the first"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class PosteriorComponents(Answer):
    """variances, directions."""

    variances: Tensor = field(metadata=note("component picture", "pixel units squared"))
    """[component, picture] pixel units squared: of x_0 along each direction, falling"""
    directions: Tensor = field(metadata=note("component picture channel y x", ""))
    """[component, picture, channel, y, x]: orthonormal for each picture"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class EmergenceOfPictures(Answer):
    """log_snrs, coherence, measured, spectrum, predicted."""

    log_snrs: list[float] = field(metadata=note("step", "nats"))
    """[step] nats: noise levels"""
    coherence: Tensor = field(metadata=note("step band", "", x="log_snrs", null=0.0))
    """[step, band]: squared coherence of estimate and picture; null value 0"""
    measured: Tensor = field(metadata=note("band", "log-SNR"))
    """[band] log-SNR: from which the coherence stays above 1/2; infinity: never"""
    spectrum: Tensor = field(metadata=note("band", "pixel units squared"))
    """[band] pixel units squared: variance of a coefficient"""
    predicted: Tensor = field(metadata=note("band", "log-SNR"))
    """[band] log-SNR: at which the SNR of a band is 1"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class InversionOfPictures(Answer):
    """steps, ddim_error, edit_friendly_error, noise_size, smooth_deficit, noise, states."""

    steps: list[int] = field(metadata=note("count", "steps"))
    """[count] steps: of DDIM inversion"""
    ddim_error: Tensor = field(metadata=note("count picture", "pixel units", x="steps", null=0.0))
    """[count, picture] pixel units: root mean square error of the reconstruction; null value 0"""
    edit_friendly_error: Tensor = field(metadata=note("picture", "pixel units", null=0.0))
    """[picture] pixel units: the same of the edit-friendly inversion; null value 0"""
    noise_size: Tensor = field(metadata=note("picture", "", null=1.0))
    """[picture]: root mean square of the noise that DDIM finds; null value 1"""
    smooth_deficit: Tensor = field(metadata=note("picture", "log ratio", null=0.0, is_signed=True))
    """[picture] log ratio: variance of that noise on smooth over other pixels; NaN: not both are there; null value
    0"""
    noise: Tensor = field(metadata=note("picture channel y x", "", is_signed=True))
    """[picture, channel, y, x]: that DDIM inversion finds"""
    states: Tensor = field(metadata=note("step picture channel y x", "pixel units"))
    """[step, picture, channel, y, x] pixel units: of the edit-friendly inversion"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class EditFriendlyInversion(Answer):
    """sigmas, states, noises, remainder."""

    sigmas: list[float] = field(metadata=note("edge", "pixel units"))
    """[edge] pixel units: noise levels, the last 0"""
    states: Tensor = field(metadata=note("step picture channel y x", "pixel units"))
    """[step, picture, channel, y, x] pixel units: noisy pictures at each level but the last"""
    noises: Tensor = field(metadata=note("injection picture channel y x", ""))
    """[injection, picture, channel, y, x]: of every step but the last, which injects none"""
    remainder: Tensor = field(metadata=note("picture channel y x", "pixel units"))
    """[picture, channel, y, x] pixel units: picture less the last estimate"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class DecisionWindows(Answer):
    """log_snrs, nats, total."""

    log_snrs: list[float] = field(metadata=note("step", "nats"))
    """[step] nats: middles of the steps"""
    nats: list[float] = field(metadata=note("step", "nats per step", x="log_snrs", null=0.0, is_signed=True))
    """[step] nats per step: decided in the step, mean over the pictures, sum over the words; null value 0"""
    total: float = field(metadata=note("", "nats", null=0.0))
    """nats: decided in all; at most the entropy of the words; null value 0"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class GuidanceInformation(Answer):
    """unit, covered_share, log_snrs, map, profile, density, level_shares, total, half_points, regions,
    region_shares."""

    unit: str = field(metadata=note("", ""))
    """nats, or guidance_energy where guidance shaped the noisy pictures"""
    covered_share: float = field(metadata=note("", "share"))
    """share: of the log-SNR range, where both branches were evaluated"""
    log_snrs: list[float] = field(metadata=note("step", "nats"))
    """[step] nats: noise levels of the evaluations"""
    map: Tensor = field(metadata=note("picture y x", "guidance energy per pixel", null=0.0))
    """[picture, y, x] guidance energy per pixel: what the prompt added; null value 0"""
    profile: Tensor = field(metadata=note("step picture", "guidance energy per step", x="log_snrs", null=0.0))
    """[step, picture] guidance energy per step: the map, by noise level; null value 0"""
    density: Tensor = field(metadata=note("step picture", "guidance energy per log-SNR", x="log_snrs", null=0.0))
    """[step, picture] guidance energy per log-SNR: profile over the width of its cell; null value 0"""
    level_shares: Tensor = field(metadata=note("step picture", "share", x="log_snrs"))
    """[step, picture] share: of each step in the total"""
    total: Tensor = field(metadata=note("picture", "guidance energy", null=0.0))
    """[picture] guidance energy: sum of the map; null value 0"""
    half_points: Tensor = field(metadata=note("picture", "log-SNR"))
    """[picture] log-SNR: at which half of the total is reached; NaN: no total"""
    regions: Tensor | None = field(default=None, metadata=note("step picture region", "guidance energy", x="log_snrs"))
    """[step, picture, region] guidance energy: the profile inside each mask"""
    region_shares: Tensor | None = field(default=None, metadata=note("picture region", "share"))
    """[picture, region] share: of each region in the total"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class GuidanceAnatomy(Answer):
    """log_snrs, norm, cosine, parallel_share, bands."""

    log_snrs: list[float] = field(metadata=note("step", "nats"))
    """[step] nats: noise levels where both branches were evaluated"""
    norm: Tensor = field(metadata=note("step picture", "pixel units", x="log_snrs", null=0.0))
    """[step, picture] pixel units: norm of D_c - D_u; null value 0"""
    cosine: Tensor = field(metadata=note("step picture", "", x="log_snrs", null=0.0, is_signed=True))
    """[step, picture]: of eps_c - eps_u with eps_u; null value 0"""
    parallel_share: Tensor = field(metadata=note("step picture", "share", x="log_snrs"))
    """[step, picture] share: of |D_c - D_u|^2 along the estimate; it saturates colours"""
    bands: Tensor = field(metadata=note("step picture band", "share", x="log_snrs"))
    """[step, picture, band] share: of |D_c - D_u|^2 in bands of radial frequency, rising"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class NoiseBands(Answer):
    """log_snrs, energy, energy_unprompted."""

    log_snrs: list[float] = field(metadata=note("step", "nats"))
    """[step] nats: noise levels of the steps"""
    energy: Tensor = field(metadata=note("step picture band", "", x="log_snrs", null=1.0, higher="more like noise"))
    """[step, picture, band]: mean energy of a coefficient of the noise predicted with prompt; null value 1; higher:
    more like noise"""
    energy_unprompted: Tensor = field(metadata=note("step picture band", "", x="log_snrs", null=1.0,
        higher="more like noise"))
    """[step, picture, band]: the same without prompt; null value 1; higher: more like noise"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class TrajectoryGeometry(Answer):
    """log_snrs, plane_energy, angle, turning, speed, commitment."""

    log_snrs: list[float] = field(metadata=note("step", "nats"))
    """[step] nats: noise levels of the steps"""
    plane_energy: Tensor = field(metadata=note("picture", "share",
        higher="nearer to a plain rotation from noise to picture"))
    """[picture] share: of the energy in the plane of first noise and picture; higher: nearer to a plain rotation from
    noise to picture"""
    angle: Tensor = field(metadata=note("step picture", "degrees", x="log_snrs", null=0.0))
    """[step, picture] degrees: from the first state; null value 0"""
    turning: Tensor = field(metadata=note("turn picture", "degrees", x="log_snrs", null=0.0))
    """[turn, picture] degrees: between successive moves; null value 0"""
    speed: Tensor = field(metadata=note("move picture", "pixel units per log-SNR", x="log_snrs"))
    """[move, picture] pixel units per log-SNR: change of the clean estimate"""
    commitment: Tensor = field(metadata=note("picture y x", "log-SNR"))
    """[picture, y, x] log-SNR: from which a pixel stays as it ends"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class NoiseOfTrajectory(Answer):
    """names, first_noise, injected_noise, log_snrs, predicted_size, predicted_size_unprompted."""

    names: list[str] = field(metadata=note("test", ""))
    """[test]: the tests"""
    first_noise: Tensor = field(metadata=note("test", "p-value", names="names"))
    """[test] p-value: of the first noise, corrected (Holm)"""
    injected_noise: Tensor | None = field(default=None, metadata=note("test", "p-value", names="names"))
    """[test] p-value: of the injected noise, corrected (Holm)"""
    log_snrs: list[float] = field(metadata=note("step", "nats"))
    """[step] nats: noise levels of the steps"""
    predicted_size: Tensor = field(metadata=note("step picture", "", x="log_snrs", null=1.0))
    """[step, picture]: root mean square of the noise predicted with prompt; null value 1"""
    predicted_size_unprompted: Tensor = field(metadata=note("step picture", "", x="log_snrs", null=1.0))
    """[step, picture]: the same without prompt; null value 1"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class PredictionTests(Answer):
    """names, z, corrected, p."""

    names: list[str] = field(metadata=note("statistic", ""))
    """[statistic]: the statistics of predicted noise"""
    z: Tensor = field(metadata=note("step statistic", "standard deviations", null=0.0, is_signed=True))
    """[step, statistic] standard deviations: under the own prompt against permuted ones; null value 0"""
    corrected: Tensor = field(metadata=note("step statistic", "p-value"))
    """[step, statistic] p-value: corrected over all steps and statistics (max T)"""
    p: Tensor = field(metadata=note("step statistic", "p-value"))
    """[step, statistic] p-value: two-sided, each test alone"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class WindowAttribution(Answer):
    """edges, shapley, knock_out, alone."""

    edges: list[float] = field(metadata=note("edge", "nats"))
    """[edge] nats: log-SNR between the windows, from noise to picture"""
    shapley: Tensor = field(metadata=note("picture window", "value", x="edges", null=0.0,
        higher="the window matters more", is_signed=True))
    """[picture, window] value: what a window adds, averaged over all orders; sums to what the prompt did; null value
    0; higher: the window matters more"""
    knock_out: Tensor = field(metadata=note("picture window", "value", x="edges", null=0.0, is_signed=True))
    """[picture, window] value: what is lost without the window; null value 0"""
    alone: Tensor = field(metadata=note("picture window", "value", x="edges", null=0.0, is_signed=True))
    """[picture, window] value: what the window adds alone; null value 0"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class GuidanceSweep(Answer):
    """scales, gain, reference."""

    scales: list[float] = field(metadata=note("scale", ""))
    """[scale]: guidance scales"""
    gain: Tensor = field(metadata=note("scale picture band", "", names="scales", null=1.0, higher="amplified"))
    """[scale, picture, band]: energy of each band of radial frequency over that at scale 1; null value 1; higher:
    amplified"""
    reference: Tensor = field(metadata=note("picture band", "pixel units squared"))
    """[picture, band] pixel units squared: energy at scale 1"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class Counterfactual(Answer):
    """pictures, altered, change, changed."""

    pictures: Tensor = field(metadata=note("picture channel y x", "pixel units"))
    """[picture, channel, y, x] pixel units: as prompted"""
    altered: Tensor = field(metadata=note("picture channel y x", "pixel units"))
    """[picture, channel, y, x] pixel units: from the same noise, with the word changed"""
    change: Tensor = field(metadata=note("picture y x", "pixel units squared", null=0.0))
    """[picture, y, x] pixel units squared: squared difference, summed over channels; null value 0"""
    changed: Tensor = field(metadata=note("picture y x", ""))
    """[picture, y, x]: whether the change of a pixel exceeds the option"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class Rewound(Answer):
    """unaltered, altered, change, divergence."""

    unaltered: Tensor = field(metadata=note("picture channel y x", "pixel units"))
    """[picture, channel, y, x] pixel units: nothing changed"""
    altered: Tensor = field(metadata=note("picture channel y x", "pixel units"))
    """[picture, channel, y, x] pixel units: with the change"""
    change: Tensor = field(metadata=note("picture y x", "pixel units squared", null=0.0))
    """[picture, y, x] pixel units squared: squared difference, summed over channels; null value 0"""
    divergence: Tensor = field(metadata=note("step picture", "pixel units", null=0.0))
    """[step, picture] pixel units: root mean square difference of the clean estimates; null value 0"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class NoiseSobol(Answer):
    """first_steps, total, total_error, first, first_error."""

    first_steps: list[int] = field(metadata=note("edge", "step"))
    """[edge] step: first ones of the windows, players 1 ..., and the end; player 0 is the first noise"""
    total: Tensor = field(metadata=note("player score", "share", error="total_error", null=0.0, higher="decided more"))
    """[player, score] share: of the variance that a player decides with all interactions; NaN: no variance; null value
    0; higher: decided more"""
    total_error: Tensor = field(metadata=note("player score", "share"))
    """[player, score] share: standard error; NaN: no variance"""
    first: Tensor = field(metadata=note("player score", "share", error="first_error", null=0.0, higher="decided more"))
    """[player, score] share: of the variance that a player decides alone; NaN: no variance; null value 0; higher:
    decided more"""
    first_error: Tensor = field(metadata=note("player score", "share"))
    """[player, score] share: standard error; NaN: no variance"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class NoiseTiles(Answer):
    """pictures, importance, locality, effect."""

    pictures: Tensor = field(metadata=note("picture channel y x", "pixel units"))
    """[picture, channel, y, x] pixel units: with all noise as it was"""
    importance: Tensor = field(metadata=note("picture y x", "pixel units squared", null=0.0, higher="matters more"))
    """[picture, y, x] pixel units squared: what each tile of first noise changes in the whole picture; null value 0;
    higher: matters more"""
    locality: Tensor = field(metadata=note("picture tile", "share"))
    """[picture, tile] share: of a tile's effect that lands in the tile itself; NaN: no effect"""
    effect: Tensor = field(metadata=note("picture tile tile", "pixel units squared", null=0.0))
    """[picture, tile, tile] pixel units squared: of each tile of noise on each tile of the picture; null value 0"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class Transplant(Answer):
    """before, after, control, eligible, moved, moved_by_control."""

    before: Tensor = field(metadata=note("pair", "IoU"))
    """[pair] IoU: of the object with the donor's, in the recipient as it was; NaN: the donor has none"""
    after: Tensor = field(metadata=note("pair", "IoU"))
    """[pair] IoU: with the donor's block of noise; NaN: the donor has none"""
    control: Tensor = field(metadata=note("pair", "IoU"))
    """[pair] IoU: with a random block at the same place; NaN: the donor has none"""
    eligible: Tensor = field(metadata=note("pair", ""))
    """[pair]: whether a pair can tell"""
    moved: Tensor = field(metadata=note("eligible", ""))
    """[eligible]: whether the object came to the donor's place"""
    moved_by_control: Tensor = field(metadata=note("eligible", ""))
    """[eligible]: the same with a random block"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class NoiseTests(Answer):
    """names, corrected, combined, p."""

    names: list[str] = field(metadata=note("test", ""))
    """[test]: the tests"""
    corrected: Tensor = field(metadata=note("test", "p-value", names="names"))
    """[test] p-value: all pictures together, corrected for the number of tests (Holm)"""
    combined: Tensor = field(metadata=note("test", "p-value", names="names"))
    """[test] p-value: all pictures together (Fisher)"""
    p: Tensor = field(metadata=note("picture test", "p-value"))
    """[picture, test] p-value: each picture alone; uniform for noise"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class NoiseStatistics(Answer):
    """names, values."""

    names: list[str] = field(metadata=note("statistic", ""))
    """[statistic]: the statistics"""
    values: Tensor = field(metadata=note("picture statistic", "", x="names"))
    """[picture, statistic]: each in its own unit"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class VarianceShares(Answer):
    """seed, prompt, interaction, seed_error, prompt_error, interaction_error."""

    seed: Tensor = field(metadata=note("attribute", "share", error="seed_error", null=0.0))
    """[attribute] share: of the variance that the seed explains; NaN: none; null value 0"""
    prompt: Tensor = field(metadata=note("attribute", "share", error="prompt_error", null=0.0))
    """[attribute] share: of the variance that the prompt explains; NaN: none; null value 0"""
    interaction: Tensor = field(metadata=note("attribute", "share", error="interaction_error", null=0.0))
    """[attribute] share: of the variance that only both together explain; NaN: none; null value 0"""
    seed_error: Tensor = field(metadata=note("attribute", "share"))
    """[attribute] share: standard error; NaN: no variance"""
    prompt_error: Tensor = field(metadata=note("attribute", "share"))
    """[attribute] share: standard error; NaN: no variance"""
    interaction_error: Tensor = field(metadata=note("attribute", "share"))
    """[attribute] share: standard error; NaN: no variance"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class SobolIndices(Answer):
    """total, total_error, first, first_error."""

    total: Tensor = field(metadata=note("player score", "share", error="total_error", null=0.0, higher="decided more"))
    """[player, score] share: of the variance that a player decides with all interactions; NaN: no variance; null value
    0; higher: decided more"""
    total_error: Tensor = field(metadata=note("player score", "share"))
    """[player, score] share: standard error; NaN: no variance"""
    first: Tensor = field(metadata=note("player score", "share", error="first_error", null=0.0, higher="decided more"))
    """[player, score] share: of the variance that a player decides alone; NaN: no variance; null value 0; higher:
    decided more"""
    first_error: Tensor = field(metadata=note("player score", "share"))
    """[player, score] share: standard error; NaN: no variance"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class ReadOut(Answer):
    """nulls, difference, half_width, z, p, shown, first_step."""

    nulls: list[str] = field(metadata=note("null", ""))
    """[null]: kinds of null trajectories"""
    difference: Tensor = field(metadata=note("null step word", "score", names="nulls", error="half_width", null=0.0,
        higher="the word fits better", is_signed=True))
    """[null, step, word] score: mean over the trajectories less that over the null ones; null value 0; higher: the
    word fits better"""
    half_width: Tensor = field(metadata=note("null step word", "score"))
    """[null, step, word] score: difference +- half_width is its 95 % interval"""
    z: Tensor = field(metadata=note("null step word", "standard deviations", names="nulls", null=0.0, is_signed=True))
    """[null, step, word] standard deviations: of the difference under relabelling; null value 0"""
    p: Tensor = field(metadata=note("step word", "p-value"))
    """[step, word] p-value: corrected over steps and words, the largest of the nulls"""
    shown: Tensor = field(metadata=note("step word", ""))
    """[step, word]: whether p is at most the level"""
    first_step: Tensor = field(metadata=note("word", "step"))
    """[word] step: from which a word stays shown; the number of steps: never"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class SmoothDeficit(Answer):
    """log_ratio, smooth."""

    log_ratio: Tensor = field(metadata=note("picture", "log ratio", null=0.0, is_signed=True))
    """[picture] log ratio: variance of the noise on smooth over other pixels; NaN without both; null value 0"""
    smooth: Tensor = field(metadata=note("picture y x", ""))
    """[picture, y, x]: whether a pixel is smooth"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class GuidanceParts(Answer):
    """mean_shift, positive, negative, residual."""

    mean_shift: Tensor = field(metadata=note("picture channel y x", "pixel units", null=0.0, is_signed=True))
    """[picture, channel, y, x] pixel units: from the mean without the prompt to the one with it; null value 0"""
    positive: Tensor = field(metadata=note("picture channel y x", "pixel units", null=0.0, is_signed=True))
    """[picture, channel, y, x] pixel units: along what the prompt makes more variable; null value 0"""
    negative: Tensor = field(metadata=note("picture channel y x", "pixel units", null=0.0, is_signed=True))
    """[picture, channel, y, x] pixel units: along what the prompt makes less variable; null value 0"""
    residual: Tensor = field(metadata=note("picture channel y x", "pixel units", null=0.0, is_signed=True))
    """[picture, channel, y, x] pixel units: not linear; the four sum to the difference; null value 0"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class PerturbationCurves(Answer):
    """shares, insertion, deletion, insertion_area, deletion_area, area_between."""

    shares: list[float] = field(metadata=note("share", "share"))
    """[share] share: of the pixels"""
    insertion: Tensor = field(metadata=note("picture share", "score", x="shares"))
    """[picture, share] score: only the top share of pixels is kept"""
    deletion: Tensor = field(metadata=note("picture share", "score", x="shares"))
    """[picture, share] score: the top share of pixels is removed"""
    insertion_area: Tensor = field(metadata=note("picture", "score", higher="better"))
    """[picture] score: under the insertion curve; higher: better"""
    deletion_area: Tensor = field(metadata=note("picture", "score"))
    """[picture] score: under the deletion curve; lower is better"""
    area_between: Tensor = field(metadata=note("picture", "score", null=0.0, higher="better", is_signed=True))
    """[picture] score: insertion less deletion area; null value 0; higher: better"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class Sensitivity(Answer):
    """max, mean."""

    max: Tensor = field(metadata=note("picture", "", null=1.0))
    """[picture]: largest relative change of the map; null value 1"""
    mean: Tensor = field(metadata=note("picture", "", null=1.0))
    """[picture]: mean relative change of the map; null value 1"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class Infidelity(Answer):
    """raw, scaled."""

    raw: Tensor = field(metadata=note("picture", "score squared"))
    """[picture] score squared: of the map as it is; 0 is perfect"""
    scaled: Tensor = field(metadata=note("picture", "score squared"))
    """[picture] score squared: of the map times the factor that suits its picture best"""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class WeightRandomisation(Answer):
    """layers, correlation, own_correlation."""

    layers: list[str] = field(metadata=note("shuffle", ""))
    """[shuffle]: the layer that was shuffled last"""
    correlation: Tensor = field(metadata=note("shuffle kind picture", "rank correlation", x="layers", null=0.0,
        is_signed=True))
    """[shuffle, kind, picture] rank correlation: with the maps of the network as it is; null value 0"""
    own_correlation: Tensor = field(metadata=note("shuffle kind picture", "rank correlation", x="layers", null=0.0,
        is_signed=True))
    """[shuffle, kind, picture] rank correlation: the same of what a map says of its picture and not of any; null value
    0"""
