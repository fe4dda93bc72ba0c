#include "noisescope/explain/guidance_information.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"

namespace noisescope::explain {
namespace {

/// values / total along `dim`, 0 where the total is 0.
Tensor shares_of(const Tensor& values, const Tensor& total) {
  return torch::where(total > 0, values / total, torch::zeros_like(values));
}

/// log-SNR at which the running sum of `contributions` (one a cell) reaches half of their total.
double half_point(const std::vector<InformationCell>& cells, const Tensor& contributions) {
  const Tensor values = contributions.contiguous();
  const double* value = values.const_data_ptr<double>();
  const double half = values.sum().item<double>() / 2;
  if (!(half > 0)) return std::numeric_limits<double>::quiet_NaN();
  double reached = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (value[i] > 0 && reached + value[i] >= half) {
      return std::lerp(cells[i].begin, cells[i].end, (half - reached) / value[i]);
    }
    reached += value[i];
  }
  return cells.back().end;  // rounding left a rest
}

}  // namespace

Tensor GuidanceInformation::level_shares() const { return shares_of(profile, total()); }

Tensor GuidanceInformation::mean_level_shares() const {
  const Tensor sums = profile.sum(1);
  return shares_of(sums, sums.sum());
}

Tensor GuidanceInformation::density() const {
  std::vector<double> widths;
  for (const InformationCell& cell : cells) widths.push_back(cell.end - cell.begin);
  const Tensor width = torch::tensor(widths, torch::kFloat64).unsqueeze(1);
  return shares_of(profile, width);
}

Tensor GuidanceInformation::half_points() const {
  const Tensor out = torch::empty({profile.size(1)}, torch::kFloat64);
  for (int64_t b = 0; b < profile.size(1); ++b) out[b] = half_point(cells, profile.select(1, b));
  return out;
}

double GuidanceInformation::mean_half_point() const { return half_point(cells, profile.sum(1)); }

Tensor GuidanceInformation::region_shares() const {
  if (!regions.defined()) {
    throw ValueError(
        "[explain.region_shares] expected a run that was observed with masks, got "
        "none");
  }
  return shares_of(regions.sum(0), total().unsqueeze(1));
}

Tensor region_shares(const Tensor& map, const Tensor& masks) {
  check_shape("explain.region_shares", "map", map, {-1, -1, -1});
  check_shape("explain.region_shares", "masks", masks, {map.size(0), -1, map.size(1), map.size(2)});
  const Tensor weights = masks.to(map.scalar_type()).flatten(2);
  const Tensor rows = map.flatten(1).unsqueeze(2);
  return shares_of(weights.matmul(rows).squeeze(2), map.sum({1, 2}).unsqueeze(1));
}

GuidanceInformationObserver::GuidanceInformationObserver(const GuidanceOptions& guidance, Tensor masks)
    : is_unguided_(guidance.scale == 1.0), masks_(std::move(masks)) {
  if (masks_.defined()) {
    check_shape("explain.GuidanceInformationObserver", "masks", masks_, {-1, -1, -1, -1});
  }
}

SamplerObserver GuidanceInformationObserver::observer() {
  return [this](const SamplerStep& step) { observe(step); };
}

void GuidanceInformationObserver::observe(const SamplerStep& step) {
  const at::NoGradGuard no_grad;
  const double log_snr = log_snr_of(step.sigma);
  // A churned evaluation sits a little left of its place in the grid; cells never overlap.
  const double begin = cells_.empty() ? log_snr : cells_.back().end;
  const double middle = (log_snr + log_snr_of(step.sigma_next)) / 2;
  const double end = step.sigma_next > 0 ? std::max(begin, middle) : std::max(begin, log_snr);
  const bool covered = step.prediction.conditional.defined() && step.prediction.unconditional.defined();
  if (cells_.empty()) {
    check_shape("explain.GuidanceInformationObserver", "x", step.x, {-1, -1, -1, -1});
    const int64_t b = step.x.size(0), h = step.x.size(2), w = step.x.size(3);
    map_ = torch::zeros({b, h, w}, step.x.options());
    if (masks_.defined()) {
      check_shape("explain.GuidanceInformationObserver", "masks", masks_, {b, -1, h, w});
      masks_ = masks_.to(step.x.options()).flatten(2);
    }
  }
  cells_.push_back({log_snr, begin, end, covered});
  sums_.emplace_back();
  region_sums_.emplace_back();
  if (covered) accumulate(step, end - begin);
}

