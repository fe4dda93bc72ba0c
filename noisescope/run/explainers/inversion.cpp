#include "noisescope/explain/inversion.h"
#include "noisescope/explain/smooth_deficit.h"
#include "noisescope/run/explainers/explainers.h"
#include "noisescope/viz/panels.h"

namespace noisescope {
namespace {

constexpr const char* kProse =
    "Which noise would have led to this picture? DDIM inversion runs the deterministic sampler backwards; what it "
    "draws from the noise it found differs from the picture by an error that falls with the number of steps. The "
    "edit-friendly inversion finds noise for every step with which the stochastic sampler draws the picture "
    "again, to rounding.\n\n"
    "DDIM's noise is not white: it is less diverse where the picture is smooth (log variance ratio below 0), which "
    "noise that the sampler was given never is. The exact denoiser shows that, too: it is the method's.";

const std::vector<int64_t>& step_counts() {
  static const std::vector<int64_t> counts = {10, 20, 40};
  return counts;
}

/// The pictures of the run, or the one that was given.
Tensor pictures_of(const ExplainContext& context) {
  return (context.run ? context.run->pictures : context.picture.unsqueeze(0)).to(context.model.device());
}

int64_t count_of(const ExplainContext& context) { return context.run ? context.request.pictures : 1; }

std::vector<double> levels(const ExplainContext& context, int64_t steps) {
  GridOptions grid = context.config.draw.grid;
  grid.steps = steps;
  return sampling_sigmas(grid, context.config.precondition.schedule);
}

/// With an interval where there are several pictures.
Estimate estimate_of(const Tensor& values) {
  const Tensor finite = values.index({~values.isnan()});
  if (finite.size(0) >= 2) return mean_estimate(finite);
  const double value = finite.size(0) == 1 ? finite.item<double>() : std::nan("");
  return {value, value, value, finite.size(0)};
}

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
  Explained out{{"Which noise leads to the picture", kProse, {}, {}, {}, {}}};
  const Tensor pictures = pictures_of(context);
  GuidanceOptions plain;
  plain.clip = 0;
  const Tensor condition =
      context.model.condition({context.request.prompt}).expand({pictures.size(0), -1});
  const Predictor predict = guide(context.model.denoiser(), condition, condition, plain);
  Table table{"Root mean square error of the reconstruction, pixel units (pictures span 2).",
              {"inversion", "error"}, {}};
  Tensor noise;
  for (const int64_t steps : step_counts()) {
    const DdimInversion found = invert(context, predict, pictures, steps);
    const Estimate error = estimate_of(found.error);
    table.rows.push_back({text_of("DDIM, %lld steps", static_cast<long long>(steps)),
                          text_of("%.3g [%.3g, %.3g]", error.value, error.low, error.high)});
    out.json["ddim"].push_back({{"steps", steps}, {"error", to_json(error)}});
    noise = found.noise;
  }
  const EditFriendlyInversion friendly =
      invert_edit_friendly(predict, pictures, levels(context, step_counts().front()),
                           {Random(context.request.seed), sample_range(0, pictures.size(0))}, {},
                           context.control);
  const Estimate error =
      estimate_of(reconstruction_error(pictures, replay(predict, friendly, 0, {}, context.control)).cpu());
  table.rows.push_back({text_of("edit-friendly, %lld steps", static_cast<long long>(step_counts().front())),
                        text_of("%.3g [%.3g, %.3g]", error.value, error.low, error.high)});
  const Estimate deficit = estimate_of(smooth_deficit(noise, pictures.cpu()).log_ratio);
  const Estimate size = estimate_of(noise.square().mean({1, 2, 3}).sqrt());
  out.section.numbers.push_back(key_number("size of DDIM's noise", size, "",
                                           "root mean square; 1 for the noise that a sampler is given"));
  out.json["ddim_noise_size"] = to_json(size);
  out.json["edit_friendly_error"] = to_json(error);
  out.json["smooth_deficit_log_ratio"] = to_json(deficit);
  out.section.tables.push_back(std::move(table));
  out.section.numbers.push_back(key_number(
      "log variance ratio, smooth over other pixels", deficit, "",
      "of the noise that DDIM inversion finds; 0 for noise that knows nothing of the picture"));
  out.tensors.tensors = {{"noise", noise}, {"states", friendly.states.cpu()}};
  out.add_png("inversion.png",
              panel_rows({{"", {picture_panel(context.picture, "picture"),
                                signed_panel(noise[0].mean(0), "DDIM's noise for it", "mean of channels")}}}),
              "The picture and the noise that DDIM inversion finds for it",
              "White noise shows no trace of the picture; what is seen of it here is the deficit.");
  return out;
}

int64_t cost(const ExplainContext& context) {
  int64_t steps = 2 * step_counts().front();
  for (const int64_t count : step_counts()) steps += 2 * count;
  return steps * count_of(context);
}

}  // namespace

Explainer inversion_explainer() {
  return {"inversion", "Which noise leads to this picture?", false, false, false, cost, explain_inversion};
}

}  // namespace noisescope
