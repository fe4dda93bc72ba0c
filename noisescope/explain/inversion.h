// Existing pictures as runs: the noise that leads to a given picture, and runs that end in it.
// Whatever watches a sampling run (SamplerObserver) can watch these.
//
//   noising path   the forward process read backwards, for methods that need only x and its
//                  estimates at each level: no solver, no error
//   DDIM           the one noise from which the deterministic sampler draws the picture, nearly
//   edit-friendly  noise for every step of the ancestral sampler, with which it draws the picture
//                  to rounding, and something close to it under another condition
//
// Predictors should not clamp their estimates (GuidanceOptions::clamp = 0): a clamped step has no
// inverse.
#pragma once

#include <vector>

#include "noisescope/explain/evidence.h"
#include "noisescope/model/model.h"

namespace noisescope::explain {

class AnswerDescriber;

/// Shows `observer` a noising path of the pictures as the steps of a run, from noise to
/// picture: options.steps + 1 of them, the last with sigma_next = 0. Cost: an evaluation a step and
/// picture. Throws ShapeError, ValueError for options out of range, Interrupted.
void observe_noising_path(const Predictor& predict, const PictureBatch& batch, const EvidenceOptions& options,
                          const SamplerObserver& observer, const Control& control = {});

struct DdimInversionOptions {
  int64_t refinements = 0;  // fixed-point iterations a step

  /// Evaluations for `pictures` pictures and `steps` steps.
  int64_t cost(int64_t pictures, int64_t steps) const { return pictures * steps * (1 + refinements); }
};
void describe(Describer& d, DdimInversionOptions& options);

/// Walks `pictures` [B, C, H, W], clean or at the noise level sigmas.back() >= 0, up to sigmas[0]
/// and returns x there; x / sigmas[0] is the noise. `sigmas` as for run_sampler: strictly
/// decreasing. DDIM's step (Song et al. 2021, arXiv:2010.02502, eq. 12 with sigma_t = 0) from x at
/// sigma to y at sigma' is y = x - (sigma - sigma') eps-hat(x, sigma). Its inverse solves
///   x = y + (sigma - sigma') eps-hat(x, sigma),
/// for which inversion puts y in place of the unknown x in eps-hat: an error of first order in the
/// step. Each refinement puts the last x there (fixed-point iteration: Pan et al. 2023,
/// arXiv:2309.04907). To pass the lowest levels by the forward process instead (the remedy of
/// Staniszewski et al. 2024, arXiv:2410.23530), noise the picture to a level and end `sigmas`
/// there. Throws ShapeError, ValueError for unusable sigmas or pictures that are not finite,
/// Interrupted.
Tensor invert_ddim(const Predictor& predict, const Tensor& pictures, const std::vector<double>& sigmas,
                   const DdimInversionOptions& options = {}, const Control& control = {});

/// What the ancestral sampler needs to draw given pictures: S steps, B pictures, dtype of the
/// pictures.
struct EditFriendlyInversion {
  std::vector<double> sigmas;  // [S + 1], the last 0
  Tensor states;               // [S, B, C, H, W] at sigmas[0 .. S-1]
  Tensor noises;               // [S - 1, B, C, H, W]: z of every step but the last, which injects none
  Tensor remainder;            // [B, C, H, W]: picture - last estimate, sigma_1 z_1 of the paper; small
                               // where the levels go down to what the network can still clean
};

/// Edit-friendly DDPM inversion (Huberman-Spiegelglas et al. 2024, arXiv:2304.06140, algorithm 1):
///   x_i = x_0 + sigma_i eps_i, each eps_i = normal(batch.noise.random, Purpose::explain, i) of its own
///   z_i = (x_{i+1} - mu(x_i)) / s_i, then x_{i+1} := mu(x_i) + s_i z_i: rounding cannot add up
/// with mean mu and deviation s of DDPM's step at the estimate (posterior_ve). The z are no white
/// noise: neighbours in i share an eps, so they are correlated and their variance exceeds 1; that
/// is how they carry the picture. `observer` sees the steps of the run as it goes. Cost: an
/// evaluation a step and picture. Throws ShapeError, ValueError for unusable sigmas or pictures
/// that are not finite, Interrupted.
EditFriendlyInversion invert_edit_friendly(const Predictor& predict, const PictureBatch& batch,
                                           const std::vector<double>& sigmas, const SamplerObserver& observer = {},
                                           const Control& control = {});

/// The ancestral run with the recorded noise, from step `first_step` on: the picture itself (to
/// rounding) under the predictor of the inversion, an edit of it under another one. A later first
/// step keeps more of the picture (T_skip of the paper). Cost: an evaluation a step and picture.
/// Throws ValueError for a first step out of range, Interrupted.
Tensor replay(const Predictor& predict, const EditFriendlyInversion& inversion, int64_t first_step = 0,
              const SamplerObserver& observer = {}, const Control& control = {});

/// `count` trajectories, of noise of their own, that all end in `picture` [C, H, W], by edit-friendly inversion
/// under the prompt: levels and guidance of `options`, ancestral, estimates not clamped. Cost: 2 x count
/// evaluations a step. Throws ShapeError for a picture of another size than the model's, Interrupted.
Trajectory inverted_trajectory(const Model& model, const PictureRequest& prompt, const Tensor& picture,
                               const SamplingOptions& options, const Control& control = {});

/// Root mean square difference of each picture in pixel units, [B] float64; 0 = the same.
Tensor reconstruction_error(const Tensor& pictures, const Tensor& reconstructed);

/// Cosine of each noise with the noise inverted from the picture that it led to, [B] float64; 1 =
/// the inversion found it again (stability of a seed: Qi et al. 2024, arXiv:2407.14041).
Tensor inversion_stability(const Tensor& noise, const Tensor& inverted);

/// Both inversions of the trajectory's pictures, or of the one that was given.
struct InversionOptions {
  std::vector<int64_t> steps = {10, 20, 40};  // of DDIM inversion; edit-friendly inversion takes the first
};
void describe(Describer& d, InversionOptions& options);

/// B pictures, E step counts.
struct InversionOfPictures {
  std::vector<int64_t> steps;  // [E]
  Tensor ddim_error;           // [E, B] root mean square, pixel units
  Tensor noise;                // [B, C, H, W]: that DDIM finds with the last step count
  Tensor noise_size;           // [B] root mean square; 1 for the noise that a sampler is given
  Tensor edit_friendly_error;  // [B] pixel units
  Tensor states;               // [S, B, C, H, W] of the edit-friendly inversion
  Tensor smooth_deficit;       // [B] log variance ratio, smooth over other pixels; NaN without both kinds
};
void describe(AnswerDescriber& d, const EditFriendlyInversion& answer);
void describe(AnswerDescriber& d, const InversionOfPictures& answer);

}  // namespace noisescope::explain
