#include "noisescope/explain/guidance_windows.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"
#include "noisescope/world/grammar.h"
#include "noisescope/world/parser.h"

namespace noisescope::explain {
namespace {

/// Whether a step asks for D at its own noise level alone and keeps nothing: then x where a window
/// begins is all that a run needs to go on, and nothing of that window is in it yet. (A Heun step's
/// second evaluation lies in the window after it; dpmpp remembers the step before.)
bool has_separate_steps(Solver solver) {
  return solver == Solver::ddpm || solver == Solver::ddim || solver == Solver::euler;
}

/// A trajectory as coalitions draw it.
struct Played {
  Predictor with_prompt, without_prompt;
  Tensor x;  // [B, C, H, W] at sigmas[0]
  std::vector<double> sigmas;
  SamplerOptions sampler;
  NoiseSource noise;
  Tensor remainder = {};  // of an inverted one, added to every picture
};

/// Draws one coalition after the other, each from where it parts from the one before.
class WindowSampler {
 public:
  WindowSampler(const Played& run, const LogSnrWindows& windows)
      : run_(run),
        windows_(windows),
        first_steps_(windows.first_steps(run.sigmas)),
        states_(static_cast<size_t>(windows.count())) {
    states_[0] = run.x;
  }

  Tensor draw(const Coalition& prompted, const Control& control) {
    const size_t window = parting(prompted);
    const int64_t first = first_steps_[window];
    NoiseSource noise = run_.noise;
    noise.first_step += static_cast<uint64_t>(first);
    const SamplerObserver keep_states = [&](const SamplerStep& step) {
      const auto at = std::find(first_steps_.begin(), first_steps_.end(), first + step.index);
      const auto begins = static_cast<size_t>(at - first_steps_.begin());
      if (begins > window && begins < states_.size()) states_[begins] = step.x;
    };
    last_ = prompted;
    const Tensor drawn =
        run_sampler(prompt_in_windows(run_.with_prompt, run_.without_prompt, windows_, prompted), states_[window],
                    {{run_.sigmas.begin() + first, run_.sigmas.end()}, run_.sampler, noise}, keep_states, control);
    return run_.remainder.defined() ? drawn + run_.remainder.to(drawn.device()) : drawn;
  }

 private:
  size_t parting(const Coalition& prompted) const {
    if (last_.empty() || !has_separate_steps(run_.sampler.solver)) return 0;
    const auto [mine, other] = std::mismatch(prompted.begin(), prompted.end(), last_.begin());
    return std::min(static_cast<size_t>(mine - prompted.begin()), states_.size() - 1);
  }

