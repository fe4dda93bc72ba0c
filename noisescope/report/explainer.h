// One explanation method as `noisescope explain` runs it: what it takes, what it costs, and the
// section of the report, the numbers and the arrays that it gives.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/io/safetensors.h"
#include "noisescope/model/text_to_image.h"
#include "noisescope/report/explain_evidence.h"
#include "noisescope/report/explained_run.h"
#include "noisescope/report/factors.h"
#include "noisescope/viz/report.h"

namespace noisescope {

struct ExplainRequest {
  std::string prompt;                     // "": that of the record
  std::vector<std::string> compared;      // further prompts, for guidance information beside the first
  std::vector<std::string> words;         // empty: all with alternatives in the data's vocabulary
  std::vector<std::string> alternatives;  // of the words; empty: those of the vocabulary
  std::vector<std::string> labels;        // factors where no parser reads the pictures
  std::vector<std::string> methods;       // empty: all
  double budget_seconds = 0;              // leave out what would exceed it; 0: no limit
  Tensor picture;                         // [3, S, S] in [-1, 1]; undefined: of the record, or drawn
  std::optional<RunRecord> record;        // a run to explain instead of drawing one ...
  int64_t recorded = 0;                   // ... and which of its pictures
  int64_t pictures = 16;                  // drawn for the prompt, the first is the one that is shown
  int64_t paths = 8;                      // noising paths of the picture, or runs by its inversion
  int64_t steps = 100;                    // noise levels of a path
  uint64_t seed = 0;
  bool npz = false;                       // arrays also as .npz, beside .safetensors
  std::string command_line;               // as typed
};

/// What explainers have at hand.
class ExplainContext {
 public:
  /// Reads the run from the request's record, or finds runs that end in its picture, or draws
  /// pictures for its prompt. Throws as recorded_run and explain_evidence do, and ValueError for
  /// fewer than 2 pictures or paths, no prompt, a prompt that is not that of the record, or a
  /// record and a picture together.
  ExplainContext(const TextToImage& model, const RunConfig& config, const ExplainRequest& request,
                 const Control& control);

  const TextToImage& model;
  RunConfig config;                       // `draw` is that of the run
  ExplainRequest request;                 // with the prompt of the run
  Control control;
  ExplainedRun run;
  Tensor picture;                         // [3, S, S] on the CPU: the explained one
  std::vector<PromptContrast> contrasts;  // may be empty
  FactorReader factors;                   // may have none

  bool is_inverted() const { return run.origin == RunOrigin::inverted; }
  double log_snr_max() const;             // the cleanest level that explanations ask the network about
  /// Evidence filtering of all contrasts; computed once. Throws ValueError without contrasts.
  const EvidenceExplanation& evidence() const;
  EvidenceRequest evidence_request() const;
  std::vector<double> sigmas() const { return run.sigmas; }
  /// Rows of the run's "no prompt", [count, D].
  Tensor null_condition(int64_t count) const { return run.null_condition.expand({count, -1}); }

 private:
  mutable std::optional<EvidenceExplanation> evidence_;
};

/// What an explainer gives. Written as explain/<name>.json and .safetensors (.npz on request)
/// beside its figures.
struct Explained {
  Section section;
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  TensorFile tensors = {};
  std::map<std::string, std::string> files = {};  // figures by name: PNG or SVG

  void add_png(const std::string& name, const Image& image, const std::string& alt,
               const std::string& caption);
  void add_svg(const std::string& name, const std::string& svg, const std::string& caption);
};

/// What a method cannot do without.
struct ExplainerNeeds {
  bool run = false;       // a sampling run, by inversion if need be; else any picture will do
  bool words = false;     // of the prompt, with alternatives
  bool factors = false;   // that something reads off pictures
  bool branches = false;  // the estimates with and without prompt at every step of the run
};

struct Explainer {
  std::string name;      // of --methods and of the files
  std::string question;  // what it answers
  ExplainerNeeds needs;
  /// Denoiser evaluations (of one picture), known before it runs.
  std::function<int64_t(const ExplainContext&)> cost;
  std::function<Explained(const ExplainContext&)> explain;
};

/// All, in the order of the report.
const std::vector<Explainer>& explainers();

}  // namespace noisescope
