#include "noisescope/live/session.h"

#include <algorithm>
#include <cmath>

#include "noisescope/io/config.h"
#include "noisescope/live/prompt_words.h"
#include "noisescope/live/session_request.h"
#include "noisescope/live/shown_planes.h"

namespace noisescope::live {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMostPictures = 16, kMostSteps = 250, kMostPaths = 64;
constexpr size_t kMostWhys = 32;                    // beyond, the oldest answer is forgotten
constexpr double kMostBytes = 512.0 * 1024 * 1024;  // of the steps of all branches

/// The edge nearest to a log-SNR.
size_t nearest_edge(const LiveEvidence& evidence, double log_snr) {
  size_t best = 0;
  for (size_t e = 1; e < evidence.edges.size(); ++e) {
    if (std::abs(evidence.edge_level(e) - log_snr) < std::abs(evidence.edge_level(best) - log_snr)) best = e;
  }
  return best;
}

double mean_total(const std::vector<double>& maps, int64_t paths) {
  double sum = 0;
  for (const double value : maps) sum += value;
  return sum / static_cast<double>(paths);
}

Json word_json(const PromptContrast& contrast, const LiveEvidence& evidence) {
  double end = 0;
  for (int64_t path = 0; path < evidence.paths; ++path) {
    end += evidence.decision(path).back() / static_cast<double>(evidence.paths);
  }
  const bool shown = end >= 0.5;
  Json json = contrast_json(contrast);
  json["ln_k"] = std::log(static_cast<double>(evidence.versions));
  json["shown"] = shown;
  json["note"] =
      shown ? ""
            : format_text("The model gives \"{}\" only {:.2f} at the end: by its account the picture does not show it.",
                          contrast.word, end);
  json["model"] = word_evidence(evidence);
  return json;
}

/// What one pixel says of a word: mean over paths, and of each path.
std::vector<double> nats_at(const LiveEvidence& evidence, int64_t pixel) {
  const std::vector<double> maps = evidence.map(0, evidence.edges.size() - 1);
  std::vector<double> of_paths;
  for (int64_t path = 0; path < evidence.paths; ++path) {
    of_paths.push_back(maps[static_cast<size_t>(path * evidence.pixels + pixel)]);
  }
  return of_paths;
}

}  // namespace

Json LiveSession::call(const std::string& what, const Json& request) {
  using Handler = Json (LiveSession::*)(const Json&);
  static const std::map<std::string, Handler> handlers = {
      {"model", &LiveSession::model},
      {"words", &LiveSession::words},
      {"draw", &LiveSession::draw},
      {"change", &LiveSession::change},
      {"advance", &LiveSession::advance},
      {"state", &LiveSession::state},
      {"remove", &LiveSession::remove},
      {"why", &LiveSession::why},
      {"why_advance", &LiveSession::why_advance},
      {"why_answer", &LiveSession::why_answer},
      {"why_map", &LiveSession::why_map},
      {"why_pixel", &LiveSession::why_pixel},
      {"why_remove", &LiveSession::why_remove},
  };
  const auto found = handlers.find(what);
  if (found == handlers.end()) throw ValueError("[live] expected a request that there is, got " + in_quotes(what));
  try {
    return (this->*found->second)(request);
  } catch (const Json::exception& error) {
    throw ValueError("[live] expected a request of " + what + ", got: " + error.what());
  }
}

Json LiveSession::model(const Json&) {
  return {{"name", model_.description().at("name")},
          {"image", {model_.channels(), model_.side(), model_.side()}},
          {"log_snr_max", model_.log_snr_max()},
          {"words", model_.tokenizer().known_words()},
          {"sample", to_json(model_.sample())},
          {"page", model_.description().value("page", Json::object())},
          {"limits", {{"pictures", kMostPictures}, {"steps", kMostSteps}, {"paths", kMostPaths}}}};
}

Json LiveSession::words(const Json& request) {
  RequestFields fields(request, "a prompt");
  const std::string prompt = fields.text("prompt");
  fields.finish();
  return prompt_json(model_, prompt);
}

void LiveSession::check_room(int64_t steps, int64_t pictures) const {
  const auto bytes = [&](int64_t own, int64_t count) {
    return static_cast<double>(own * count * model_.picture_size()) * 4 * sizeof(float);
  };
  double sum = bytes(steps, pictures);
  for (const auto& [id, branch] : branches_) {
    sum += bytes(branch.drawing.count() - branch.from, branch.drawing.plan().pictures);
  }
  if (sum <= kMostBytes) return;
  throw ValueError(
      format_text("[live] expected the steps of all branches in {:.0f} MiB, got more; delete some, or draw "
                  "fewer pictures or steps",
                  kMostBytes / 1024 / 1024));
}

