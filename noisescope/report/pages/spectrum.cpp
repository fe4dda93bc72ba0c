#include <cmath>

#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/stats/bootstrap.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/spectral_emergence.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/report/figures.h"

namespace noisescope {
namespace {

constexpr const char* kSpectrumProse =
    "When does each spatial frequency come out of the noise? The pictures are noised, and the network's estimate "
    "is compared with them band by band: squared coherence 1/2 means that half of a band is known. Predicted is the "
    "level at which a band's variance in the pictures equals that of the noise. Coarse before fine follows from "
    "falling spectra of pictures, not from the network: on the exact world with a flat spectrum the order "
    "vanishes. The prediction is that of Gaussian pictures without prompt; a network that knows the prompt and "
    "that pictures are no Gaussian texture knows every band earlier.";

constexpr int64_t kBands = 6;

EvidenceOptions path_options(const ExplainContext& context) {
  EvidenceOptions options;
  options.steps = 32;
  options.log_snr_max = context.log_snr_max();
  return options;
}

SpectralEmergence measure(const ExplainContext& context) {
  const Tensor pictures = context.run.pictures.to(context.model.device());
  const int64_t count = pictures.size(0);
  GuidanceOptions plain;
  plain.clamp = 0;
  const Tensor condition = context.model.condition({context.request.prompt}).expand({count, -1});
  TrajectoryRecorder recorder{{.conditional = false, .unconditional = false}};
  observe_noising_path(guide(context.model.denoiser(), condition, condition, plain), pictures,
                       path_options(context), {Random(context.request.seed), sample_range(0, count)},
                       recorder.observer(), context.control);
  return spectral_emergence(recorder.steps(), context.run.pictures, kBands);
}

/// Where a band emerges, over the pictures of the run.
Estimate band_estimate(const SpectralEmergence& found, int64_t band, uint64_t seed) {
  return bootstrap([&](const Tensor& rows) { return found.emergence(band, rows); },
                   found.products.size(3), Random(seed));
}

std::string level_text(double log_snr) {
  return std::isinf(log_snr) ? "not reached" : text_of("%.2f", log_snr);
}

Explained explain_spectrum(const ExplainContext& context) {
  Explained out{{"When each spatial frequency emerges", kSpectrumProse, {}, {}, {}, {}}};
  const SpectralEmergence found = measure(context);
  const Tensor predicted = predicted_emergence(band_spectrum(context.run.pictures, kBands));
  Plot plot;
  plot.title = "Coherence of the estimate with the picture";
  plot.description = "Squared coherence of each frequency band over the noise level.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "squared coherence";
  plot.y.min = 0;
  plot.y.max = 1;
  plot.second_x = timestep_axis(context.config.precondition.schedule);
  plot.rules = {{false, 0.5, "half known"}};
  Table table{text_of("Level at which half of a band is known, over %lld pictures, drawn again 1,000 times "
                      "for the interval; fewer than about 10 make it too narrow.",
                      static_cast<long long>(context.run.count())),
              {"band (0: coarsest)", "measured log-SNR", "95 % interval", "predicted"}, {}};
  for (int64_t r = 0; r < kBands; ++r) {
    const Tensor curve = found.coherence.select(1, r).contiguous();
    plot.series.push_back({text_of("band %lld", static_cast<long long>(r)), found.log_snrs,
                           {curve.const_data_ptr<double>(), curve.const_data_ptr<double>() + curve.numel()}});
    const Estimate measured = band_estimate(found, r, context.request.seed);
    const double said = predicted[r].item<double>();
    table.rows.push_back({std::to_string(r), level_text(measured.value),
                          level_text(measured.low) + " to " + level_text(measured.high), text_of("%.2f", said)});
    out.json["bands"].push_back(
        {{"band", r}, {"measured_log_snr", to_json(measured)}, {"predicted_log_snr", said}});
  }
  out.tensors.tensors["coherence"] = found.coherence;
  out.section.tables.push_back(std::move(table));
  out.add_svg("spectrum.svg", render_svg(plot),
              "One curve a band, over all pictures of the prompt together.");
  return out;
}

}  // namespace

Explainer spectrum_explainer() {
  return {"spectrum", "When does each spatial frequency come out of the noise?", {.run = true},
          [](const ExplainContext& c) { return (path_options(c).steps + 1) * c.run.count(); },
          explain_spectrum};
}

}  // namespace noisescope
