"""Options as typed keyword arguments, with their defaults. Made by tools/make_option_types.py: do not edit."""

from collections.abc import Sequence
from typing import Literal, TypedDict


class ScheduleOptions(TypedDict, total=False):
    kind: Literal["linear", "linear_rescaled", "cosine", "zero_terminal_snr"]
    """'linear_rescaled': how the betas run: linear (as given), linear_rescaled (by 1000 / T), cosine,
    zero_terminal_snr; one of linear, linear_rescaled, cosine, zero_terminal_snr"""
    timesteps: int
    """1000: T, number of discrete timesteps"""
    beta_start: float
    """0.0001: beta_1 of a linear schedule"""
    beta_end: float
    """0.02: beta_T of a linear schedule"""


class GridOptions(TypedDict, total=False):
    kind: Literal["karras", "log_snr", "leading", "linspace", "trailing"]
    """'karras': spacing of the noise levels: karras, log_snr (uniform), or the timesteps of the discrete schedule:
    leading, linspace, trailing; one of karras, log_snr, leading, linspace, trailing"""
    steps: int
    """20: number of solver steps"""
    sigma_min: float
    """0.002: last noise level before 0 (karras, log_snr)"""
    sigma_max: float
    """80.0: first noise level (karras, log_snr)"""
    rho: float
    """7.0: karras: larger puts more steps at low noise"""


class SamplerOptions(TypedDict, total=False):
    solver: Literal["ddpm", "ddim", "euler", "heun", "dpmpp_2m", "dpmpp_2m_sde"]
    """'dpmpp_2m': sampling algorithm; one of ddpm, ddim, euler, heun, dpmpp_2m, dpmpp_2m_sde"""
    eta: float
    """0.0: ddim: 0 deterministic, 1 = ddpm with posterior variance"""
    variance: Literal["posterior", "upper", "previous"]
    """'posterior': ddpm: posterior (beta-tilde), upper (beta) or previous (beta of the next step); one of posterior,
    upper, previous"""
    churn: float
    """0.0: heun: S_churn, noise added back per run; 0 = deterministic"""
    churn_sigma_min: float
    """0.05: heun: churn from this noise level ..."""
    churn_sigma_max: float
    """50.0: heun: ... up to this one"""
    churn_noise: float
    """1.003: heun: S_noise, deviation of the noise added back"""


class GuidanceOptions(TypedDict, total=False):
    scale: float
    """1.0: guidance scale s: 1 = none, 0 = prompt ignored; w = s - 1"""
    sigma_min: float
    """0.0: guidance acts from this noise level ..."""
    sigma_max: float
    """inf: ... up to this one"""
    rescale: float
    """0.0: how far the contrast of the unguided estimate is restored"""
    clamp: float
    """1.0: the estimate that the solver uses is clamped to +-clamp; 0 = off"""
    both_branches: bool
    """False: evaluate the branch without prompt even where guidance is off"""


class PreconditionOptions(TypedDict, total=False):
    parametrization: Literal["edm", "eps", "v", "x0"]
    """'edm': what the network predicts: edm, eps, v, x0; one of edm, eps, v, x0"""
    sigma_data: float
    """0.5: standard deviation of the clean pixels (edm)"""
    noise_label: Literal["log_sigma", "timestep", "log_snr", "timestep_share"]
    """'log_sigma': how the network is told the noise level: log_sigma (ln(sigma) / 4), timestep, log_snr,
    timestep_share ((t - 1) / T); one of log_sigma, timestep, log_snr, timestep_share"""
    schedule: ScheduleOptions
    """discrete timesteps, where they are used"""


class WorldOptions(TypedDict, total=False):
    object_size_px: int
    """12: side of the square that holds an object, in pixels"""
    grid_step_px: int
    """4: distance of neighbouring object positions, in pixels"""
    shapes: Sequence[Literal["square", "disc", "cross", "ring", "triangle", "diamond"]]
    """['square', 'disc', 'cross']: shapes an object can have; one of square, disc, cross, ring, triangle, diamond"""
    colours: Sequence[Literal["red", "green", "blue", "yellow", "cyan", "magenta", "white", "black"]]
    """['red', 'green', 'blue', 'yellow']: colours an object can have; one of red, green, blue, yellow, cyan, magenta,
    white, black"""
    backgrounds: Sequence[Literal["dark", "grey", "bright"]]
    """['dark', 'grey', 'bright']: backgrounds a picture can have; one of dark, grey, bright"""
    ordered_captions: bool
    """True: captions tell the sides ('left of', 'right of') instead of naming two objects ('and')"""
    background_captions: bool
    """True: captions name the background ('on dark')"""
    word_drop: float
    """0.12: probability with which each colour, shape and background is left out of a caption"""
    hold_out: float
    """0.0: share of the pairs of (shape, colour) attributes that never occur together in training"""
    hold_out_seed: int
    """0: which pairs are held out"""


class SamplingOptions(TypedDict, total=False):
    grid: GridOptions
    """noise levels that the sampler walks down"""
    sampler: SamplerOptions
    """the solver"""
    guidance: GuidanceOptions
    """classifier-free guidance"""
    batch_size: int
    """128: pictures sampled at once"""


