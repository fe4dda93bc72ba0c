#include "noisescope/studio/ask.h"

#include <algorithm>
#include <chrono>
#include <sstream>

#include "noisescope/core/format.h"
#include "noisescope/explain/subject.h"
#include "noisescope/report/explain_report.h"

namespace noisescope::studio {
namespace {

/// {method: settings} of the question's one method.
ConfigNode settings_of_question(const Question& question) {
  Json tree = Json::object();
  if (question.methods.size() == 1) tree[question.methods.front()] = question.settings;
  ConfigNode settings = config_from_json(tree, "settings");
  check_settings(settings);
  return settings;
}

SubjectRequest subject_request(const Branch& branch, const Question& question) {
  SubjectRequest request;
  request.words = question.words;
  request.alternatives = question.alternatives;
  request.recorded = question.picture;
  request.paths = question.paths;
  request.seed = branch.request.seed;
  return request;
}

SamplingOptions sample_of(const Branch& branch) {
  SamplingOptions sample = branch.request.sample;
  sample.guidance.scale = branch.trajectory->sampling().guidance.scale;
  return sample;
}

/// The branch with further pictures behind its own, where it is a first one.
Trajectory with_more(const Model& model, const Branch& branch, int64_t pictures, const Control& control) {
  const int64_t own = branch.trajectory->count();
  if (branch.change() || own >= pictures) return *branch.trajectory;
  const DrawRequest& drawn = branch.request;
  const std::vector<std::string> prompts(static_cast<size_t>(pictures - own), drawn.prompt);
  return joined(*branch.trajectory,
                draw_trajectory(model, {prompts, drawn.negative_prompt, drawn.seed, own}, drawn.sample), control);
}

/// Of the same size as with_more, without drawing: for costs.
Trajectory as_many(const Branch& branch, int64_t pictures) {
  std::vector<int64_t> rows = sample_range(0, branch.trajectory->count());
  while (!branch.change() && static_cast<int64_t>(rows.size()) < pictures) rows.push_back(0);
  return branch.trajectory->rows(rows);
}

std::string obstacle_of(const Method& method, const Subject& subject) {
  if (method.needs.trajectory && subject.trajectory.count() < 2) {
    return "it looks at several pictures, and this branch has one; draw its first branch with more";
  }
  return obstacle(method, subject);
}

Json section_json(const Section& section) {
  Json numbers = Json::array(), tables = Json::array(), figures = Json::array();
  for (const KeyNumber& n : section.numbers) {
    numbers.push_back({{"label", n.label}, {"value", n.value}, {"detail", n.detail}, {"meaning", n.meaning}});
  }
  for (const Table& t : section.tables)
    tables.push_back({{"caption", t.caption}, {"header", t.header}, {"rows", t.rows}});
  for (const Figure& f : section.figures) {
    figures.push_back({{"file", f.file}, {"caption", f.caption}});
  }
  return {{"title", section.title},
          {"warning", section.warning},
          {"prose", section.prose},
          {"numbers", numbers},
          {"tables", tables},
          {"figures", figures},
          {"preformatted", section.preformatted}};
}

}  // namespace

Json costs_json(const Model& model, const Branch& branch, const Question& question, double seconds_per_evaluation) {
  const ConfigNode settings = settings_of_question(question);
  const Subject subject = subject_of(model, as_many(branch, question.pictures), sample_of(branch), branch.prompt,
                                     subject_request(branch, question));
  for (const std::string& id : question.methods) find_method(id);
  Json list = Json::array();
  for (const Method& method : methods()) {
    const auto& wanted = question.methods;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), method.id) == wanted.end()) continue;
    const std::string reason = obstacle_of(method, subject);
    const int64_t evaluations = reason.empty() ? method.cost(subject, settings_of(settings, method)) : 0;
    Json one = {{"id", method.id}, {"obstacle", reason}, {"evaluations", evaluations}, {"seconds", nullptr}};
    if (seconds_per_evaluation > 0) one["seconds"] = seconds_per_evaluation * static_cast<double>(evaluations);
    list.push_back(std::move(one));
  }
  return {{"methods", list}};
}

Asked ask(const Model& model, const Branch& branch, const Question& question, const Control& control) {
  if (question.methods.size() != 1) {
    throw ValueError(format_text("[studio.ask] expected one method, got {}", question.methods.size()));
  }
  const Method& method = find_method(question.methods.front());
  const ConfigNode settings = settings_of_question(question);
  const auto begin = std::chrono::steady_clock::now();
  const Trajectory trajectory =
      method.needs.trajectory ? with_more(model, branch, question.pictures, control) : *branch.trajectory;
  const Subject subject =
      subject_of(model, trajectory, sample_of(branch), branch.prompt, subject_request(branch, question));
  const std::string reason = obstacle_of(method, subject);
  if (!reason.empty()) throw ValueError("[studio.ask] " + method.id + " cannot be asked: " + reason);
  Answers answers(subject, settings, control);
  Page page = answers.page(method);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  Asked asked{{{"method", method.id},
               {"question", method.question},
               {"branch", branch.id},
               {"picture", question.picture},
               {"seconds", seconds.count()}},
              std::move(page.files)};
  asked.json.update(section_json(page.section));
  asked.json["warnings"] = page.warnings;
  asked.json["json"] = std::move(page.json);
  const TensorFile arrays = answer_tensors(answers.of(method));
  if (!arrays.tensors.empty()) {
    std::ostringstream bytes;
    write_safetensors(bytes, arrays);
    asked.files["answer.safetensors"] = bytes.str();
  }
  return asked;
}

}  // namespace noisescope::studio
