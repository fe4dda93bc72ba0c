#include "noisescope/report/explain_page.h"

#include <algorithm>
#include <chrono>

#include "noisescope/core/error.h"
#include "noisescope/io/codec/npz.h"
#include "noisescope/io/file.h"
#include "noisescope/report/text_of.h"

namespace noisescope {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Seconds that one picture takes in a pass of the denoiser.
double seconds_per_evaluation(const TextToImage& model) {
  constexpr int64_t kRows = 64;
  const int64_t side = model.image_size();
  const Tensor x = torch::zeros({kRows, 3, side, side}, torch::device(model.device()));
  const Tensor sigma = torch::ones({kRows}, x.options());
  const Tensor condition = model.null_condition(kRows);
  const auto pass = [&] { return model.denoiser()(x, sigma, condition).sum().item<double>(); };
  pass();
  const auto begin = Clock::now();
  pass();
  return seconds_since(begin) / kRows;
}

/// Why a method cannot be run at all; "" if it can.
std::string obstacle(const Explainer& explainer, const ExplainContext& context) {
  if (explainer.needs.branches && !context.run.has_both_branches()) {
    return "the record lacks the estimates with or without prompt at some steps; make one with "
           "'noisescope sample --record full'";
  }
  if (explainer.needs.words && context.contrasts.empty()) {
    return "name a word with --word and others with --alternatives";
  }
  if (explainer.needs.factors && context.factors.factors.empty()) {
    return "nothing reads the factors of these pictures; name labels with --labels";
  }
  if (explainer.needs.factors &&
      (context.factors.read(context.picture.unsqueeze(0)) < 0).any().item<bool>()) {
    return "the picture cannot be read by " + context.factors.reader + "; name labels with "
                                                                       "--labels";
  }
  return "";
}

void check_methods(const std::vector<std::string>& methods) {
  std::vector<std::string> names;
  for (const Explainer& explainer : explainers()) names.push_back(explainer.name);
  for (const std::string& method : methods) {
    if (std::find(names.begin(), names.end(), method) != names.end()) continue;
    throw ValueError("[report.explain_run] expected methods of " + join(names) + ", got '" + method + "'");
  }
}

bool asked_for(const ExplainRequest& request, const std::string& method) {
  const auto& m = request.methods;
  return m.empty() || std::find(m.begin(), m.end(), method) != m.end();
}

std::string left_out_text(const std::vector<LeftOut>& left_out) {
  std::string text;
  for (const LeftOut& out : left_out) text += out.method + ": " + out.reason + ".\n\n";
  return text;
}

/// Where the run of a report comes from, in words.
std::string origin_text(const ExplainContext& context) {
  const ExplainedRun& run = context.run;
  const auto seed = static_cast<unsigned long long>(run.noise.random.seed());
  const auto count = static_cast<long long>(run.count());
  switch (run.origin) {
    case RunOrigin::drawn:
      return text_of("%lld pictures drawn with seed %llu, the first one explained.", count, seed);
    case RunOrigin::recorded:
      if (run.added == 0) {
        return text_of("picture %lld of a recorded run with seed %llu; intervals over the %lld "
                       "pictures of "
                       "its "
                       "prompt.", static_cast<long long>(context.request.recorded), seed, count);
      }
      return text_of("picture %lld of a recorded run with seed %llu, the only one of its prompt; "
                     "%lld further "
                     "ones were drawn as it was, for intervals.",
                     static_cast<long long>(context.request.recorded), seed,
                     static_cast<long long>(run.added));
    case RunOrigin::inverted:
      return text_of("an existing picture. Methods that look at a run stand on %lld runs found by "
                     "its "
                     "edit-friendly inversion; their intervals are over the noise of the "
                     "inversion.", count);
  }
  return "";
}

Report report_of(const ExplainContext& context) {
  return {"What the noise of one picture says",
          "\"" + context.request.prompt + "\", " + origin_text(context), {}};
}

/// A method that was asked for by name must not be left out for a record that kept too little.
void check_record(const ExplainContext& context) {
  if (context.run.has_both_branches()) return;
  for (const Explainer& explainer : explainers()) {
    const auto& named = context.request.methods;
    const bool asked = std::find(named.begin(), named.end(), explainer.name) != named.end();
    if (!explainer.needs.branches || !asked) continue;
    throw ModelError("[report.explain_run] expected a record with the estimates with and without "
                     "prompt at "
                     "every step for '" + explainer.name + "', got one that lacks some; make one "
                                                           "with "
                     "'noisescope sample --record full'");
  }
}

constexpr const char* kInverted =
    "This section stands on runs by inversion of the picture, with a stochastic sampler: their "
    "noise carries the "
    "picture and is not white.";

}  // namespace

void write_explained(const Explained& explained, const std::string& method,
                     const RunFolder& folder, bool npz) {
  const auto path = [&](const std::string& name) { return folder.explain() / name; };
  make_folder(folder.explain());
  write_file_atomic(path(method + ".json"), explained.json.dump(2));
  if (!explained.tensors.tensors.empty()) {
    write_safetensors(path(method + ".safetensors"), explained.tensors);
    if (npz) write_npz(path(method + ".npz"), explained.tensors.tensors);
  }
  for (const auto& [name, bytes] : explained.files) write_file_atomic(path(name), bytes);
}

ExplanationReport explain_run(const TextToImage& model, const RunConfig& config,
                              const RunFolder& folder, const ExplainRequest& request,
                              const Control& control,
                              const std::function<void(const std::string& method,
                                                       const nlohmann::ordered_json&)>& on_part) {
  const auto begin = Clock::now();
  check_methods(request.methods);
  const ExplainContext context(model, config, request, control);
  check_record(context);
  const double each = seconds_per_evaluation(model);
  Report report = report_of(context);
  ExplanationReport result;
  result.json["prompt"] = context.request.prompt;
  result.json["run"] = {{"origin", to_string(context.run.origin)}, {"runs", context.run.count()}};
  for (const Explainer& explainer : explainers()) {
    if (!asked_for(request, explainer.name)) continue;
    std::string reason = obstacle(explainer, context);
    const double estimate = reason.empty() ? each * double(explainer.cost(context)) : 0;
    const double left = request.budget_seconds - seconds_since(begin);
    if (reason.empty() && request.budget_seconds > 0 && estimate > left) {
      reason = text_of("it would take about %.0f s, %.0f s are left of the budget", estimate,
                       std::max(0.0, left));
    }
    if (!reason.empty()) {
      result.left_out.push_back({explainer.name, reason});
      result.json["left_out"][explainer.name] = reason;
      continue;
    }
    Explained explained = explainer.explain(context);
    if (context.is_inverted() && explainer.needs.run) {
      explained.section.prose += std::string("\n\n") + kInverted;
      result.json["run"]["methods"].push_back(explainer.name);
    }
    write_explained(explained, explainer.name, folder, request.npz);
    if (on_part) on_part(explainer.name, explained.json);
    result.json[explainer.name] = std::move(explained.json);
    report.sections.push_back(std::move(explained.section));
  }
  Section made{"Settings", left_out_text(result.left_out), {}, {}, {}, {}};
  if (!result.left_out.empty()) made.prose = "Left out.\n\n" + made.prose;
  made.prose += text_of("Seed %llu, %.0f s.", static_cast<unsigned long long>(request.seed),
                        seconds_since(begin));
  if (!request.command_line.empty()) made.prose += " Made by: " + request.command_line;
  report.sections.push_back(std::move(made));
  write_file_atomic(folder.explain() / "report.html", to_html(report));
  return result;
}

}  // namespace noisescope
