// The explanation report: every method on one subject, as one HTML file with its numbers and arrays beside.
#pragma once

#include <filesystem>

#include "noisescope/report/page.h"

namespace noisescope::report {

struct ExplainRequest {
  SubjectRequest subject;
  std::vector<std::string> methods = {};  // ids; empty: all
  ConfigNode settings = {};               // options of methods: {id: {option: value}}
  double budget_seconds = 0;              // leave out what would exceed it; 0: no limit
  bool npz = false;                       // arrays also as .npz, beside .safetensors
  std::string command_line = {};          // as typed
  std::filesystem::path out;              // folder
};

/// A method that was not run, and why.
struct LeftOut {
  std::string method, reason;
};

struct ExplanationReport {
  nlohmann::ordered_json json;  // by method, with "left_out"
  std::vector<LeftOut> left_out;
};

/// Seconds that one picture takes in a pass of the denoiser, measured now.
double seconds_per_evaluation(const Model& model);

using PageObserver = std::function<void(const Method& method, const Page& page)>;

/// Makes the subject and runs the methods asked for within the budget (measured on the model at hand: cost x seconds
/// of an evaluation). Writes out/<id>.{json,safetensors}, their figures, and out/report.html anew after each method, so
/// that it can be read while the rest runs. `on_page` hears of each method when it is done. A method that throws is
/// left out with its reason, unless it was asked for by name or interrupted. Throws ValueError for an unknown method
/// and where all that were asked for by name are left out, ConfigError for settings that are no options, and as
/// make_subject does.
ExplanationReport explanation_report(const Model& model, const ExplainRequest& request, const Control& control = {},
                                     const PageObserver& on_page = {});

/// The answers of one subject, each computed once.
class Answers {
 public:
  Answers(const Subject& subject, const ConfigNode& settings, Control control)
      : subject_(subject), settings_(settings), control_(std::move(control)) {}

  /// Throws what the method throws.
  const Answer& of(const Method& method);
  /// The page of a method.
  Page page(const Method& method);

 private:
  const Subject& subject_;
  const ConfigNode& settings_;
  Control control_;
  std::map<std::string, Answer> known_;
};

/// Writes what one method gave, without a report; its arrays as .safetensors and, with `npz`, as .npz.
void write_page(const Page& page, const Answer& answer, const std::string& id, const std::filesystem::path& folder,
                bool npz = false);

}  // namespace noisescope::report
