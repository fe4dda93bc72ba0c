// At which noise levels does a model decide what a caption says? The class-entropy rate of evidence
// filtering (explain/evidence.h) summed over words: nats of the caption decided per step from noise to
// picture. Noise levels of training can be fitted to it (diffusion/loss.h, information): a lognormal
// density with the mean and variance of ln sigma under the rate, so that training looks where the model
// has something to decide. (Dieleman et al. 2022, arXiv:2211.15089, warp time by the entropy of their
// classifier's predictions for the same reason.)
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "noisescope/diffusion/loss.h"
#include "noisescope/explain/evidence.h"
#include "noisescope/model/model.h"
#include "noisescope/model/prompt_contrast.h"

namespace noisescope::explain {

class AnswerDescriber;

/// One word of one picture's caption, in versions.
struct WordQuestion {
  int64_t picture = 0;  // row of the pictures
  PromptContrast contrast;
};

/// N steps, rising log-SNR. Nats are means over pictures, sums over the questions of each.
struct DecisionWindows {
  std::vector<double> log_snrs;  // [N] middles of the steps
  std::vector<double> nats;      // [N] decided in the step; below 0 where a step misled
  double total() const;          // nats decided in all; at most the entropy of the questions
};

/// Pictures and what is asked of them.
struct CaptionedPictures {
  Tensor pictures;  // [B, C, H, W]
  std::vector<WordQuestion> questions;
};

/// Of caption i one of the words whose alternatives the model knows, number i modulo their count; captions without such
/// words are left out.
std::vector<WordQuestion> one_word_each(const Model& model, const std::vector<std::string>& captions);

/// Each caption against up to `others` of the other distinct ones, those that follow it in order; the own version is
/// the first. Empty where all captions are the same.
std::vector<WordQuestion> captions_against_others(const std::vector<std::string>& captions, size_t others);

/// The evidence of one noising path for each question, by the model's denoiser and conditions, as it is claimed:
/// questions with the same number of versions together, in the order of that number. Throws ValueError without
/// questions.
std::vector<Evidence> evidence_of_questions(const Model& model, const CaptionedPictures& asked,
                                            const EvidenceOptions& options, const Random& random,
                                            const Control& control = {});

/// Filters one noising path for each question, by the model's denoiser and conditions; questions with the same
/// number of versions share their passes. Cost: options.steps times all versions of all questions.
/// Throws ValueError without questions.
DecisionWindows measure_decision_windows(const Model& model, const CaptionedPictures& asked,
                                         const EvidenceOptions& options, const Random& random,
                                         const Control& control = {});

/// `usual` with mean and std of ln sigma = -log-SNR / 2 under the rate; steps that misled weigh nothing.
/// Throws ValueError if nothing was decided.
NoiseLevelOptions fitted_levels(const NoiseLevelOptions& usual, const DecisionWindows& windows);

void describe(AnswerDescriber& d, const DecisionWindows& answer);

/// Every word of the prompt asked of every picture of the trajectory.
struct DecisionWindowsOptions {
  int64_t steps = 32;
};
void describe(Describer& d, DecisionWindowsOptions& options);

}  // namespace noisescope::explain
