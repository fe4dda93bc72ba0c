#include "noisescope/run/evidence_figures.h"

#include <algorithm>
#include <cmath>

#include "noisescope/run/figures.h"
#include "noisescope/viz/canvas.h"
#include "noisescope/viz/plot.h"

namespace noisescope {
namespace {

constexpr int64_t kScale = 5, kGap = 16, kHeader = 26, kCaption = 20;

std::string title_of(const PromptContrast& contrast) {
  std::string title = contrast.word + " against";
  for (const std::string& value : contrast.values) {
    if (value != contrast.values[static_cast<size_t>(contrast.own)]) title += " " + value;
  }
  return title;
}

Image mask_image(const Tensor& mask) {
  return color_image(mask.to(torch::kFloat32), ColorMap::sequential, {0, 1});
}

/// Draws one word's panels from row `y` on.
class WordRow {
 public:
  WordRow(Canvas& canvas, int64_t side, int64_t y) : canvas_(canvas), cell_(side * kScale), y_(y) {}

  void panel(const Image& image, const std::string& caption) {
    canvas_.picture(x_, y_ + kHeader, image, kScale);
    canvas_.text(x_, y_ + kHeader + cell_ + 3, caption, {.size_px = 12}, Ink::kMuted);
    x_ += cell_ + kGap;
  }
  void map(const Tensor& values, ValueRange range, const std::string& caption) {
    draw_color_bar(canvas_, x_, y_ + kHeader + cell_ + kCaption, cell_, ColorMap::sequential, range,
                   "nats a pixel");
    panel(color_image(values, ColorMap::sequential, range), caption);
  }

 private:
  Canvas& canvas_;
  int64_t cell_, y_, x_ = kGap;
};

}  // namespace

Image evidence_maps(const EvidenceExplanation& explanation) {
  const int64_t side = explanation.picture.size(1), cell = side * kScale;
  const int64_t row_height = kHeader + cell + kCaption + color_bar_height() + kGap;
  const bool world = explanation.words.front().exact.has_value();
  const int64_t panels = world ? 4 : 2;
  Canvas canvas(kGap + panels * (cell + kGap),
                kGap + row_height * static_cast<int64_t>(explanation.words.size()));
  int64_t y = kGap;
  for (const WordEvidence& word : explanation.words) {
    const Tensor map = word.model.compensated.mean(0);
    Tensor largest = map.max();
    if (word.exact) largest = torch::maximum(largest, word.exact->compensated.mean(0).max());
    const ValueRange range{0, std::max(1e-9, largest.item<double>())};
    canvas.text(kGap, y, title_of(word.contrast), {.size_px = 14, .bold = true});
    WordRow row(canvas, side, y);
    row.panel(to_image(explanation.picture), "the picture");
    row.map(map, range, "evidence by the model");
    if (word.exact) row.map(word.exact->compensated.mean(0), range, "by the exact denoiser");
    if (word.mask.defined()) row.panel(mask_image(word.mask), "what would change");
    y += row_height;
  }
  return std::move(canvas).image();
}

std::string decision_curves(const EvidenceExplanation& explanation, Teller teller,
                            const ScheduleOptions& schedule) {
  Plot plot;
  const bool model = teller == Teller::model;
  plot.title = model ? "When each word was decided" : "The same by the exact denoiser";
  plot.description = "Probability of each word, given the picture down to a noise level; noise falls "
                     "from left to right.";
  plot.x.label = "log-SNR of the noise level (left: all noise, right: clean)";
  plot.y.label = "P(word | picture so far)";
  plot.y.min = 0;
  plot.y.max = 1;
  plot.second_x = timestep_axis(schedule);
  for (const WordEvidence& word : explanation.words) {
    const Evidence& e = model ? word.model : word.exact.value();
    Series series{word.contrast.word, e.log_snrs, {}};
    const Tensor curves = e.decision();
    const Tensor mean = curves.mean(1);
    const Tensor half = 1.96 * curves.std(1) / std::sqrt(static_cast<double>(curves.size(1)));
    for (int64_t i = 0; i < mean.size(0); ++i) {
      const double value = mean[i].item<double>(), error = half[i].item<double>();
      series.y.push_back(value);
      series.low.push_back(std::max(0.0, value - error));
      series.high.push_back(std::min(1.0, value + error));
    }
    plot.series.push_back(std::move(series));
  }
  return render_svg(plot);
}

}  // namespace noisescope
