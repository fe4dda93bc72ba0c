#include "noisescope/explain/inversion.h"
#include "noisescope/explain/smooth_deficit.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/viz/panels.h"

namespace noisescope {
namespace {

constexpr const char* kInversionProse =
    "Which noise would have led to this picture? DDIM inversion runs the deterministic sampler backwards; what it "
    "draws from the noise it found differs from the picture by an error that falls with the number of steps, "
    "to what the network itself gets wrong. The "
    "edit-friendly inversion finds noise for every step with which the stochastic sampler draws the picture "
    "again, to rounding.\n\n"
    "DDIM's noise is not white: it is less diverse where the picture is smooth (log variance ratio below 0), which "
    "noise that the sampler was given never is; and of a picture without a grain of its own it is far too small, "
    "since there is nothing to invert. The exact denoiser shows both: they are the method's.";

const std::vector<int64_t>& step_counts() {
  static const std::vector<int64_t> counts = {10, 20, 40};
  return counts;
}

int64_t count_of(const ExplainContext& context) {
  return context.is_inverted() ? 1 : context.run.count();
}

/// The pictures of the run, or the one that was given.
Tensor explained_pictures(const ExplainContext& context) {
  return context.run.pictures.slice(0, 0, count_of(context)).to(context.model.device());
}

std::vector<double> levels(const ExplainContext& context, int64_t steps) {
  GridOptions grid = context.config.sample.grid;
  grid.steps = steps;
  return sampling_sigmas(grid, context.config.precondition.schedule);
}

/// A figure of each picture [B], NaN where it has none: the mean with its interval, the value alone of one
/// picture, or that there is none.
struct Figures {
  Tensor finite;

  explicit Figures(const Tensor& values) : finite(values.index({~values.isnan()})) {}

  nlohmann::ordered_json json() const {
    if (finite.size(0) >= 2) return to_json(mean_estimate(finite));
    if (finite.size(0) == 0) return {{"value", nullptr}, {"n", 0}};
    return {{"value", finite.item<double>()}, {"n", 1}};
  }
  std::string text() const {
    if (finite.size(0) == 0) return "none";
    if (finite.size(0) == 1) return text_of("%.3g (one picture)", finite.item<double>());
    const Estimate e = mean_estimate(finite);
    return text_of("%.3g [%.3g, %.3g]", e.value, e.low, e.high);
  }
  KeyNumber number(const std::string& label, const std::string& meaning) const {
    return {label, text(), text_of("n = %lld", static_cast<long long>(finite.size(0))), meaning};
  }
};

struct DdimInversion {
  int64_t steps;
  Tensor noise, error;  // [B, C, H, W], [B]
};

DdimInversion invert(const ExplainContext& context, const Predictor& predict, const Tensor& pictures,
                     int64_t steps) {
  const std::vector<double> sigmas = levels(context, steps);
  const Tensor x = invert_ddim(predict, pictures, sigmas, {}, context.control);
  const NoiseSource unused{Random(0), sample_range(0, pictures.size(0))};
  const Tensor again = run_sampler(predict, x, sigmas, {.solver = Solver::ddim}, unused, {}, context.control);
  return {steps, (x / sigmas[0]).cpu(), reconstruction_error(pictures, again).cpu()};
}

Explained explain_inversion(const ExplainContext& context) {
  Explained out{{"Which noise leads to the picture", kInversionProse, {}, {}, {}, {}}};
  const Tensor pictures = explained_pictures(context);
  GuidanceOptions plain;
  plain.clamp = 0;
  const Tensor condition =
      context.model.condition({context.request.prompt}).expand({pictures.size(0), -1});
  const Predictor predict = guide(context.model.denoiser(), condition, condition, plain);
  Table table{"Root mean square error of the reconstruction, pixel units (pictures span 2).",
              {"inversion", "error"}, {}};
  Tensor noise;
  for (const int64_t steps : step_counts()) {
    const DdimInversion found = invert(context, predict, pictures, steps);
    const Figures error(found.error);
    table.rows.push_back({text_of("DDIM, %lld steps", static_cast<long long>(steps)), error.text()});
    out.json["ddim"].push_back({{"steps", steps}, {"error", error.json()}});
    noise = found.noise;
  }
  const EditFriendlyInversion friendly =
      invert_edit_friendly(predict, pictures, levels(context, step_counts().front()),
                           {Random(context.request.seed), sample_range(0, pictures.size(0))}, {},
                           context.control);
  const Figures error(
      reconstruction_error(pictures, replay(predict, friendly, 0, {}, context.control)).cpu());
  table.rows.push_back({text_of("edit-friendly, %lld steps", static_cast<long long>(step_counts().front())),
                        error.text()});
  const Figures deficit(smooth_deficit(noise, pictures.cpu()).log_ratio);
  const Figures size(noise.square().mean({1, 2, 3}).sqrt());
  out.section.numbers.push_back(
      size.number("size of DDIM's noise", "root mean square; 1 for the noise that a sampler is given"));
  out.json["ddim_noise_size"] = size.json();
  out.json["edit_friendly_error"] = error.json();
  out.json["smooth_deficit_log_ratio"] = deficit.json();
  out.section.tables.push_back(std::move(table));
  out.section.numbers.push_back(deficit.number(
      "log variance ratio, smooth over other pixels",
      "of the noise that DDIM inversion finds, in pictures with pixels of both kinds; 0 for noise that knows "
      "nothing of the picture"));
  out.tensors.tensors = {{"noise", noise}, {"states", friendly.states.cpu()}};
  out.add_png("inversion.png",
              panel_rows({{"", {picture_panel(context.picture, "picture"),
                                signed_panel(noise[0].mean(0), "DDIM's noise for it", "mean of channels")}}}),
              "The picture and the noise that DDIM inversion finds for it",
              "White noise shows no trace of the picture; what is seen of it here is the deficit.");
  return out;
}

int64_t inversion_cost(const ExplainContext& context) {
  int64_t steps = 2 * step_counts().front();
  for (const int64_t count : step_counts()) steps += 2 * count;
  return steps * count_of(context);
}

}  // namespace

Explainer inversion_explainer() {
  return {"inversion", "Which noise leads to this picture?", {}, inversion_cost, explain_inversion};
}

}  // namespace noisescope
