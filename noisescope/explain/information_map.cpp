#include "noisescope/explain/information_map.h"

#include <cmath>
#include <limits>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/searchsorted.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"
#include "noisescope/explain/passes.h"

namespace noisescope::explain {
namespace {

constexpr double kUniformShare = 0.1;  // of the proposal: no level goes unseen
constexpr double kFewestDraws = 20;    // of effective draws, for the standard error of a ratio
// Streams of Purpose::explain: the pilot's steps lie far above those of the draws.
constexpr uint64_t kPilotStep = uint64_t{1} << 20, kLevelStep = uint64_t{1} << 40;

void check_options(const InformationOptions& o) {
  if (o.draws < 1 || o.levels < 1 || o.pilot_draws < 1 || !(o.log_snr_min < o.log_snr_max)) {
    throw ValueError(
        format_text("[explain.information_maps] expected draws, levels and pilot_draws >= 1 and log_snr_min < "
                    "log_snr_max, got {}, {}, {} and [{}, {}]",
                    o.draws, o.levels, o.pilot_draws, o.log_snr_min, o.log_snr_max));
  }
}

/// A piecewise constant density over log-SNR.
struct Proposal {
  Tensor edges;  // [L + 1]
  Tensor mass;   // [L], sums to 1

  /// Cells of log-SNRs [n].
  Tensor cells(const Tensor& log_snr) const {
    return (at::searchsorted(edges, log_snr, false, true) - 1).clamp(0, mass.size(0) - 1);
  }
  /// Inverse of the distribution function, u [n] in [0, 1).
  Tensor quantile(const Tensor& u) const {
    const Tensor end = mass.cumsum(0);
    const Tensor cell = at::searchsorted(end, u, false, true).clamp_max(mass.size(0) - 1);
    const Tensor share = (u - (end - mass).index_select(0, cell)) / mass.index_select(0, cell);
    return edges.index_select(0, cell) + share.clamp(0, 1) * edges.diff().index_select(0, cell);
  }
  Tensor density() const { return mass / edges.diff(); }
};

/// Evaluates draws of all pictures and adds up what they say.
class Accumulator {
 public:
  Accumulator(const PromptedDenoiser& denoiser, const PictureBatch& batch, const Tensor& references,
              const InformationOptions& options)
      : denoiser_(denoiser.denoiser),
        batch_(batch),
        rows_(torch::cat({denoiser.condition.unsqueeze(0), references})),
        options_(options) {}

  int64_t references() const { return rows_.size(0) - 1; }
  int64_t count() const { return batch_.size(); }

  /// What one draw of each picture says at its own level.
  struct Draw {
    Tensor difference;  // [R, B, H, W]: 1/2 |eps_r - eps_y|^2 per pixel
    Tensor gain;        // [R, B, H, W]: 1/2 (|eps - eps_r|^2 - |eps - eps_y|^2)
    Tensor product;     // [R, B]: <eps - eps_r, eps_y - eps_r> / 2
  };
  /// log_snr [B]; noise by `step`.
  Draw evaluate(const Tensor& log_snr, uint64_t step) const {
    const auto& [pictures, noise] = batch_;
    const Tensor sigma = log_snr.mul(-0.5).exp().to(pictures.options());
    const Tensor eps = noise.random.normal(Purpose::explain, step, noise.sample_ids, pictures.sizes().slice(1),
                                           pictures.scalar_type());
    const Tensor x = add_noise(pictures, eps.to(pictures.device()), sigma);
    const Tensor sample = torch::arange(rows_.size(0) * count(), x.device()) % count();
    const Tensor estimates = denoise_in_passes(denoiser_, {x, sigma}, rows_.flatten(0, 1), sample, options_.pass_size)
                                 .view({rows_.size(0), count(), x.size(1), x.size(2), x.size(3)});
    const Tensor full = estimates[0], reference = estimates.slice(0, 1);
    const Tensor half_snr = (0.5 / sigma.to(torch::kFloat64).square()).view({1, -1, 1, 1});
    const auto nats = [&](const Tensor& squares) { return squares.sum(2, false, torch::kFloat64) * half_snr; };
    const Tensor difference = reference - full, error = reference - pictures;
    return {nats(difference.square()), nats(error.square() - (full - pictures).square().unsqueeze(0)),
            nats(error * difference).sum({2, 3})};
  }

