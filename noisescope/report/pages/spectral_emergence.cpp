#include "noisescope/explain/spectral_emergence.h"

#include <cmath>

#include "noisescope/core/format.h"
#include "noisescope/report/figures.h"
#include "noisescope/report/pages/pages.h"
#include "noisescope/stats/bootstrap.h"

namespace noisescope::report {
namespace {

constexpr const char* kSpectrumProse =
    "When does each spatial frequency come out of the noise? The pictures are noised, and the network's estimate "
    "is compared with them band by band: squared coherence 1/2 means that half of a band is known. Predicted is the "
    "level at which a band's variance in the pictures equals that of the noise. Coarse before fine follows from "
    "falling spectra of pictures, not from the network: on the exact world with a flat spectrum the order "
    "vanishes. The prediction is that of Gaussian pictures without prompt; a network that knows the prompt and "
    "that pictures are no Gaussian texture knows every band earlier.";

/// Where a band emerges, over the pictures of the run.
Estimate band_estimate(const SpectralEmergence& found, int64_t band, uint64_t seed) {
  return bootstrap([&](const Tensor& rows) { return found.emergence(band, rows); }, found.products.size(3),
                   Random(seed));
}

std::string level_text(double log_snr) { return std::isinf(log_snr) ? "not reached" : format_text("{:.2f}", log_snr); }

}  // namespace

Page spectral_emergence_page(const PageContext& context) {
  const Subject& subject = context.subject;
  const SpectralEmergence& found = context.answer.as<EmergenceOfPictures>().found;
  const Tensor predicted = predicted_emergence(context.answer.as<EmergenceOfPictures>().spectrum);
  Page out{{"When each spatial frequency emerges", kSpectrumProse, {}, {}, {}, {}}};
  Plot plot;
  plot.title = "Coherence of the estimate with the picture";
  plot.description = "Squared coherence of each frequency band over the noise level.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "squared coherence";
  plot.y.min = 0;
  plot.y.max = 1;
  plot.second_x = timestep_axis(subject.model.schedule);
  plot.rules = {{false, 0.5, "half known"}};
  Table table{format_text("Level at which half of a band is known, over {} pictures, drawn again 1,000 times for the "
                          "interval; fewer than about 10 make it too narrow.",
                          subject.trajectory.count()),
              {"band (0: coarsest)", "measured log-SNR", "95 % interval", "predicted"},
              {}};
  for (int64_t r = 0; r < predicted.size(0); ++r) {
    const Tensor curve = found.coherence.select(1, r).contiguous();
    plot.series.push_back({format_text("band {}", r),
                           found.log_snrs,
                           {curve.const_data_ptr<double>(), curve.const_data_ptr<double>() + curve.numel()}});
    const Estimate measured = band_estimate(found, r, subject.seed);
    const double said = predicted[r].item<double>();
    table.rows.push_back({std::to_string(r), level_text(measured.value),
                          level_text(measured.low) + " to " + level_text(measured.high), format_text("{:.2f}", said)});
    out.json["bands"].push_back({{"band", r}, {"measured_log_snr", to_json(measured)}, {"predicted_log_snr", said}});
  }
  out.section.tables.push_back(std::move(table));
  out.add_svg("spectrum.svg", render_svg(plot), "One curve a band, over all pictures of the prompt together.");
  return out;
}

}  // namespace noisescope::report