void GuidanceInformationObserver::accumulate(const SamplerStep& step, double width) {
  // eps_c - eps_u = (D_u - D_c) / sigma, whatever x is.
  const Tensor difference = step.prediction.conditional - step.prediction.unconditional;
  const double weight = width / (2 * step.sigma * step.sigma);
  const Tensor nats = (difference * difference).sum(1) * weight;  // [B, H, W]
  map_ += nats;
  sums_.back() = nats.sum({1, 2});
  if (masks_.defined()) {
    region_sums_.back() = masks_.matmul(nats.flatten(1).unsqueeze(2)).squeeze(2);
  }
}

GuidanceInformation GuidanceInformationObserver::result() const {
  if (cells_.empty()) {
    throw ValueError(
        "[explain.GuidanceInformationObserver] expected at least one sampling step, "
        "got none");
  }
  const auto stacked = [](const std::vector<Tensor>& steps, const Tensor& missing) {
    std::vector<Tensor> rows;
    for (const Tensor& row : steps) rows.push_back(row.defined() ? row : missing);
    return torch::stack(rows).to(torch::kCPU, torch::kFloat64);
  };
  GuidanceInformation out;
  out.cells = cells_;
  out.map = map_.to(torch::kCPU, torch::kFloat64, /*non_blocking=*/false, /*copy=*/true);
  out.profile = stacked(sums_, torch::zeros({map_.size(0)}, map_.options()));
  if (masks_.defined()) {
    out.regions = stacked(region_sums_, torch::zeros({masks_.size(0), masks_.size(1)}, map_.options()));
  }
  double covered = 0, whole = 0;
  bool everywhere = true;
  for (const InformationCell& cell : cells_) {
    whole += cell.end - cell.begin;
    if (cell.covered) covered += cell.end - cell.begin;
    everywhere = everywhere && cell.covered;
  }
  out.covered_share = whole > 0 ? covered / whole : (everywhere ? 1.0 : 0.0);
  out.unit = is_unguided_ && everywhere ? InformationUnit::nats : InformationUnit::guidance_energy;
  return out;
}

void describe(AnswerDescriber& d, const GuidanceInformation& a) {
  const std::string unit = a.unit == InformationUnit::nats ? "nats" : "guidance energy";
  const auto log_snrs = [&] {
    std::vector<double> levels;
    for (const InformationCell& cell : a.cells) levels.push_back(cell.log_snr);
    return levels;
  };
  d(
      "unit", [&] { return to_string(a.unit); }, "", "",
      "nats, or guidance_energy where guidance shaped the noisy pictures");
  d("covered_share", a.covered_share, "", "share", "of the log-SNR range, where both branches were evaluated");
  d("log_snrs", log_snrs, "step", "nats", "noise levels of the evaluations");
  d("map", a.map, "picture y x", unit + " per pixel", "what the prompt added", {.null = 0});
  d("profile", a.profile, "step picture", unit + " per step", "the map, by noise level", {.x = "log_snrs", .null = 0});
  d("density", [&] { return a.density(); }, "step picture", unit + " per log-SNR", "profile over the width of its cell",
    {.x = "log_snrs", .null = 0});
  d("level_shares", [&] { return a.level_shares(); }, "step picture", "share", "of each step in the total",
    {.x = "log_snrs"});
  d("total", [&] { return a.total(); }, "picture", unit, "sum of the map", {.null = 0});
  d(
      "half_points", [&] { return a.half_points(); }, "picture", "log-SNR",
      "at which half of the total is reached; NaN: no total");
  if (a.regions.defined()) {
    d("regions", a.regions, "step picture region", unit, "the profile inside each mask", {.x = "log_snrs"});
    d(
        "region_shares", [&] { return a.region_shares(); }, "picture region", "share", "of each region in the total");
  }
}

void describe(AnswerDescriber& d, const GuidanceExplanation& a) {
  d("pictures", a.pictures, "picture channel y x", "pixel units", "drawn meanwhile");
  describe(d, a.information);
}