 private:
  const Denoiser& denoiser_;
  const PictureBatch& batch_;
  Tensor rows_;
  const InformationOptions& options_;
};

Tensor edges_of(const InformationOptions& options) {
  return torch::linspace(options.log_snr_min, options.log_snr_max, options.levels + 1, torch::kFloat64);
}

Proposal fit_proposal(const Accumulator& accumulator, const InformationOptions& options, const PathNoise& noise,
                      const Control& control) {
  const Tensor edges = edges_of(options);
  const Tensor mass = torch::zeros({options.levels}, torch::kFloat64);
  for (int64_t cell = 0; cell < options.levels; ++cell) {
    Tensor squares = torch::zeros({}, torch::kFloat64);
    for (int64_t k = 0; k < options.pilot_draws; ++k) {
      control.throw_if_stopped("explain.information_maps");
      const uint64_t step = kPilotStep + static_cast<uint64_t>(cell * options.pilot_draws + k);
      const Tensor u = noise.random.uniform(Purpose::explain, kLevelStep + step, noise.sample_ids, {}, torch::kFloat64);
      const Tensor log_snr = edges[cell] + u * (edges[cell + 1] - edges[cell]);
      // The references share the draws, so the proposal serves the sum of their shares.
      const Tensor nats = accumulator.evaluate(log_snr, step).difference.sum({2, 3}).to(torch::kCPU);
      squares = squares + nats.square().sum(0).mean();
    }
    mass[cell] = squares.sqrt() * (edges[cell + 1] - edges[cell]);
  }
  const Tensor uniform = edges.diff() / (edges[-1] - edges[0]);
  const double total = mass.sum().item<double>();
  if (!(total > 0) || !std::isfinite(total)) return {edges, uniform};
  return {edges, (1 - kUniformShare) * mass / total + kUniformShare * uniform};
}

/// Ratio of sums over observations, one for each reference and cell.
class RatioSums {
 public:
  RatioSums(int64_t references, int64_t cells) : sums_(torch::zeros({6, references, cells}, torch::kFloat64)) {}

  /// numerators, denominators [R, B]; cells [B].
  void add(const Tensor& numerators, const Tensor& denominators, const Tensor& cells) {
    const Tensor terms = torch::stack({torch::ones_like(numerators), numerators, denominators, numerators.square(),
                                       denominators.square(), numerators * denominators});
    sums_.scatter_add_(2, cells.view({1, 1, -1}).expand_as(terms), terms);
  }
  /// The ratio and its standard error by the delta method, [R, L] each; NaN where undefined.
  std::pair<Tensor, Tensor> ratio() const {
    const Tensor n = sums_[0], num = sums_[1], den = sums_[2];
    const Tensor nan = torch::full_like(den, std::numeric_limits<double>::quiet_NaN());
    const Tensor value = num / den;
    const Tensor residual = sums_[3] - 2 * value * sums_[5] + value.square() * sums_[4];
    const Tensor error = (residual.clamp_min(0) * n / (n - 1)).sqrt() / den;
    // Kish's effective sample size: a cell that one rare draw fills has no error to speak of.
    const Tensor effective = den.square() / sums_[4];
    return {torch::where(den > 0, value, nan), torch::where((den > 0) & (effective >= kFewestDraws), error, nan)};
  }

