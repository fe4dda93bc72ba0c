// What evidence filtering is asked for `verify`: one word of the left object of every scene.
#pragma once

#include "noisescope/explain/evidence.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {

inline constexpr const char* kEvidence = "evidence";  // of every row

/// The same question put to several subjects over the same paths.
struct Question {
  Word word;
  SceneBatch batch;
  EvidenceOptions options{.steps = 160};
  int64_t version_said = 0;  // so many places behind the true one in the list: 0: the true one is said
};

/// The captions with each of the K values of the word, [K, B, D].
Tensor conditions_of(const Model& subject, const Question& question);

/// Along one path of each picture, number first_path on.
Evidence ask(const Model& subject, const Question& question, const VerifyContext& context, int64_t first_path = 0);

/// The same by the exact denoiser, with no error planted anywhere.
Evidence ask_truth(const Question& question, const VerifyContext& context, int64_t first_path = 0);

/// p(version | x) at every level of the same paths, from the exact likelihoods: [N, B, K]. The paths are those of
/// filter_noising_paths: the same noise, drawn again.
Tensor exact_posterior(const WorldDenoiser& truth, const Question& question, const VerifyContext& context);

/// p(version | x) [B, K] of pictures [B, C, H, W] at one noise level, versions [K, B, R] as the exact world takes them.
Tensor version_posterior(const WorldDenoiser& truth, const Tensor& x, double sigma, const Tensor& conditions);

/// The own version's column of a table [N, B, K], [N, B].
Tensor own_of(const Tensor& table, const Tensor& own);

std::string of(const std::string& what, Word word);

/// Maps as they are shown, means over paths: how near they are to those of many paths of other noise, whether they mark
/// the named object rather than the other one, and what maps that never heard the prompt would score.
VerifyRows evidence_map_rows(const VerifyContext& context, Word word);

}  // namespace noisescope::verify