void describe(Describer& d, GuidanceInformationOptions& options) {
  d("scale", options.scale, "guidance of new trajectories; 1 gives nats, anything else guidance energy",
    {.min = -100, .max = 1000});
}

namespace {

/// Noise of explanations: apart from that of pictures (0 ...) and of evaluation (2^32 ...).
constexpr int64_t kFirstGuidanceSample = int64_t{1} << 33;

std::vector<std::string> prompts_of(const Subject& subject) {
  std::vector<std::string> all = {subject.prompt};
  for (const std::string& prompt : subject.compared) {
    if (std::find(all.begin(), all.end(), prompt) == all.end()) all.push_back(prompt);
  }
  return all;
}

/// Pictures of prompt number k, drawn anew.
GuidanceExplanation drawn_anew(const Subject& subject, const GuidanceInformationOptions& options, size_t k,
                               const Control& control) {
  const int64_t count = subject.trajectory.count();
  SamplingOptions sample = subject.sample;
  sample.guidance.scale = options.scale;
  sample.guidance.both_branches = true;
  sample.batch_size = count;  // one batch: the observer follows one run
  const Trajectory trajectory =
      draw_trajectory(subject.model,
                      {std::vector<std::string>(static_cast<size_t>(count), prompts_of(subject)[k]), "", subject.seed,
                       kFirstGuidanceSample + static_cast<int64_t>(k) * count},
                      sample);
  GuidanceInformationObserver information(sample.guidance);
  const Tensor pictures = trajectory.redraw({}, information.observer(), control);
  return {pictures.cpu(), information.result()};
}

/// The steps of the trajectory as seen with another prompt: noisy pictures, new estimates.
std::vector<SamplerStep> seen_with(const Subject& subject, const std::string& prompt, const Control& control) {
  const int64_t count = subject.trajectory.count();
  const Predictor predict = guide(subject.model.denoiser, subject.model.condition({prompt}).expand({count, -1}),
                                  subject.null_condition(count), {.clamp = 0, .both_branches = true});
  std::vector<SamplerStep> steps = subject.trajectory.steps(control);
  for (SamplerStep& step : steps) {
    control.throw_if_stopped("explain.guidance_information");
    const Tensor x = step.x.to(subject.model.device);
    step.prediction = predict(x, torch::full({count}, step.sigma, x.options()));
  }
  return steps;
}

/// Information of the trajectory as it stands. The noisy pictures of an inverted one are those of the forward
/// process whatever its guidance: nats.
GuidanceExplanation read_off(const Subject& subject, const std::string& prompt, const Control& control) {
  GuidanceOptions guidance = subject.sample.guidance;
  if (subject.is_inverted()) guidance.scale = 1;
  GuidanceInformationObserver information(guidance);
  const bool own = prompt == subject.prompt;
  for (const SamplerStep& step : own ? subject.trajectory.steps(control) : seen_with(subject, prompt, control)) {
    information.observe(step);
  }
  return {subject.trajectory.pictures(control).cpu(), information.result()};
}

/// Drawn trajectories are drawn once more without guidance, for nats; any other stands as it is.
Named<GuidanceExplanation> ask_guidance(const Subject& subject, const GuidanceInformationOptions& options,
                                        const Control& control) {
  Named<GuidanceExplanation> out{prompts_of(subject), {}};
  for (size_t k = 0; k < out.names.size(); ++k) {
    out.answers.push_back(subject.origin == TrajectoryOrigin::drawn ? drawn_anew(subject, options, k, control)
                                                                    : read_off(subject, out.names[k], control));
  }
  return out;
}

int64_t guidance_cost(const Subject& subject, const GuidanceInformationOptions&) {
  const auto prompts = static_cast<int64_t>(prompts_of(subject).size());
  const Sampling& sampling = subject.trajectory.sampling();
  const bool drawn = subject.origin == TrajectoryOrigin::drawn;
  return 2 * (drawn ? prompts * sampling.stages() : prompts - 1) * subject.trajectory.count() * sampling.steps();
}

}  // namespace

Method guidance_information_method() {
  return method("guidance_information", "What did the prompt add, where and at which noise level?",
                {.trajectory = true, .branches = true, .posterior_mean = true}, guidance_cost, ask_guidance);
}

}  // namespace noisescope::explain
