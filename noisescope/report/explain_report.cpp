#include "noisescope/report/explain_report.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/npz.h"
#include "noisescope/io/file.h"

namespace noisescope::report {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

bool is_named(const ExplainRequest& request, const std::string& id) {
  return std::find(request.methods.begin(), request.methods.end(), id) != request.methods.end();
}

std::string left_out_text(const std::vector<LeftOut>& left_out) {
  std::string text;
  for (const LeftOut& out : left_out) text += out.method + ": " + out.reason + ".\n\n";
  return text;
}

/// Where the trajectory of a report comes from, in words.
std::string origin_text(const Subject& subject, const SubjectRequest& request) {
  const std::string seed = std::to_string(subject.trajectory.noise().random.seed());
  const std::string count = std::to_string(subject.trajectory.count());
  switch (subject.origin) {
    case TrajectoryOrigin::drawn:
      return count + " pictures drawn by " + subject.model.name + " with seed " + seed + ", the first one explained.";
    case TrajectoryOrigin::recorded:
      return "picture " + std::to_string(request.recorded) + " of a record with seed " + seed +
             (subject.added == 0 ? "; intervals over the " + count + " pictures of its prompt."
                                 : ", the only one of its prompt; " + std::to_string(subject.added) +
                                       " further ones were drawn as it was, for intervals.");
    case TrajectoryOrigin::inverted:
      return "an existing picture. Methods that look at a trajectory stand on " + count +
             " found by its edit-friendly inversion; their intervals are over the noise of the inversion.";
  }
  return "";
}

/// A method that was asked for by name must not be left out for a record that kept too little.
void check_record(const Subject& subject, const ExplainRequest& request) {
  if (subject.trajectory.has_both_branches()) return;
  for (const Method& method : methods()) {
    if (!method.needs.branches || !is_named(request, method.id)) continue;
    throw ModelError(
        "[report.explain] expected a record with the estimates with and without prompt at every step for '" +
        method.id + "', got one that lacks some; make one with 'noisescope sample --record full'");
  }
}

constexpr const char* kInverted =
    "This section stands on trajectories by inversion of the picture, with a stochastic sampler: their noise carries "
    "the picture and is not white.";

/// Runs the methods one after the other and keeps the report up to date.
class ReportRun {
 public:
  ReportRun(const Subject& subject, const ExplainRequest& request, const Control& control)
      : subject_(subject),
        request_(request),
        answers_(subject, request.settings, control),
        each_(seconds_per_evaluation(subject.model)),
        report_{"What the noise of one picture says",
                "\"" + subject.prompt + "\", " + origin_text(subject, request.subject),
                {}} {
    result_.json["prompt"] = subject.prompt;
    result_.json["model"] = subject.model.name;
    result_.json["trajectory"] = {{"origin", to_string(subject.origin)}, {"pictures", subject.trajectory.count()}};
  }

  void run(const Method& method, const PageObserver& on_page) {
    const std::string reason = reason_against(method);
    if (!reason.empty()) return leave_out(method, reason);
    Page page;
    try {
      page = answers_.page(method);
    } catch (const Interrupted&) {
      throw;
    } catch (const std::exception& error) {
      if (is_named(request_, method.id)) failure_ = std::current_exception();
      return leave_out(method, error.what());
    }
    if (subject_.is_inverted() && method.needs.trajectory) {
      page.section.prose += std::string("\n\n") + kInverted;
      result_.json["trajectory"]["methods"].push_back(method.id);
    }
    write_page(page, answers_.of(method), method.id, request_.out, request_.npz);
    if (on_page) on_page(method, page);
    result_.json[method.id] = std::move(page.json);
    report_.sections.push_back(std::move(page.section));
    write(" (still running)");
  }

  /// If none of the methods asked for by name answered, throws what one threw; ValueError where all were left out.
  ExplanationReport finish() {
    if (report_.sections.empty() && failure_) std::rethrow_exception(failure_);
    if (report_.sections.empty() && !request_.methods.empty()) {
      const LeftOut& first = result_.left_out.front();
      throw ValueError(
          format_text("[report.explanation_report] expected a method that can be asked, got {} left out: {}",
                      first.method, first.reason));
    }
    write("");
    return std::move(result_);
  }