Json LiveSession::enter(Branch branch) {
  check_room(branch.drawing.count() - branch.from, branch.drawing.plan().pictures);
  branches_.emplace(++last_branch_, std::move(branch));
  return {{"branch", branch_json(last_branch_)}};
}

Json LiveSession::draw(const Json& request) {
  RequestFields fields(request, "a drawing");
  const std::string prompt = fields.text("prompt"), negative = fields.text("negative_prompt");
  const int64_t seed = fields.whole("seed", 0, 0, kLargestSeed);
  const int64_t pictures = fields.whole("pictures", 1, 1, kMostPictures);
  const SamplingSettings sample =
      fields.has("options") ? settings_with(model_.sample(), fields.member("options")) : model_.sample();
  fields.finish();
  if (sample.grid.steps > kMostSteps) {
    throw ValueError(format_text("[live] expected at most {} steps, got {}", kMostSteps, sample.grid.steps));
  }
  DrawingPlan plan{sample, model_.condition(prompt), model_.condition(negative), static_cast<uint64_t>(seed), pictures};
  return enter({0, 0, prompt, negative, "", Json::array({request}), Drawing(model_, std::move(plan))});
}

Json LiveSession::change(const Json& request) {
  const Branch& parent = branch_of(request);
  RequestFields fields(request, "a change");
  const int64_t id = fields.whole("branch", 0, 1, last_branch_);
  DrawingChange change = read_change(fields);
  const std::string prompt = fields.text("prompt", parent.prompt);
  fields.finish();
  if (fields.has("prompt")) change.condition = model_.condition(prompt);
  if (change.step < parent.from) {
    throw ValueError(
        format_text("[live] expected a step from {} on, where this branch begins, got {}; change its "
                    "parent before that",
                    parent.from, change.step));
  }
  Json recipe = parent.recipe, own = request;
  own.erase("branch");
  recipe.push_back(own);
  return enter({id, change.step, prompt, parent.negative_prompt, change_text(own, parent.prompt), recipe,
                parent.drawing.changed(change)});
}

LiveSession::Branch& LiveSession::branch_of(const Json& request) {
  const auto id = request.at("branch").get<int64_t>();
  const auto found = branches_.find(id);
  if (found != branches_.end()) return found->second;
  throw ValueError(format_text("[live] there is no branch {}; it may have been deleted", id));
}

Json LiveSession::branch_json(int64_t id) const {
  const Branch& branch = branches_.at(id);
  const Drawing& drawing = branch.drawing;
  const DrawingPlan& plan = drawing.plan();
  Json log_snrs = Json::array(), timesteps = Json::array();
  for (const double sigma : drawing.sigmas()) {
    log_snrs.push_back(sigma > 0 ? Json(-2 * std::log(sigma)) : Json());
    timesteps.push_back(sigma > 0 ? timestep_of(model_.schedule(), sigma) : 0.0);
  }
  return {{"id", id},
          {"parent", branch.parent ? Json(branch.parent) : Json()},
          {"prompt", branch.prompt},
          {"negative_prompt", branch.negative_prompt},
          {"seed", plan.seed},
          {"pictures", plan.pictures},
          {"from", branch.from},
          {"steps", drawing.count()},
          {"drawn", drawing.is_done() ? drawing.count() : std::max<int64_t>(drawing.done() - 1, 0)},
          {"log_snrs", log_snrs},
          {"timesteps", timesteps},
          {"guidance", plan.sample.guidance.scale},
          {"solver", to_string(plan.sample.sampler.solver)},
          {"change", branch.parent ? branch.recipe.back() : Json()},
          {"what", branch.what},
          {"recipe", branch.recipe}};
}

Json LiveSession::advance(const Json& request) {
  Branch& branch = branch_of(request);
  const bool more = branch.drawing.advance();
  return {{"branch", branch_json(request.at("branch").get<int64_t>())}, {"more", more}};
}

Json LiveSession::state(const Json& request) {
  ShownState shown = shown_state(model_, branch_of(request).drawing, request.at("state").get<int64_t>());
  bytes_ = std::move(shown.bytes);
  return {{"scales", shown.scales}};
}

Json LiveSession::remove(const Json& request) {
  branch_of(request);  // throws where there is none
  std::vector<int64_t> gone = {request.at("branch").get<int64_t>()};
  for (const auto& [id, branch] : branches_) {  // children have higher numbers
    if (std::find(gone.begin(), gone.end(), branch.parent) != gone.end()) gone.push_back(id);
  }
  for (const int64_t id : gone) branches_.erase(id);
  return {{"deleted", gone}};
}

