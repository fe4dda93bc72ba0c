#include "noisescope/studio/sweep.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/format.h"
#include "noisescope/studio/changes.h"
#include "noisescope/studio/evidence_json.h"
#include "noisescope/studio/planes.h"

namespace noisescope::studio {
namespace {

constexpr double kVisible = 2.0 / 12;  // of values in [-1, 1]: a twelfth of their range

/// Reads labels off pictures [B, C, H, W]: [B, L].
struct Reading {
  std::vector<std::string> labels;
  std::function<Tensor(const Tensor& pictures)> of;
};

bool is_read_exactly(const Model& model) { return model.world || model.is_exact(); }

WordReader reader_of(const Model& model, const std::vector<std::string>& texts) {
  if (model.world) return exact_reader(*model.world, texts);
  return model.reader ? model.reader(texts) : WordReader{};
}

/// Of texts that exclude each other [B, K], on the CPU: probabilities of an exact reader, else 1 for the best.
Tensor shares_of(const Model& model, const Tensor& scores) {
  if (is_read_exactly(model)) {
    const Tensor odds = scores.to(torch::kCPU, torch::kFloat64);
    return (odds.clamp_max(0) - odds.abs().neg().exp().log1p()).softmax(1);  // ln of the sigmoid
  }
  return torch::one_hot(scores.argmax(1), scores.size(1)).to(torch::kCPU, torch::kFloat64);
}

/// The versions of the word that the change changes, the own one first; of another prompt, both prompts.
Reading reading_of_change(const Model& model, const std::string& before, const std::string& after) {
  for (const PromptContrast& contrast : contrasts_of(model, before, {}, {})) {
    const auto found = std::find(contrast.prompts.begin(), contrast.prompts.end(), after);
    if (found == contrast.prompts.end()) continue;
    const WordReader reader = reader_of(model, contrast.prompts);
    if (!reader) return {};
    const auto to = static_cast<int64_t>(found - contrast.prompts.begin());
    return {{contrast.values[size_t(contrast.true_version)], contrast.values[size_t(to)]},
            [=, own = contrast.true_version](const Tensor& pictures) {
              return shares_of(model, reader(pictures)).index_select(1, torch::tensor({own, to}));
            }};
  }
  const WordReader reader = reader_of(model, {before, after});
  if (!reader) return {};
  return {{before, after}, [=](const Tensor& pictures) { return shares_of(model, reader(pictures)); }};
}

/// Each word of the prompt whose alternatives are known.
Reading reading_of_prompt(const Model& model, const std::string& prompt) {
  Reading reading;
  std::vector<std::pair<WordReader, int64_t>> words;
  for (const PromptContrast& contrast : contrasts_of(model, prompt, {}, {})) {
    const WordReader reader = reader_of(model, contrast.prompts);
    if (!reader) return {};
    reading.labels.push_back(contrast.name);
    words.emplace_back(reader, contrast.true_version);
  }
  reading.of = [=](const Tensor& pictures) {
    std::vector<Tensor> columns;
    for (const auto& [reader, own] : words) columns.push_back(shares_of(model, reader(pictures)).select(1, own));
    return torch::stack(columns, 1);
  };
  return reading;
}

/// Nothing for prompts that the reader cannot take.
Reading reading_of(const Model& model, const Branch& branch, const SweepRequest& request) {
  try {
    if (request.change && request.change->prompt) {
      return reading_of_change(model, branch.prompt, *request.change->prompt);
    }
    return reading_of_prompt(model, branch.prompt);
  } catch (const ValueError&) {
    return {};
  }
}

SweepPoint point_of(double at, const Tensor& drawn, const Tensor& before, const Reading& reading) {
  const Tensor pictures = drawn.to(torch::kCPU);
  const Tensor far = (pictures - before).abs().amax(1) > kVisible;
  return {at, pictures, reading.labels.empty() ? Tensor() : reading.of(pictures).to(torch::kCPU, torch::kFloat64),
          far.to(torch::kFloat64).mean({1, 2})};
}

/// The change at a step, or guidance at a scale.
Change change_at(const Model& model, const Branch& branch, const SweepRequest& request, double at) {
  if (!request.change) return {.step = branch.from, .scale = at};
  ChangeRequest change = *request.change;
  change.step = static_cast<int64_t>(at);
  return change_of(change, model, *branch.trajectory);
}

}  // namespace

Sweep sweep(const Model& model, const Branch& branch, const SweepRequest& request, const Control& control) {
  const torch::NoGradGuard no_grad;
  const Tensor before = branch.trajectory->pictures().to(torch::kCPU);
  const Reading reading = reading_of(model, branch, request);
  Sweep sweep{branch.id, request.change.has_value(), reading.labels, is_read_exactly(model)};
  for (size_t k = 0; k < request.at.size(); ++k) {
    control.throw_if_stopped("studio.sweep");
    const Change change = change_at(model, branch, request, request.at[k]);
    const Tensor drawn = branch.trajectory->redraw(change, {}, {.progress = {}, .stop = control.stop});
    sweep.points.push_back(point_of(request.at[k], drawn, before, reading));
    control.report({.task = "sweep",
                    .done = static_cast<double>(k + 1),
                    .total = static_cast<double>(request.at.size()),
                    .unit = "drawings",
                    .detail = {}});
  }
  return sweep;
}

Json to_json(const Sweep& sweep) {
  Json x = Json::array(), moved = Json::array(), of_picture = Json::array();
  std::vector<Json> read(sweep.labels.size(), Json::array());
  for (const SweepPoint& point : sweep.points) {
    x.push_back(point.at);
    moved.push_back(estimate_json(point.moved));
    of_picture.push_back(Json::array());
    for (int64_t b = 0; b < point.moved.size(0); ++b) of_picture.back().push_back(Json::array());
    for (size_t label = 0; label < read.size(); ++label) {
      const Tensor column = point.read.select(1, static_cast<int64_t>(label)).contiguous();
      read[label].push_back(estimate_json(column));
      for (int64_t b = 0; b < column.size(0); ++b) of_picture.back()[size_t(b)].push_back(column[b].item<double>());
    }
  }
  return {{"branch", sweep.branch},
          {"over", sweep.over_steps ? "steps" : "guidance"},
          {"x", std::move(x)},
          {"labels", sweep.labels},
          {"probability", sweep.is_probability},
          {"read", read},
          {"moved", std::move(moved)},
          {"of_picture", std::move(of_picture)}};
}

std::string sweep_pictures(const Sweep& sweep) {
  std::string bytes;
  for (const SweepPoint& point : sweep.points) append_rgb(bytes, point.pictures);
  return bytes;
}

}  // namespace noisescope::studio
