// The explainers one by one: each a file of this folder, listed in explainers() (report/explainer.cpp).
#pragma once

#include "noisescope/stats/estimate.h"
#include "noisescope/explain/picture_draw.h"
#include "noisescope/report/explain_guidance.h"
#include "noisescope/report/explainer.h"
#include "noisescope/report/text_of.h"

namespace noisescope {

Explainer film_explainer();
Explainer evidence_explainer();
Explainer timesteps_explainer();
Explainer information_explainer();
Explainer guidance_information_explainer();
Explainer anatomy_explainer();
Explainer counterfactual_explainer();
Explainer uncertainty_explainer();
Explainer trajectory_explainer();
Explainer noise_explainer();
Explainer windows_explainer();
Explainer words_explainer();
Explainer locality_explainer();
Explainer causes_explainer();
Explainer spectrum_explainer();
Explainer inversion_explainer();

/// What the report of a run shows of these two, too.
Explained explained_evidence(const EvidenceExplanation& explanation, const ScheduleOptions& schedule);
Explained explained_guidance(const std::vector<GuidanceExplanation>& explanations,
                             const RunConfig& config);

/// The context's sampler, levels and guidance as a function of noise.
DrawPictures drawer_of(const ExplainContext& context);

/// The noise of `count` runs, on the model's device.
struct RunNoise {
  NoiseSource noise;
  Tensor initial;  // [count, 3, S, S] in units of its deviation
};
/// Of the first `count` explained runs.
RunNoise run_noise(const ExplainContext& context, int64_t count);
/// Of new runs of the request's seed.
RunNoise seed_noise(const ExplainContext& context, int64_t count);

/// For each word of the context the cosine of picture and word in the run's CLIP, less the mean of its
/// alternatives': [B, words]. What a picture shows, as numbers.
ScorePictures word_margins(const ExplainContext& context);

/// Evaluations of a step with the context's guidance.
int64_t branches_of(const ExplainContext& context);

/// An estimate as a key number: value with unit, interval and n.
KeyNumber key_number(const std::string& label, const Estimate& estimate, const std::string& unit,
                     const std::string& meaning);
/// "0.52 to 0.61".
std::string interval_text(const Estimate& estimate);

}  // namespace noisescope