 private:
  std::string reason_against(const Method& method) const {
    std::string reason = obstacle(method, subject_);
    if (!reason.empty() || request_.budget_seconds <= 0) return reason;
    const double estimate = each_ * double(method.cost(subject_, settings_of(request_.settings, method)));
    const double left = request_.budget_seconds - seconds_since(begin_);
    if (estimate <= left) return "";
    return format_text("it would take about {:.0f} s, {:.0f} s are left of the budget", estimate, std::max(0.0, left));
  }

  void leave_out(const Method& method, const std::string& reason) {
    result_.left_out.push_back({method.id, reason});
    result_.json["left_out"][method.id] = reason;
  }

  void write(const std::string& state) const {
    Report whole = report_;
    Section made{"Settings", left_out_text(result_.left_out), {}, {}, {}, {}};
    if (!result_.left_out.empty()) made.prose = "Left out.\n\n" + made.prose;
    made.prose +=
        "Seed " + std::to_string(subject_.seed) + format_text(", {:.0f} s", seconds_since(begin_)) + state + ".";
    if (!request_.command_line.empty()) made.prose += " Made by: " + request_.command_line;
    whole.sections.push_back(std::move(made));
    write_file_atomic(request_.out / "report.html", to_html(whole));
  }

  const Subject& subject_;
  const ExplainRequest& request_;
  Answers answers_;
  double each_;
  Clock::time_point begin_ = Clock::now();
  Report report_;
  ExplanationReport result_;
  std::exception_ptr failure_;
};

}  // namespace

double seconds_per_evaluation(const Model& model) {
  constexpr int64_t kRows = 64;
  std::vector<int64_t> shape = {kRows};
  shape.insert(shape.end(), model.image_shape.begin(), model.image_shape.end());
  const Tensor x = torch::zeros(shape, torch::device(model.device));
  const Tensor sigma = torch::ones({kRows}, x.options());
  const Tensor condition = model.null_condition(kRows);
  const auto pass = [&] { return model.denoiser(x, sigma, condition).sum().item<double>(); };
  pass();
  double least = std::numeric_limits<double>::infinity();
  for (int round = 0; round < 3; ++round) {  // the least disturbed of them
    const auto begin = Clock::now();
    pass();
    least = std::min(least, seconds_since(begin));
  }
  return least / kRows;
}

const Answer& Answers::of(const Method& method) {
  const auto known = known_.find(method.id);
  if (known != known_.end()) return known->second;
  return known_.emplace(method.id, method.ask(subject_, settings_of(settings_, method), control_)).first->second;
}

Page Answers::page(const Method& method) {
  const auto other = [&](const std::string& id) -> const Answer* {
    const Method& asked = find_method(id);
    return obstacle(asked, subject_).empty() ? &of(asked) : nullptr;
  };
  return page_of(method, {subject_, of(method), settings_of(settings_, method), other, control_});
}

void write_page(const Page& page, const Answer& answer, const std::string& id, const std::filesystem::path& folder,
                bool npz) {
  make_folder(folder);
  write_file_atomic(folder / (id + ".json"), page.json.dump(2));
  const TensorFile arrays = answer_tensors(answer);
  if (!arrays.tensors.empty()) {
    write_safetensors(folder / (id + ".safetensors"), arrays);
    if (npz) write_npz(folder / (id + ".npz"), arrays.tensors);
  }
  for (const auto& [name, bytes] : page.files) write_file_atomic(folder / name, bytes);
}

ExplanationReport explanation_report(const Model& model, const ExplainRequest& request, const Control& control,
                                     const PageObserver& on_page) {
  for (const std::string& id : request.methods) find_method(id);
  check_settings(request.settings);
  make_folder(request.out);
  const Subject subject = make_subject(model, request.subject, control);
  check_record(subject, request);
  ReportRun run(subject, request, control);
  for (const Method& method : methods()) {
    if (request.methods.empty() || is_named(request, method.id)) run.run(method, on_page);
  }
  return run.finish();
}

}  // namespace noisescope::report
