// The explanation report: every method on one prompt, as one HTML file with its numbers and arrays beside.
#pragma once

#include "noisescope/report/explainer.h"
#include "noisescope/run/run_folder.h"

namespace noisescope {

/// A method that was not run, and why.
struct LeftOut {
  std::string method, reason;
};

struct ExplanationReport {
  nlohmann::ordered_json json;  // by method, with "left_out"
  std::vector<LeftOut> left_out;
};

/// Runs the methods asked for within the budget (measured on the model at hand: cost x seconds an
/// evaluation) and writes explain/<method>.{json,safetensors}, their figures and explain/report.html.
/// `on_part` hears of each method when it is done. Throws ValueError for an unknown method, and what the
/// methods throw.
ExplanationReport explain_run(const TextToImage& model, const RunConfig& config,
                              const RunFolder& folder, const ExplainRequest& request,
                              const Control& control,
                              const std::function<void(const std::string& method,
                                                       const nlohmann::ordered_json&)>& on_part = {});

/// Writes what one method gave, without a report; its arrays as .safetensors and, with `npz`, as .npz.
void write_explained(const Explained& explained, const std::string& method, const RunFolder& folder,
                     bool npz = false);

}  // namespace noisescope
