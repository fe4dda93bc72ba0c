#include "noisescope/live/shown_planes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "noisescope/stats/student_t.h"

namespace noisescope::live {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kNoiseScale = 3;  // deviations: noise is within it but for 3 in 1,000

Floats noise_by(const DrawnStep& step, const Floats& estimate) {
  return mix(1 / step.sigma, step.x, -1 / step.sigma, estimate);
}

/// Pictures [B, C, H, W] behind each other as rows of RGB; one channel is grey.
void append_rgb(std::string& bytes, const Floats& values, double scale, const LiveModel& model) {
  const int64_t channels = model.channels(), pixels = model.side() * model.side();
  for (size_t at = 0; at < values.size(); at += static_cast<size_t>(channels * pixels)) {
    for (int64_t i = 0; i < pixels; ++i) {
      for (int64_t c = 0; c < 3; ++c) {
        const float value = values[at + static_cast<size_t>(std::min(c, channels - 1) * pixels + i)];
        const double level = (static_cast<double>(value) / scale + 1) * 127.5;
        bytes.push_back(static_cast<char>(static_cast<uint8_t>(std::lround(std::clamp(level, 0.0, 255.0)))));
      }
    }
  }
}

/// Mean and half-width of the 95 % interval by Student's t.
struct MeanAndHalf {
  double mean = 0, half = 0;
};

MeanAndHalf mean_and_half(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  MeanAndHalf out;
  for (const double value : values) out.mean += value / n;
  double squares = 0;
  for (const double value : values) squares += (value - out.mean) * (value - out.mean);
  out.half = values.size() < 2
                 ? std::numeric_limits<double>::quiet_NaN()
                 : student_t95(static_cast<int64_t>(values.size()) - 1) * std::sqrt(squares / (n - 1) / n);
  return out;
}

std::string float_bytes(const Floats& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

Json decision_json(const LiveEvidence& evidence) {
  std::vector<std::vector<double>> curves;
  for (int64_t path = 0; path < evidence.paths; ++path) curves.push_back(evidence.decision(path));
  std::vector<double> value, low, high;
  for (size_t level = 0; level < evidence.log_snrs.size(); ++level) {
    std::vector<double> at;
    for (const auto& curve : curves) at.push_back(curve[level]);
    const MeanAndHalf m = mean_and_half(at);
    const double half = std::isnan(m.half) ? 0 : m.half;
    value.push_back(m.mean);
    low.push_back(std::max(m.mean - half, 0.0));
    high.push_back(std::min(m.mean + half, 1.0));
  }
  return {{"value", value}, {"low", low}, {"high", high}};
}

/// Distance from the colour of the border, the median of its pixels.
std::vector<double> distance_from_border(const Floats& picture, int64_t channels, int64_t side) {
  std::vector<double> map(static_cast<size_t>(side * side), 0.0);
  for (int64_t c = 0; c < channels; ++c) {
    const float* plane = picture.data() + c * side * side;
    Floats border;
    for (int64_t i = 0; i < side; ++i) {
      for (const int64_t place : {i, (side - 1) * side + i, i * side, i * side + side - 1})
        border.push_back(plane[place]);
    }
    const auto middle = border.begin() + static_cast<int64_t>(border.size() - 1) / 2;
    std::nth_element(border.begin(), middle, border.end());
    for (size_t p = 0; p < map.size(); ++p) map[p] += static_cast<double>(std::abs(plane[p] - *middle));
  }
  return map;
}

/// Length of the Sobel gradient of the mean over channels, edge pixels repeated.
std::vector<double> sobel_edges(const Floats& picture, int64_t channels, int64_t side) {
  std::vector<double> grey(static_cast<size_t>(side * side), 0.0), map(grey.size());
  for (size_t i = 0; i < picture.size(); ++i) {
    grey[i % grey.size()] += static_cast<double>(picture[i]) / static_cast<double>(channels);
  }
  const auto at = [&](int64_t y, int64_t x) {
    return grey[static_cast<size_t>(std::clamp<int64_t>(y, 0, side - 1) * side + std::clamp<int64_t>(x, 0, side - 1))];
  };
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) {
      double across = 0, down = 0;
      for (int64_t k = -1; k <= 1; ++k) {
        const double weight = k == 0 ? 2 : 1;
        across += weight * (at(y + k, x + 1) - at(y + k, x - 1));
        down += weight * (at(y + 1, x + k) - at(y - 1, x + k));
      }
      map[static_cast<size_t>(y * side + x)] = std::hypot(across, down);
    }
  }
  return map;
}

}  // namespace