 private:
  Tensor sums_;
};

InformationMaps empty_maps(const Proposal& proposal, const Tensor& pictures, int64_t references) {
  const auto zeros = [](std::vector<int64_t> shape) { return torch::zeros(shape, torch::kFloat64); };
  const int64_t cells = proposal.mass.size(0), count = pictures.size(0);
  const auto* edge = proposal.edges.const_data_ptr<double>();
  InformationMaps out;
  out.edges.assign(edge, edge + cells + 1);
  out.map = zeros({references, count, pictures.size(2), pictures.size(3)});
  out.signed_map = torch::zeros_like(out.map);
  out.profile = zeros({references, cells, count});
  out.signed_profile = torch::zeros_like(out.profile);
  return out;
}

/// Adds one draw of each picture, weights [B], at its cells [B].
void add_draw(InformationMaps& out, const Tensor& difference, const Tensor& gain, const Tensor& weight,
              const Tensor& cells) {
  const Tensor index = cells.view({1, 1, -1}).expand({difference.size(0), 1, -1});
  const auto add = [&](Tensor& map, Tensor& profile, const Tensor& nats) {
    const Tensor weighted = nats * weight.view({1, -1, 1, 1});
    map += weighted;
    profile.scatter_add_(1, index, weighted.sum({2, 3}).unsqueeze(1));
  };
  add(out.map, out.profile, difference);
  add(out.signed_map, out.signed_profile, gain);
}

}  // namespace

void describe(Describer& d, InformationOptions& options) {
  constexpr double kMany = 1e6;
  d("draws", options.draws, "noise draws of each picture", {.min = 1, .max = kMany});
  d("log_snr_min", options.log_snr_min, "log-SNR at which the integral starts", {.min = -20, .max = 20});
  d("log_snr_max", options.log_snr_max, "log-SNR at which it ends", {.min = -20, .max = 20});
  d("levels", options.levels, "cells of the log-SNR axis", {.min = 1, .max = 1000});
  d("pilot_draws", options.pilot_draws, "draws of each picture and cell that fit the noise levels",
    {.min = 1, .max = 1000});
  d("pass_size", options.pass_size, "samples per network evaluation", {.min = 1, .max = 65536});
}

InformationMaps information_maps(const PromptedDenoiser& denoiser, const PictureBatch& batch, const Tensor& references,
                                 const InformationOptions& options, const Control& control) {
  const torch::NoGradGuard no_grad;
  const char* where = "explain.information_maps";
  const auto& [pictures, noise] = batch;
  const Tensor& condition = denoiser.condition;
  const int64_t count = batch.size();
  check_options(options);
  check_shape(where, "pictures", pictures, {count, -1, -1, -1});
  check_shape(where, "condition", condition, {count, -1});
  check_shape(where, "references", references, {-1, count, condition.size(1)});
  const Accumulator accumulator(denoiser, batch, references, options);
  const Proposal proposal = fit_proposal(accumulator, options, noise, control);
  const Tensor density = proposal.density();
  const auto draws = static_cast<double>(options.draws);
  InformationMaps out = empty_maps(proposal, pictures, references.size(0));
  RatioSums kappa(references.size(0), options.levels);
  for (int64_t d = 0; d < options.draws; ++d) {
    control.throw_if_stopped(where);
    const auto step = static_cast<uint64_t>(d);
    const Tensor u = noise.random.uniform(Purpose::explain, kLevelStep + step, noise.sample_ids, {}, torch::kFloat64);
    const Tensor log_snr = proposal.quantile((u + static_cast<double>(d)) / draws);
    const Tensor cells = proposal.cells(log_snr);
    const auto draw = accumulator.evaluate(log_snr, step);
    const Tensor difference = draw.difference.to(torch::kCPU);
    add_draw(out, difference, draw.gain.to(torch::kCPU), 1 / (density.index_select(0, cells) * draws), cells);
    kappa.add(draw.product.to(torch::kCPU), difference.sum({2, 3}), cells);
    control.report(
        {.task = "information", .done = static_cast<double>(d + 1), .total = draws, .unit = "draws", .detail = {}});
  }
  std::tie(out.kappa, out.kappa_error) = kappa.ratio();
  return out;
}

void describe(AnswerDescriber& d, const InformationMaps& a) {
  d("edges", a.edges, "edge", "nats", "log-SNR between the cells of profiles");
  d("map", a.map, "reference picture y x", "nats per pixel", "what the prompt says against each reference",
    {.null = 0});
  d("signed_map", a.signed_map, "reference picture y x", "nats per pixel",
    "the same from the errors of both predictions", {.null = 0, .is_signed = true});
  d("profile", a.profile, "reference cell picture", "nats per cell", "the map, by noise level",
    {.x = "edges", .null = 0});
  d("signed_profile", a.signed_profile, "reference cell picture", "nats per cell", "the signed map, by noise level",
    {.x = "edges", .null = 0, .is_signed = true});
  d("kappa", a.kappa, "reference cell", "",
    "weight of guidance that fits best; below 1 the network overclaims; NaN: nothing said",
    {.x = "edges", .error = "kappa_error", .null = 1});
  d("kappa_error", a.kappa_error, "reference cell", "", "standard error of kappa; NaN: too few draws", {.x = "edges"});
  d("total", [&] { return a.total(); }, "reference picture", "nats", "sum of the map", {.null = 0});
  d("signed_total", [&] { return a.signed_total(); }, "reference picture", "nats", "sum of the signed map",
    {.null = 0});
}

double prompt_entropy(const Subject& subject) { return subject.grammar() ? subject.grammar()->entropy() : 0; }

std::vector<InformationQuestion> information_questions(const Subject& subject) {
  std::vector<InformationQuestion> questions = {{"the whole prompt", "", prompt_entropy(subject)}};
  for (const PromptContrast& contrast : subject.contrasts) {
    questions.push_back({contrast.name, prompt_without(subject.grammar(), contrast),
                         std::log(static_cast<double>(contrast.values.size()))});
  }
  return questions;
}

namespace {

InformationMaps ask_information(const Subject& subject, const InformationOptions& asked, const Control& control) {
  InformationOptions options = asked;
  options.log_snr_max = std::min({options.log_snr_max, EvidenceOptions{}.log_snr_max, subject.model.log_snr_max});
  const int64_t paths = subject.paths;
  std::vector<Tensor> references;
  for (const InformationQuestion& question : information_questions(subject)) {
    references.push_back(subject.model.condition({question.reference}).expand({paths, -1}));
  }
  return information_maps({subject.model.denoiser, subject.condition(paths)}, subject.batch(paths),
                          torch::stack(references), options, control);
}

int64_t information_cost(const Subject& subject, const InformationOptions& options) {
  return options.cost(subject.paths, static_cast<int64_t>(subject.contrasts.size()) + 1);
}

}  // namespace

Method information_map_method() {
  return method("information_map", "How many nats do the prompt and its words say about each pixel?",
                {.posterior_mean = true}, information_cost, ask_information);
}

}  // namespace noisescope::explain
