#include "noisescope/studio/planes.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/format.h"
#include "noisescope/studio/refusal.h"

namespace noisescope::studio {
namespace {

constexpr double kNoiseScale = 3;  // deviations: noise is within it but for 3 in 1,000

/// float32 [B, C, H, W] of one state: what the planes are made of.
struct StatePlanes {
  Tensor values;  // that black to white stand for -scale to scale
  double scale = 1;
};

/// The step that a state shows, the last one's for the finished picture.
const SamplerStep& step_of(const Branch& branch, int64_t k) {
  if (k < 0 || k >= branch.states()) {
    throw NotThere(format_text("[studio.states] state {} of branch {} is not there; {} of {} are", k, branch.id,
                               branch.states(), branch.step_count() + 1));
  }
  return branch.steps[static_cast<size_t>(std::min<int64_t>(k, branch.step_count() - 1))];
}

Tensor noise_by(const SamplerStep& step, const Tensor& estimate) {
  return estimate.defined() ? (step.x - estimate) / step.sigma : torch::zeros_like(step.x);
}

StatePlanes plane_of(const Branch& branch, int64_t k, size_t plane) {
  const SamplerStep& step = step_of(branch, k);
  const Prediction& predicted = step.prediction;
  const bool is_finished = k == branch.step_count();
  switch (plane) {
    case 0:
      return {is_finished ? branch.trajectory->pictures().to(torch::kCPU)
                          : step.x / std::sqrt(1 + step.sigma * step.sigma)};
    case 1:
      return {is_finished ? branch.trajectory->pictures().to(torch::kCPU) : predicted.denoised};
    case 2:
      return {noise_by(step, predicted.conditional), kNoiseScale};
    case 3:
      return {noise_by(step, predicted.unconditional), kNoiseScale};
    default: {
      const Tensor difference = noise_by(step, predicted.conditional) - noise_by(step, predicted.unconditional);
      return {difference, std::max(1e-6, difference.abs().max().item<double>())};
    }
  }
}

uint8_t byte_of(float value, double scale) {
  const double level = (static_cast<double>(value) / scale + 1) * 127.5;
  return static_cast<uint8_t>(std::lround(std::clamp(level, 0.0, 255.0)));
}

size_t index_of_plane(const std::string& id) {
  for (size_t p = 0; p < kPlanes.size(); ++p) {
    if (id == kPlanes[p].id) return p;
  }
  throw NotThere(
      "[studio.states] there is no such plane; there are x, estimate, noise, noise_unprompted and difference");
}

}  // namespace

void append_rgb(std::string& bytes, const Tensor& pictures, double scale) {
  const Tensor values = pictures.to(torch::kFloat32).contiguous();
  const auto* data = values.const_data_ptr<float>();
  const int64_t channels = values.size(1), pixels = values.size(2) * values.size(3);
  for (int64_t b = 0; b < values.size(0); ++b) {
    const float* picture = data + b * channels * pixels;
    for (int64_t i = 0; i < pixels; ++i) {
      for (int64_t c = 0; c < 3; ++c) {
        bytes.push_back(static_cast<char>(byte_of(picture[std::min(c, channels - 1) * pixels + i], scale)));
      }
    }
  }
}

StateBytes state_bytes(const Branch& branch, int64_t k) {
  StateBytes out;
  for (size_t p = 0; p < kPlanes.size(); ++p) {
    const StatePlanes plane = plane_of(branch, k, p);
    out.scales[p] = plane.scale;
    append_rgb(out.bytes, plane.values, plane.scale);
  }
  return out;
}

Image plane_image(const Branch& branch, int64_t k, const std::string& plane, int64_t picture, int64_t times) {
  if (picture < 0 || picture >= branch.request.pictures) {
    throw NotThere(
        format_text("[studio.states] there is no picture {}; the branch has {}", picture, branch.request.pictures));
  }
  StatePlanes values = plane_of(branch, k, index_of_plane(plane));
  values.values = values.values.slice(0, picture, picture + 1);
  std::string small;
  append_rgb(small, values.values, values.scale);
  const int64_t height = values.values.size(2), width = values.values.size(3);
  Image image{width * times, height * times, 3, {}};
  image.pixels.resize(static_cast<size_t>(image.width * image.height * 3));
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      const auto* from = small.data() + ((y / times) * width + x / times) * 3;
      std::copy(from, from + 3, image.at(y, x));
    }
  }
  return image;
}

}  // namespace noisescope::studio
