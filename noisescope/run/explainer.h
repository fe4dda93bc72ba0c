// One explanation method as `noisescope explain` runs it: what it takes, what it costs, and the section of
// the report, the numbers and the arrays that it gives.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/io/safetensors.h"
#include "noisescope/pipeline/text_to_image.h"
#include "noisescope/run/explain_evidence.h"
#include "noisescope/run/factors.h"
#include "noisescope/viz/report.h"

namespace noisescope {

struct ExplainRequest {
  std::string prompt;
  std::vector<std::string> compared;      // further prompts, for guidance information beside the first
  std::vector<std::string> words;         // empty: all with alternatives in the data's vocabulary
  std::vector<std::string> alternatives;  // of the words; empty: those of the vocabulary
  std::vector<std::string> labels;        // factors where no parser reads the pictures
  std::vector<std::string> methods;       // empty: all
  double budget_seconds = 0;              // leave out what would exceed it; 0: no limit
  Tensor picture;                         // [3, S, S] in [-1, 1]; undefined: drawn for the prompt
  int64_t pictures = 16;                  // drawn for the prompt, the first is the one that is shown
  int64_t paths = 8;                      // noising paths of the picture
  int64_t steps = 100;                    // noise levels of a path
  uint64_t seed = 0;
  std::string command_line;               // as typed
};

/// The sampling run that drew the pictures.
struct ExplainedRun {
  Tensor pictures;                 // [B, 3, S, S] on the CPU
  std::vector<SamplerStep> steps;  // x and both branches at every step, on the CPU
  std::vector<double> sigmas;      // with the closing 0
  GuidanceOptions guidance;
};

/// What explainers have at hand.
class ExplainContext {
 public:
  /// Draws the pictures unless the request brings one. Throws as explain_evidence does, and ValueError
  /// for fewer than 2 pictures or paths.
  ExplainContext(const TextToImage& model, const RunConfig& config, const ExplainRequest& request,
                 const Control& control);

  const TextToImage& model;
  const RunConfig& config;
  const ExplainRequest& request;
  Control control;
  Tensor picture;                         // [3, S, S] on the CPU: the explained one
  std::optional<ExplainedRun> run;        // none for a picture from elsewhere
  std::vector<PromptContrast> contrasts;  // may be empty
  FactorReader factors;                   // may have none

  double log_snr_max() const;             // the cleanest level that explanations ask the network about
  /// Evidence filtering of all contrasts; computed once. Throws ValueError without contrasts.
  const EvidenceExplanation& evidence() const;
  EvidenceRequest evidence_request() const;
  std::vector<double> sigmas() const;     // of drawing, with the closing 0

 private:
  mutable std::optional<EvidenceExplanation> evidence_;
};

/// What an explainer gives. Written as explain/<name>.json and .safetensors beside its figures.
struct Explained {
  Section section;
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  TensorFile tensors = {};
  std::map<std::string, std::string> files = {};  // figures by name: PNG or SVG

  void add_png(const std::string& name, const Image& image, const std::string& alt,
               const std::string& caption);
  void add_svg(const std::string& name, const std::string& svg, const std::string& caption);
};

struct Explainer {
  std::string name;        // of --methods and of the files
  std::string question;    // what it answers
  bool needs_run = false;  // a sampling run; else any picture will do
  bool needs_words = false;
  bool needs_factors = false;
  /// Denoiser evaluations (of one picture), known before it runs.
  std::function<int64_t(const ExplainContext&)> cost;
  std::function<Explained(const ExplainContext&)> explain;
};

/// All, in the order of the report.
const std::vector<Explainer>& explainers();

}  // namespace noisescope