Json LiveSession::why(const Json& request) {
  const Branch& branch = branch_of(request);
  RequestFields fields(request, "a question");
  Why why;
  why.branch = fields.whole("branch", 0, 1, last_branch_);
  why.picture = fields.whole("picture", 0, 0, branch.drawing.plan().pictures - 1);
  why.paths = fields.whole("paths", 4, 2, kMostPaths);
  why.contrasts = live_contrasts(model_, branch.prompt, fields.texts("words"), fields.texts("alternatives"));
  fields.finish();
  if (!branch.drawing.is_done()) throw ValueError("[live] expected a finished branch; wait until it is drawn");
  const auto begin = branch.drawing.pictures().begin() + why.picture * model_.picture_size();
  why.image.assign(begin, begin + model_.picture_size());
  int64_t total = 0;
  for (const PromptContrast& contrast : why.contrasts) {
    EvidenceQuestion question{why.image, {}, contrast.true_version, why.paths, branch.drawing.plan().seed};
    for (const std::string& prompt : contrast.prompts) question.versions.push_back(model_.condition(prompt));
    why.walks.emplace_back(model_, std::move(question));
    total += why.walks.back().count();
  }
  whys_.emplace(++last_why_, std::move(why));
  if (whys_.size() > kMostWhys) whys_.erase(whys_.begin());
  return {{"why", last_why_}, {"total", total}};
}

const LiveSession::Why& LiveSession::why_of(const Json& request) const {
  const auto id = request.at("why").get<int64_t>();
  const auto found = whys_.find(id);
  if (found == whys_.end()) throw ValueError(format_text("[live] there is no answer {}", id));
  return found->second;
}

Json LiveSession::why_advance(const Json& request) {
  why_of(request);  // throws where there is none
  Why& why = whys_.at(request.at("why").get<int64_t>());
  int64_t done = 0;
  for (EvidenceWalk& walk : why.walks) {
    if (walk.done() < walk.count()) {
      walk.advance();
      done += walk.done();
      break;
    }
    done += walk.done();
  }
  const EvidenceWalk& last = why.walks.back();
  return {{"done", done}, {"more", last.done() < last.count()}};
}

Json LiveSession::why_answer(const Json& request) {
  const Why& why = why_of(request);
  Json json = {{"branch", why.branch},  {"picture", why.picture},
               {"paths", why.paths},    {"log_snrs", why.walks.front().evidence().log_snrs},
               {"sources", {"model"}},  {"blind", {"background", "edges"}},
               {"words", Json::array()}};
  for (size_t k = 0; k < why.walks.size(); ++k) {
    json["words"].push_back(word_json(why.contrasts[k], why.walks[k].evidence()));
  }
  return json;
}

Json LiveSession::why_map(const Json& request) {
  const Why& why = why_of(request);
  RequestFields fields(request, "a map");
  fields.member("why");
  const auto word = static_cast<size_t>(fields.whole("word", 0, 0, static_cast<int64_t>(why.walks.size()) - 1));
  const LiveEvidence& evidence = why.walks[word].evidence();
  const std::string source = fields.text("source", "model");
  size_t from = 0, to = evidence.edges.size() - 1;
  if (fields.has("from") || fields.has("to")) {
    from = std::min(nearest_edge(evidence, fields.number("from")), evidence.edges.size() - 2);
    to = std::max(nearest_edge(evidence, fields.number("to")), from + 1);
  }
  fields.finish();
  const std::vector<double> maps = evidence.map(from, to);
  const std::string blind = "blind:";
  if (source != "model" && !source.starts_with(blind)) {
    throw ValueError("[live] expected a source 'model' or a blind one, got " + in_quotes(source));
  }
  bytes_ = source == "model"
               ? mean_and_half_bytes(maps, evidence.paths)
               : blind_map_bytes(model_, why.image, source.substr(blind.size()), mean_total(maps, evidence.paths));
  return {{"window", {evidence.edge_level(from), evidence.edge_level(to)}}};
}

Json LiveSession::why_pixel(const Json& request) {
  const Why& why = why_of(request);
  RequestFields fields(request, "a pixel");
  fields.member("why");
  const int64_t x = fields.whole("x", 0, 0, model_.side() - 1), y = fields.whole("y", 0, 0, model_.side() - 1);
  fields.finish();
  const int64_t pixel = y * model_.side() + x;
  std::vector<std::pair<double, Json>> ranked;
  for (size_t k = 0; k < why.walks.size(); ++k) {
    const LiveEvidence& evidence = why.walks[k].evidence();
    const std::vector<double> nats = nats_at(evidence, pixel);
    const double at = evidence.decided_at(pixel), mean = mean_total(nats, evidence.paths);
    ranked.emplace_back(
        std::abs(mean),
        Json{{"word", k}, {"nats", estimate_of(nats)}, {"decided_at", std::isfinite(at) ? Json(at) : Json()}});
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  Json words = Json::array();
  for (auto& [size, json] : ranked) words.push_back(std::move(json));
  return {{"words", std::move(words)}};
}

Json LiveSession::why_remove(const Json& request) {
  why_of(request);  // throws where there is none
  whys_.erase(request.at("why").get<int64_t>());
  return Json::object();
}

}  // namespace noisescope::live
