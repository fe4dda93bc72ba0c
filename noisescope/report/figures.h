// The figures of a run: made of tensors and numbers, drawn by viz.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/diffusion/sampler.h"
#include "noisescope/diffusion/schedule.h"
#include "noisescope/explain/answer.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/viz/colormap.h"
#include "noisescope/viz/film.h"
#include "noisescope/viz/plot.h"

namespace noisescope::report {

/// The timesteps of the discrete schedule, to stand above a log-SNR axis.
SecondAxis timestep_axis(const ScheduleOptions& options);

/// What to write below such an axis.
inline constexpr const char* kLogSnrLabel = "log-SNR of the noise level (left: all noise, right: clean)";

/// Mean over the B columns of values [S, B] with its 95 % interval, kept within [low, high]. B >= 2.
Series mean_series(const std::string& name, const std::vector<double>& x, const Tensor& values,
                   ValueRange within = {-1e300, 1e300});

/// The film of picture `index` of a recorded run: x_t, the estimate of the clean image, the noise
/// that it implies with prompt, without, and their difference.
/// x_t is shown at the scale of the data (divided by sqrt(1 + sigma^2)).
Film trajectory_film(const std::vector<SamplerStep>& steps, int64_t index, const std::string& prompt,
                     const ScheduleOptions& schedule);

/// For each prompt: mean picture, one picture, and the map of what the prompt added (nats or energy
/// per pixel, mean over the pictures, with the square root of it beside).
Image guidance_maps(const Named<GuidanceExplanation>& prompts);

/// Information per unit of log-SNR, one line per prompt, t along the top.
std::string guidance_profile(const Named<GuidanceExplanation>& prompts, const ScheduleOptions& schedule);

/// Training and validation loss over images, from metrics.jsonl.
std::string learning_curves(const std::vector<nlohmann::ordered_json>& metrics);

/// Validation loss over the noise level.
std::string loss_by_noise_level(const nlohmann::ordered_json& validation);

/// Scene accuracy over the guidance scale with intervals, from evaluation.json.
std::string accuracy_over_guidance(const nlohmann::ordered_json& evaluation);

}  // namespace noisescope::report
