"""Explanation methods, each a function named by its id (`methods()` lists them). Each is proved on the exact world
(`noisescope verify`) and has a page in docs/methods.

Methods of a picture take a model or a denoiser and pictures [B, C, H, W]; methods of a sampling run take a
`Trajectory`. Answers are frozen classes with typed fields (`help(noisescope.explain.Evidence)`). `report` asks all
methods at once.
"""

from noisescope._answers import (
    ConditioningLocality, Counterfactual, DecisionWindows, EditFriendlyInversion, EmergenceOfPictures, Evidence,
    GuidanceAnatomy, GuidanceInformation, GuidanceParts, GuidanceSweep, InformationMaps, InversionOfPictures,
    NoiseBands, NoiseOfTrajectory, NoiseSobol, NoiseStatistics, NoiseTests, NoiseTiles, PosteriorComponents,
    PredictionTests, PromptContrast, ReadOut, Rewound, SmoothDeficit, SobolIndices, TrajectoryGeometry, Transplant,
    UncertaintyAtLevel, UTurns, VarianceShares, WindowAttribution)
from noisescope.picture_methods import (
    conditioning_locality, decision_windows, evidence, information_map, inversion, invert_ddim, invert_edit_friendly,
    posterior_components, posterior_uncertainty, replay, spectral_emergence, u_turn)
from noisescope.report import Method, MethodField, MethodOption, Report, methods, report
from noisescope.tensor_methods import (
    LinearGuidance, benjamini_hochberg, clip_reader, compare_statistics, contrast_prompts, holm, inversion_stability,
    noise_statistics, reconstruction_error, seed_shares, share_of_change, smooth_deficit, sobol_indices,
    speciation_log_snr, tile_cover, u_turn_half_point, words_of)
from noisescope.trajectory_methods import (
    attribute_grid, counterfactual, guidance_anatomy, guidance_information, guidance_sweep, guidance_windows,
    noise_bands, noise_sobol, noise_tests, noise_tiles, noise_transplant, prediction_tests, read_out, rewind,
    seed_share, trajectory_geometry, word_scores)

__all__ = [
    "ConditioningLocality", "Counterfactual", "DecisionWindows", "EditFriendlyInversion", "EmergenceOfPictures",
    "Evidence", "GuidanceAnatomy", "GuidanceInformation", "GuidanceParts", "GuidanceSweep", "InformationMaps",
    "InversionOfPictures", "LinearGuidance", "Method", "MethodField", "MethodOption", "NoiseBands",
    "NoiseOfTrajectory", "NoiseSobol", "NoiseStatistics", "NoiseTests", "NoiseTiles", "PosteriorComponents",
    "PredictionTests", "PromptContrast", "ReadOut", "Report", "Rewound", "SmoothDeficit", "SobolIndices",
    "TrajectoryGeometry", "Transplant", "UTurns", "UncertaintyAtLevel", "VarianceShares", "WindowAttribution",
    "attribute_grid", "benjamini_hochberg", "clip_reader", "compare_statistics", "conditioning_locality",
    "contrast_prompts", "counterfactual", "decision_windows", "evidence", "guidance_anatomy", "guidance_information",
    "guidance_sweep", "guidance_windows", "holm", "information_map", "inversion", "inversion_stability", "invert_ddim",
    "invert_edit_friendly", "methods", "noise_bands", "noise_sobol", "noise_statistics", "noise_tests", "noise_tiles",
    "noise_transplant", "posterior_components", "posterior_uncertainty", "prediction_tests", "read_out",
    "reconstruction_error", "replay", "report", "rewind", "seed_share", "seed_shares", "share_of_change",
    "smooth_deficit", "sobol_indices", "speciation_log_snr", "spectral_emergence", "tile_cover", "trajectory_geometry",
    "u_turn", "u_turn_half_point", "word_scores", "words_of",
]