class EvidenceOptions(TypedDict, total=False):
    steps: int
    """100: steps of each noising path"""
    log_snr_min: float
    """-8.0: log-SNR at which paths start, all noise"""
    log_snr_max: float
    """5.0: log-SNR at which paths end, nearly clean"""
    pass_size: int
    """128: samples per network evaluation"""
    calibrated: bool
    """True: evidence weighed by the run's calibration, where it has one that is needed"""


class InformationOptions(TypedDict, total=False):
    draws: int
    """16: noise draws of each picture"""
    log_snr_min: float
    """-10.0: log-SNR at which the integral starts"""
    log_snr_max: float
    """6.0: log-SNR at which it ends"""
    levels: int
    """16: cells of the log-SNR axis"""
    pilot_draws: int
    """1: draws of each picture and cell that fit the noise levels"""
    pass_size: int
    """128: samples per network evaluation"""


class UTurnOptions(TypedDict, total=False):
    log_snrs: Sequence[float]
    """[-6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0]: turning points"""
    steps: int
    """20: steps of the way back"""
    log_snr_end: float
    """4.0: log-SNR of the last step of the way back"""
    pass_size: int
    """128: samples per network evaluation"""


class LocalityOptions(TypedDict, total=False):
    log_snrs: Sequence[float]
    """[-5.0, -3.0, -1.0, 1.0]: noise levels of the maps"""
    draws: int
    """16: noise draws a picture and level"""
    permutations: int
    """999: relabellings of the null"""
    false_share: float
    """0.05: expected share of false ones among dependent pixels"""
    smallest_change: float
    """0.05: smallest change of a dependent pixel, RMS over channels, pictures in [-1, 1]"""
    pass_size: int
    """128: samples per network evaluation"""


class UncertaintyOptions(TypedDict, total=False):
    components: int
    """1: principal components"""
    iterations: int
    """20: subspace iterations"""
    step: float
    """0.05: length of the central difference in units of sigma"""
    pass_size: int
    """128: samples per network evaluation"""


class SpectralEmergenceOptions(TypedDict, total=False):
    bands: int
    """6: bands of radial frequency"""
    steps: int
    """32: noise levels of a path, less one"""
    log_snr_min: float
    """-8.0: first level"""
    log_snr_max: float
    """5.0: last level"""


class InversionOptions(TypedDict, total=False):
    steps: Sequence[int]
    """[10, 20, 40]: steps of DDIM inversion; edit-friendly inversion takes the first"""


class DdimInversionOptions(TypedDict, total=False):
    refinements: int
    """0: fixed-point iterations of each inverted step"""


class DecisionWindowsOptions(TypedDict, total=False):
    steps: int
    """32: noise levels of a path, less one"""


class GuidanceAnatomyOptions(TypedDict, total=False):
    bands: int
    """4: bands of radial frequency"""


class NoiseBandsOptions(TypedDict, total=False):
    bands: int
    """6: bands of radial frequency"""


class TrajectoryGeometryOptions(TypedDict, total=False):
    tolerance: float
    """0.1: change of a pixel that still counts as none, pixel units"""


class PredictionTestOptions(TypedDict, total=False):
    group: int
    """5: pictures that exchange their prompts"""
    permutations: int
    """1999: relabellings of the null"""
    pass_size: int
    """128: samples per network evaluation"""


class GuidanceWindowOptions(TypedDict, total=False):
    windows: int
    """5: equal windows of log-SNR"""
    knock_out_width: int
    """1: windows that a knock-out withholds at once"""
    orders: int
    """0: sampled orders for Shapley values, even; 0: exact, up to 8 windows"""


class GuidanceSweepOptions(TypedDict, total=False):
    scales: Sequence[float]
    """[0.0, 2.0, 4.0, 8.0]: guidance scales beside 1"""
    bands: int
    """6: bands of radial frequency"""


class CounterfactualOptions(TypedDict, total=False):
    changed: float
    """0.3: squared change from which a pixel counts as changed"""


class NoiseSobolOptions(TypedDict, total=False):
    windows: int
    """3: windows of equally many steps"""


class NoiseTilesOptions(TypedDict, total=False):
    tile_px: int
    """0: side of a tile of noise in pixels; 0: a quarter of the picture"""
    redraws: int
    """3: new draws of every tile"""


class TransplantOptions(TypedDict, total=False):
    halo_px: int
    """1: pixels of noise around the object that go with it"""
    overlap: float
    """0.5: IoU from which the object counts as being there"""


class ReadOutOptions(TypedDict, total=False):
    level: float
    """0.05: chance of a false word anywhere in a run"""
    permutations: int
    """999: relabellings of the null"""
    resolution: float
    """1e-09: scores closer than this are equal"""


class SmoothDeficitOptions(TypedDict, total=False):
    radius_px: int
    """1: radius of the square around a pixel that must be smooth"""
    tolerance: float
    """0.05: what a smooth square may span, in pixel units"""


class PerturbationOptions(TypedDict, total=False):
    shares: Sequence[float]
    """[0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 1.0]: shares of the pixels that are moved,
    symmetric from 0 to 1"""
    pass_size: int
    """512: pictures scored at once"""


class FlippingOptions(TypedDict, total=False):
    pixels_per_step: int
    """1: pixels taken out at a time"""
    pass_size: int
    """128: pictures scored at once"""
