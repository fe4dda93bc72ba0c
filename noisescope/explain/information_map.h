// Information maps: how many nats the prompt, or one word of it, says about each pixel.
//
// For an exact denoiser, with alpha the log-SNR and x_alpha a noisy image at that level,
//   I(x; y | r) = 1/2 integral E |eps_r - eps_y|^2 d alpha
// (Kong et al. 2024, arXiv:2310.07972): eps_y the noise predicted with the full prompt, eps_r
// with the reference, that is without prompt (all of the prompt's information) or with the prompt less
// a word (what the word adds to the others). The integrand splits over pixels, channels and levels.
// Leave-one-out terms of several words do not add up to the whole.
//
// The signed, pointwise form 1/2 integral E (|eps - eps_r|^2 - |eps - eps_y|^2) d alpha
// = ln p(x | y) - ln p(x | r) (Kong et al. 2023, arXiv:2302.03792) has the same mean over data and may
// be negative for one picture; it needs no exactness of the difference, only of each denoiser.
//
// Calibration of a network that is not exact: with g = eps_y - eps_r, the weight
//   kappa = E <eps - eps_r, g> / E |g|^2
// minimises the error of eps_r + w g. kappa = 1 for exact denoisers; below 1 the network overclaims,
// above 1 it underclaims. signed = (2 kappa - 1) x information at every level. kappa = 1 is necessary
// for a total to mean nats, not sufficient.
#pragma once

#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/explain/batch.h"

namespace noisescope::explain {

class AnswerDescriber;

struct InformationOptions {
  int64_t draws = 16;  // noise draws of each picture
  double log_snr_min = -10;
  double log_snr_max = 6;
  int64_t levels = 16;      // cells of the log-SNR axis for profiles and the proposal
  int64_t pilot_draws = 1;  // of each picture and cell, to fit the proposal of noise levels
  int64_t pass_size = 128;

  /// Denoiser evaluations for `pictures` pictures and `references` references.
  int64_t cost(int64_t pictures, int64_t references) const {
    return (draws + pilot_draws * levels) * pictures * (1 + references);
  }
};
void describe(Describer& d, InformationOptions& options);

/// R references, B pictures, L cells of log-SNR. float64 on the CPU.
struct InformationMaps {
  std::vector<double> edges;  // [L + 1] log-SNR, rising
  Tensor map;                 // [R, B, H, W] nats, >= 0
  Tensor signed_map;          // [R, B, H, W] nats
  Tensor profile;             // [R, L, B] nats of each cell
  Tensor signed_profile;      // [R, L, B]
  Tensor kappa;               // [R, L]: calibration ratio of the batch; NaN where g vanishes
  Tensor kappa_error;         // [R, L]: its standard error, draws as independent observations; NaN below
                              // 20 effective draws

  Tensor total() const { return map.sum({2, 3}); }                // [R, B]
  Tensor signed_total() const { return signed_map.sum({2, 3}); }  // [R, B]
};

/// Maps of the pictures for the full condition, that of `denoiser`, against references [R, B, D], which
/// share all noise. Noise levels are drawn from a density
/// fitted to this model by a pilot pass (piecewise constant in log-SNR, proportional to the root mean square of the
/// integrand, no cell below a tenth of the uniform density) and stratified over draws; every draw is
/// weighted by its inverse.
/// Throws ValueError for options out of range, ShapeError for tensors that do not fit.
InformationMaps information_maps(const PromptedDenoiser& denoiser, const PictureBatch& batch, const Tensor& references,
                                 const InformationOptions& options, const Control& control = {});

void describe(AnswerDescriber& d, const InformationMaps& answer);

struct Subject;

/// The full prompt against no prompt, then against the prompt with each word left open.
struct InformationQuestion {
  std::string name;
  std::string reference;  // "" is no prompt
  double bound = 0;       // nats that the answer can be at most; 0: unknown
};
std::vector<InformationQuestion> information_questions(const Subject& subject);

/// Entropy in nats of a prompt among all full captions of the subject's world: what a prompt can say at most; 0 for
/// other data.
double prompt_entropy(const Subject& subject);

}  // namespace noisescope::explain
