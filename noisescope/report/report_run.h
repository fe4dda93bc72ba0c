// The report of a run: one HTML file made of what the run folder holds.
#pragma once

#include "noisescope/model/text_to_image.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::report {

struct ReportRequest {
  std::vector<std::string> prompts;  // explained and filmed; empty: examples of the data
  bool no_animation = false;
  std::string command_line;  // as typed
};

/// Evaluates if there is no evaluation.json yet, draws, films and explains the prompts, and writes
/// report.html. Throws as the parts do.
void report_run(const TextToImage& model, const RunConfig& config, const RunFolder& folder,
                const ReportRequest& request, const Control& control);

}  // namespace noisescope::report
