#include "noisescope/explain/guidance_information.h"

#include <cmath>
#include <string>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/process.h"

namespace noisescope {
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
    throw ValueError("[explain.region_shares] expected a run that was observed with masks, got "
                     "none");
  }
  return shares_of(regions.sum(0), total().unsqueeze(1));
}

Tensor region_shares(const Tensor& map, const Tensor& masks) {
  check_shape("explain.region_shares", "map", map, {-1, -1, -1});
  check_shape("explain.region_shares", "masks", masks,
              {map.size(0), -1, map.size(1), map.size(2)});
  const Tensor weights = masks.to(map.scalar_type()).flatten(2);
  const Tensor rows = map.flatten(1).unsqueeze(2);
  return shares_of(weights.matmul(rows).squeeze(2), map.sum({1, 2}).unsqueeze(1));
}

GuidanceInformationObserver::GuidanceInformationObserver(const GuidanceOptions& guidance,
                                                         Tensor masks)
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
  const bool covered = step.prediction.conditional.defined() &&
                       step.prediction.unconditional.defined();
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
    throw ValueError("[explain.GuidanceInformationObserver] expected at least one sampling step, "
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
    out.regions = stacked(region_sums_,
                          torch::zeros({masks_.size(0), masks_.size(1)}, map_.options()));
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

}  // namespace noisescope
