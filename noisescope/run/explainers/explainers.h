// The explainers one by one: each a file of this folder, listed in explainers() (run/explainer.cpp).
#pragma once

#include "noisescope/evaluate/statistics.h"
#include "noisescope/run/explain_guidance.h"
#include "noisescope/run/explainer.h"
#include "noisescope/run/text_of.h"

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

/// What the report of a run shows of these two, too.
Explained explained_evidence(const EvidenceExplanation& explanation, const ScheduleOptions& schedule);
Explained explained_guidance(const std::vector<GuidanceExplanation>& explanations,
                             const RunConfig& config);

/// An estimate as a key number: value with unit, interval and n.
KeyNumber key_number(const std::string& label, const Estimate& estimate, const std::string& unit,
                     const std::string& meaning);
/// "0.52 to 0.61".
std::string interval_text(const Estimate& estimate);

}  // namespace noisescope