ShownState shown_state(const LiveModel& model, const Drawing& drawing, int64_t k) {
  const int64_t states = drawing.is_done() ? drawing.count() + 1 : drawing.done();
  if (k < 0 || k >= states) {
    throw ValueError(format_text("[live.states] expected a state that is drawn, got {}; {} of {} are", k, states,
                                 drawing.count() + 1));
  }
  const bool is_finished = k == drawing.count();
  const DrawnStep& step = drawing.step(std::min(k, drawing.count() - 1));
  const Floats with = noise_by(step, step.prediction.conditional),
               without = noise_by(step, step.prediction.unconditional), difference = mix(1, with, -1, without);
  double largest = 1e-6;
  for (const float value : difference) largest = std::max(largest, static_cast<double>(std::abs(value)));
  const double data_scale = 1 / std::sqrt(1 + step.sigma * step.sigma);
  ShownState out{{}, {1, 1, kNoiseScale, kNoiseScale, largest}};
  append_rgb(out.bytes, is_finished ? drawing.pictures() : mix(data_scale, step.x, 0, step.x), 1, model);
  append_rgb(out.bytes, is_finished ? drawing.pictures() : step.prediction.denoised, 1, model);
  append_rgb(out.bytes, with, kNoiseScale, model);
  append_rgb(out.bytes, without, kNoiseScale, model);
  append_rgb(out.bytes, difference, largest, model);
  return out;
}

Json estimate_of(const std::vector<double>& values) {
  std::vector<double> finite;
  for (const double value : values) {
    if (std::isfinite(value)) finite.push_back(value);
  }
  const MeanAndHalf m = mean_and_half(finite);
  const bool has_interval = finite.size() > 1;
  return {{"value", finite.empty() ? Json() : Json(m.mean)},
          {"low", has_interval ? Json(m.mean - m.half) : Json()},
          {"high", has_interval ? Json(m.mean + m.half) : Json()},
          {"n", finite.size()}};
}

Json word_evidence(const LiveEvidence& evidence) {
  std::vector<double> totals, halves;
  for (int64_t path = 0; path < evidence.paths; ++path) {
    totals.push_back(evidence.total(path));
    halves.push_back(evidence.half_point(path));
  }
  return {{"total", estimate_of(totals)}, {"decision", decision_json(evidence)}, {"half_point", estimate_of(halves)}};
}

std::string mean_and_half_bytes(const std::vector<double>& maps, int64_t paths) {
  const size_t pixels = maps.size() / static_cast<size_t>(paths);
  Floats out(2 * pixels);
  for (size_t p = 0; p < pixels; ++p) {
    std::vector<double> of_paths;
    for (int64_t path = 0; path < paths; ++path) of_paths.push_back(maps[static_cast<size_t>(path) * pixels + p]);
    const MeanAndHalf m = mean_and_half(of_paths);
    out[p] = static_cast<float>(m.mean);
    out[pixels + p] = static_cast<float>(m.half);
  }
  return float_bytes(out);
}

std::string blind_map_bytes(const LiveModel& model, const Floats& picture, const std::string& name, double total) {
  if (name != "background" && name != "edges") {
    throw ValueError("[live.why] expected a blind map 'background' or 'edges', got " + in_quotes(name));
  }
  const auto map_of = name == "edges" ? sobel_edges : distance_from_border;
  const std::vector<double> map = map_of(picture, model.channels(), model.side());
  double sum = 1e-12;
  for (const double value : map) sum += value;
  Floats out(2 * map.size(), std::numeric_limits<float>::quiet_NaN());
  for (size_t p = 0; p < map.size(); ++p) out[p] = static_cast<float>(map[p] * total / sum);
  return float_bytes(out);
}

}  // namespace noisescope::live