  const Played& run_;
  const LogSnrWindows& windows_;
  std::vector<int64_t> first_steps_;  // [K + 1]
  std::vector<Tensor> states_;        // [K]: x where each window begins, in the last run
  Coalition last_;
};

/// First none and all, which values refer to, then the rest as neighbours that share their
/// beginnings.
std::vector<Coalition> in_drawing_order(const std::vector<Coalition>& coalitions, int64_t windows) {
  const Coalition none(static_cast<size_t>(windows), false);
  const Coalition all(static_cast<size_t>(windows), true);
  std::set<Coalition, std::greater<>> rest(coalitions.begin(), coalitions.end());
  for (const Coalition& coalition : rest) {
    if (coalition.size() == none.size()) continue;
    throw ValueError(format_text("[explain.play_windows] expected coalitions of {} windows, got one of {}", windows,
                                 coalition.size()));
  }
  rest.erase(none);
  rest.erase(all);
  std::vector<Coalition> order = {none, all};
  order.insert(order.end(), rest.begin(), rest.end());
  return order;
}

Tensor checked_value(const PictureValue& value, const WindowPictures& pictures) {
  const Tensor worth = value(pictures).to(torch::kCPU, torch::kFloat64);
  check_shape("explain.play_windows", "value", worth, {pictures.drawn.size(0)});
  if (worth.isfinite().all().item<bool>()) return worth;
  throw NumericError(
      "[explain.play_windows] expected finite values of pictures, got NaN or "
      "infinity");
}

Coalition only(int64_t windows, int64_t first, int64_t width) {
  Coalition coalition(static_cast<size_t>(windows), false);
  std::fill_n(coalition.begin() + first, width, true);
  return coalition;
}

Coalition all_but(int64_t windows, int64_t first, int64_t width) {
  Coalition coalition = only(windows, first, width);
  coalition.flip();
  return coalition;
}

std::vector<PlayerOrder> orders_of(const GuidanceWindowOptions& options, const Random& random) {
  return options.orders == 0 ? std::vector<PlayerOrder>{} : paired_orders(options.windows, options.orders, random);
}

std::vector<Coalition> coalitions_for(const GuidanceWindowOptions& options, const std::vector<PlayerOrder>& orders) {
  std::vector<Coalition> needed = orders.empty() ? all_coalitions(options.windows) : coalitions_of(orders);
  const auto knocked = knock_out_coalitions(options.windows, options.knock_out_width);
  needed.insert(needed.end(), knocked.begin(), knocked.end());
  return needed;
}

std::vector<CoalitionValues> play(const Played& run, const LogSnrWindows& windows,
                                  const std::vector<Coalition>& coalitions, const std::vector<PictureValue>& values,
                                  const Control& control) {
  const torch::NoGradGuard no_grad;
  WindowSampler sampler(run, windows);
  const std::vector<Coalition> order = in_drawing_order(coalitions, windows.count());
  std::vector<CoalitionValues> played(values.size());
  const Control silent{.progress = {}, .stop = control.stop};
  WindowPictures pictures;
  pictures.none = sampler.draw(order[0], silent);
  pictures.all = sampler.draw(order[1], silent);
  for (size_t i = 0; i < order.size(); ++i) {
    pictures.drawn = i == 0 ? pictures.none : i == 1 ? pictures.all : sampler.draw(order[i], silent);
    for (size_t f = 0; f < values.size(); ++f) {
      played[f][order[i]] = checked_value(values[f], pictures);
    }
    control.report({.task = "guidance windows",
                    .done = static_cast<double>(i + 1),
                    .total = static_cast<double>(order.size()),
                    .unit = "runs",
                    .detail = {}});
  }
  return played;
}

}  // namespace

void describe(Describer& d, GuidanceWindowOptions& options) {
  d("windows", options.windows, "equal windows of log-SNR", {.min = 1, .max = 1000});
  d("knock_out_width", options.knock_out_width, "windows that a knock-out withholds at once", {.min = 1, .max = 1000});
  d("orders", options.orders, "sampled orders for Shapley values, even; 0: exact, up to 8 windows",
    {.min = 0, .max = 1000000});
}

int64_t LogSnrWindows::window_of(double log_snr) const {
  const auto inner_begin = edges.begin() + 1, inner_end = edges.end() - 1;
  return std::upper_bound(inner_begin, inner_end, log_snr) - inner_begin;
}

std::vector<int64_t> LogSnrWindows::first_steps(const std::vector<double>& sigmas) const {
  const bool rise = std::adjacent_find(edges.begin(), edges.end(), std::greater_equal<>()) == edges.end();
  if (count() < 1 || !rise) {
    throw ValueError(
        format_text("[explain.LogSnrWindows] expected at least two edges, strictly rising, got {}", edges.size()));
  }
  const auto steps = std::max<int64_t>(static_cast<int64_t>(sigmas.size()) - 1, 0);
  std::vector<int64_t> first;
  int64_t step = 0;
  for (int64_t window = 0; window < count(); ++window) {
    first.push_back(step);
    const auto level = [&] { return log_snr_of(sigmas[static_cast<size_t>(step)]); };
    while (step < steps && window_of(level()) == window) ++step;
    if (step > first.back()) continue;
    const auto edge = [&](int64_t k) { return std::to_string(edges[static_cast<size_t>(k)]); };
    throw ValueError(
        format_text("[explain.LogSnrWindows] expected a step of the run in every window, got none in window {}, "
                    "log-SNR {} to {}; use fewer windows or more steps",
                    window, edge(window), edge(window + 1)));
  }
  first.push_back(step);
  return first;
}

LogSnrWindows equal_windows(const std::vector<double>& sigmas, int64_t count) {
  if (count < 1 || sigmas.size() < 2) {
    throw ValueError(
        format_text("[explain.equal_windows] expected at least 1 window and a run of at least 1 step, got {} windows "
                    "and {} noise levels",
                    count, sigmas.size()));
  }
  const auto level = [&](int64_t step) { return log_snr_of(sigmas[static_cast<size_t>(step)]); };
  const double low = level(0), high = level(static_cast<int64_t>(sigmas.size()) - 2);
  LogSnrWindows windows;
  for (int64_t k = 0; k <= count; ++k) {
    constexpr double kRounding = 1e-9;  // a step on an edge begins the next window
    const double edge = std::lerp(low, high, static_cast<double>(k) / static_cast<double>(count));
    windows.edges.push_back(k < count ? edge - kRounding : std::max(edge, low + kRounding));
  }
  const std::vector<int64_t> first = windows.first_steps(sigmas);
  for (size_t k = 1; k + 1 < first.size(); ++k) {
    windows.edges[k] = (level(first[k] - 1) + level(first[k])) / 2;
  }
  return windows;
}

Predictor prompt_in_windows(Predictor with, Predictor without, LogSnrWindows windows, Coalition prompted) {
  return [=](const Tensor& x, const Tensor& sigma) {
    const double level = log_snr_of(sigma[0].item<double>());
    return prompted[static_cast<size_t>(windows.window_of(level))] ? with(x, sigma) : without(x, sigma);
  };
}

Tensor likeness_to_guided(const WindowPictures& pictures) {
  const auto distance = [](const Tensor& a, const Tensor& b) {
    return (a - b).to(torch::kFloat64).square().flatten(1).sum(1);
  };
  const Tensor whole = distance(pictures.none, pictures.all);
  const Tensor share = 1 - distance(pictures.drawn, pictures.all) / whole;
  return torch::where(whole > 0, share, torch::zeros_like(share));
}

std::vector<Coalition> knock_out_coalitions(int64_t windows, int64_t width) {
  if (width < 1 || width > windows) {
    throw ValueError(format_text("[explain.knock_out] expected a width from 1 to {} windows, got {}", windows, width));
  }
  std::vector<Coalition> coalitions = {only(windows, 0, 0), all_but(windows, 0, 0)};
  for (int64_t place = 0; place + width <= windows; ++place) {
    coalitions.push_back(only(windows, place, width));
    coalitions.push_back(all_but(windows, place, width));
  }
  return coalitions;
}

KnockOut knock_out(const CoalitionValues& values, int64_t width) {
  const auto windows = values.empty() ? 0 : static_cast<int64_t>(values.begin()->first.size());
  knock_out_coalitions(windows, width);
  const Tensor& all = value_of(values, all_but(windows, 0, 0));
  const Tensor& none = value_of(values, only(windows, 0, 0));
  std::vector<Tensor> effect, alone;
  for (int64_t place = 0; place + width <= windows; ++place) {
    effect.push_back(all - value_of(values, all_but(windows, place, width)));
    alone.push_back(value_of(values, only(windows, place, width)) - none);
  }
  return {torch::stack(effect, 1), torch::stack(alone, 1)};
}

std::vector<CoalitionValues> play_windows(const Trajectory& trajectory, const LogSnrWindows& windows,
                                          const std::vector<Coalition>& coalitions,
                                          const std::vector<PictureValue>& values, const Control& control) {
  const Sampling& sampling = trajectory.sampling();
  return play({trajectory.predictor(), trajectory.unprompted(), trajectory.initial() * sampling.sigmas.front(),
               sampling.sigmas, sampling.sampler, trajectory.noise(), trajectory.remainder()},
              windows, coalitions, values, control);
}

WindowCost window_cost(const GuidanceWindowOptions& options, const std::vector<double>& sigmas,
                       const SamplerOptions& sampler, const Random& random) {
  WindowCost cost;
  const auto counting = [](int64_t& counter) -> Predictor {
    return [&counter](const Tensor& x, const Tensor&) {
      ++counter;
      return Prediction{x, x, {}};
    };
  };
  const Played run{counting(cost.with_prompt),
                   counting(cost.without_prompt),
                   torch::zeros({1, 1, 1, 1}),
                   sigmas,
                   sampler,
                   {random, {0}}};
  play(run, equal_windows(sigmas, options.windows), coalitions_for(options, orders_of(options, random)), {}, {});
  return cost;
}

std::vector<WindowAttribution> attribute_to_windows(const Trajectory& trajectory,
                                                    const std::vector<PictureValue>& values,
                                                    const GuidanceWindowOptions& options, const Random& random,
                                                    const Control& control) {
  const LogSnrWindows windows = equal_windows(trajectory.sampling().sigmas, options.windows);
  const std::vector<PlayerOrder> orders = orders_of(options, random);
  std::vector<WindowAttribution> out;
  for (const CoalitionValues& played :
       play_windows(trajectory, windows, coalitions_for(options, orders), values, control)) {
    out.push_back({windows, knock_out(played, options.knock_out_width),
                   orders.empty() ? exact_shapley(played) : sampled_shapley(played, orders)});
  }
  return out;
}

void describe(AnswerDescriber& d, const WindowAttribution& a) {
  d("edges", a.windows.edges, "edge", "nats", "log-SNR between the windows, from noise to picture");
  d("shapley", a.shapley.phi, "picture window", "value",
    "what a window adds, averaged over all orders; sums to what the prompt did",
    {.x = "edges", .null = 0, .higher = "the window matters more", .is_signed = true});
  d("knock_out", a.knock_out.effect, "picture window", "value", "what is lost without the window",
    {.x = "edges", .null = 0, .is_signed = true});
  d("alone", a.knock_out.alone, "picture window", "value", "what the window adds alone",
    {.x = "edges", .null = 0, .is_signed = true});
}

void describe(Describer& d, GuidanceWindowsQuestion& question) {
  d("pictures", question.pictures, "pictures of the trajectory, at most", {.min = 2, .max = 100000});
  describe(d, question.options);
}

namespace {

GuidanceWindowOptions within(const Subject& subject, GuidanceWindowOptions options) {
  options.windows = std::min(options.windows, subject.trajectory.sampling().steps());
  return options;
}

/// Score of picture and prompt by the model's reader.
PictureValue fit_to_prompt(const Subject& subject) {
  return [reader = subject.model.reader({subject.prompt})](const WindowPictures& pictures) {
    return reader(pictures.drawn).select(1, 0).to(torch::kFloat64);
  };
}

/// Whether the prompt is true of the picture as the exact parser reads it; one that it rejects satisfies nothing.
PictureValue satisfied_prompt(const Subject& subject) {
  const CaptionMeaning meaning = subject.grammar()->parse(subject.prompt);
  return [meaning, parser = WorldParser(subject.grammar()->world())](const WindowPictures& pictures) {
    std::vector<double> satisfied;
    for (const ParsedScene& read : parser.parse(pictures.drawn.to(torch::kCPU))) {
      satisfied.push_back(agreement(read, meaning).joint ? 1 : 0);
    }
    return torch::tensor(satisfied, torch::kFloat64);
  };
}

Named<WindowAttribution> ask_windows(const Subject& subject, const GuidanceWindowsQuestion& question,
                                     const Control& control) {
  Named<WindowAttribution> out{{"likeness"}, {}};
  std::vector<PictureValue> values = {likeness_to_guided};
  if (subject.model.reader) {
    out.names.emplace_back("fit");
    values.push_back(fit_to_prompt(subject));
  }
  if (subject.grammar()) {
    out.names.emplace_back("satisfied");
    values.push_back(satisfied_prompt(subject));
  }
  out.answers = attribute_to_windows(subject.first(question.pictures), values, within(subject, question.options),
                                     Random(subject.seed), control);
  return out;
}

int64_t windows_cost(const Subject& subject, const GuidanceWindowsQuestion& question) {
  const Sampling& sampling = subject.trajectory.sampling();
  return window_cost(within(subject, question.options), sampling.sigmas, sampling.sampler, Random(subject.seed))
      .evaluations(std::min(question.pictures, subject.trajectory.count()), sampling.branches() == 2);
}

}  // namespace

Method guidance_windows_method() {
  return method("guidance_windows", "At which noise levels does the prompt work?", {.trajectory = true}, windows_cost,
                ask_windows);
}

}  // namespace noisescope::explain
