#include "noisescope/report/figures.h"

#include <cmath>

#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/viz/panels.h"
#include "noisescope/viz/plot.h"

namespace noisescope::report {
namespace {

Tensor picture_at(const Tensor& batch, int64_t index) {
  return batch.defined() ? batch[index].to(torch::kFloat32) : Tensor();
}

Tensor noise_at(const SamplerStep& step, const Tensor& denoised, int64_t index) {
  if (!denoised.defined()) return Tensor();
  return (step.x[index] - denoised[index]).to(torch::kFloat32) / step.sigma;
}

}  // namespace

SecondAxis timestep_axis(const ScheduleOptions& options) {
  const Schedule schedule(options);
  SecondAxis axis{"timestep t", "", {}};
  for (int64_t t = schedule.timesteps(); t >= 1; --t) {
    axis.mapping.emplace_back(schedule.log_snr(t), static_cast<double>(t));
  }
  return axis;
}

Series mean_series(const std::string& name, const std::vector<double>& x, const Tensor& values, ValueRange within) {
  Series series{name, x, {}};
  const Tensor mean = values.mean(1);
  const Tensor half = 1.96 * values.std(1) / std::sqrt(static_cast<double>(values.size(1)));
  for (int64_t i = 0; i < mean.size(0); ++i) {
    const double value = mean[i].item<double>(), error = half[i].item<double>();
    series.y.push_back(value);
    series.low.push_back(std::max(within.low, value - error));
    series.high.push_back(std::min(within.high, value + error));
  }
  return series;
}

Film trajectory_film(const std::vector<SamplerStep>& steps, int64_t index, const std::string& prompt,
                     const ScheduleOptions& options) {
  const Schedule schedule(options);
  Film film{prompt,
            {},
            {{"x_t", PanelKind::picture, {}},
             {"clean estimate x0", PanelKind::picture, {}},
             {"noise with prompt", PanelKind::signed_, {}},
             {"noise without prompt", PanelKind::signed_, {}},
             {"difference", PanelKind::signed_, {}}}};
  for (const SamplerStep& step : steps) {
    film.step_captions.push_back(format_text("sigma {:.3g}, log-SNR {:.1f}, t {:.0f} of {}", step.sigma,
                                             log_snr_of(step.sigma), schedule.timestep(step.sigma),
                                             schedule.timesteps()));
    const Tensor with = noise_at(step, step.prediction.conditional, index);
    const Tensor without = noise_at(step, step.prediction.unconditional, index);
    film.panels[0].steps.push_back(picture_at(step.x, index) / std::sqrt(1 + step.sigma * step.sigma));
    film.panels[1].steps.push_back(picture_at(step.prediction.denoised, index));
    film.panels[2].steps.push_back(with);
    film.panels[3].steps.push_back(without);
    film.panels[4].steps.push_back(with.defined() && without.defined() ? with - without : Tensor());
  }
  return film;
}

Image guidance_maps(const Named<GuidanceExplanation>& prompts) {
  std::vector<PanelRow> rows;
  for (size_t k = 0; k < prompts.names.size(); ++k) {
    const GuidanceExplanation& e = prompts.answers[k];
    const std::string unit = e.information.unit == InformationUnit::nats ? "nats per pixel" : "energy per pixel";
    const Tensor own = e.information.map[0];
    rows.push_back({prompts.names[k],
                    {picture_panel(e.pictures[0], "one picture"), map_panel(own, "its map", unit),
                     map_panel(own.clamp_min(0).sqrt(), "its map, square root", "root of " + unit),
                     map_panel(e.information.map.mean(0), "mean over the pictures", unit)}});
  }
  return panel_rows(rows);
}

std::string guidance_profile(const Named<GuidanceExplanation>& prompts, const ScheduleOptions& schedule) {
  Plot plot;
  const bool nats = prompts.answers.front().information.unit == InformationUnit::nats;
  plot.title = "What the prompt added, by noise level";
  plot.description = "Guidance information per unit of log-SNR; noise falls from left to right.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "information per unit of log-SNR";
  plot.y.unit = nats ? "nats" : "guidance energy";
  plot.second_x = timestep_axis(schedule);
  for (size_t k = 0; k < prompts.names.size(); ++k) {
    const GuidanceExplanation& e = prompts.answers[k];
    std::vector<double> x;
    for (const InformationCell& cell : e.information.cells) x.push_back(cell.log_snr);
    plot.series.push_back(mean_series(prompts.names[k], x, e.information.density(), {0, 1e300}));
  }
  return render_svg(plot);
}

std::string learning_curves(const std::vector<nlohmann::ordered_json>& metrics) {
  Series train{"training", {}, {}}, validation{"validation, averaged weights", {}, {}};
  for (const auto& record : metrics) {
    const double images = record.at("images").get<double>();
    if (record.contains("loss")) {
      train.x.push_back(images);
      train.y.push_back(record.at("loss").get<double>());
    }
    if (record.contains("validation_loss")) {
      validation.x.push_back(images);
      validation.y.push_back(record.at("validation_loss").get<double>());
    }
  }
  Plot plot;
  plot.title = "Learning curves";
  plot.description = "Loss over images seen, in training and on fixed validation noise.";
  plot.x.label = "images seen";
  plot.y.label = "loss; 1 knows nothing";
  plot.y.log = true;
  for (Series* series : {&train, &validation}) {
    if (!series->x.empty()) plot.series.push_back(std::move(*series));
  }
  return render_svg(plot);
}

std::string loss_by_noise_level(const nlohmann::ordered_json& validation) {
  Series series{"validation", {}, {}};
  for (const auto& bin : validation.at("bins")) {
    series.x.push_back(bin.at("sigma").get<double>());
    series.y.push_back(bin.at("loss").get<double>());
  }
  Plot plot;
  plot.title = "Loss by noise level";
  plot.description = "Validation loss at twelve noise levels.";
  plot.x.label = "noise level sigma";
  plot.x.log = true;
  plot.y.label = "loss; 1 knows nothing";
  plot.y.min = 0;
  series.markers = true;
  plot.series.push_back(std::move(series));
  return render_svg(plot);
}

std::string accuracy_over_guidance(const nlohmann::ordered_json& evaluation) {
  Plot plot;
  plot.title = "Scene accuracy over guidance";
  plot.description = "Share of pictures that show what the prompt asks for, over the guidance scale.";
  plot.x.label = "guidance scale s; 1 is none";
  plot.y.label = "share of pictures";
  plot.y.min = 0;
  plot.y.max = 1;
  const auto add = [&](const char* key, const char* part, const char* label) {
    if (!evaluation.contains(key)) return;
    Series series{label, {}, {}};
    for (const auto& [scale, accuracy] : evaluation.at(key).items()) {
      const auto& e = accuracy.at(part);
      series.x.push_back(std::stod(scale));
      series.y.push_back(e.at("value").get<double>());
      series.low.push_back(e.at("low").get<double>());
      series.high.push_back(e.at("high").get<double>());
    }
    plot.series.push_back(std::move(series));
  };
  add("sweep", "joint", "whole scene");
  add("sweep", "shapes", "both shapes");
  add("sweep", "colours", "both colours");
  add("held_out", "joint", "scene never trained on");
  return render_svg(plot);
}

}  // namespace noisescope::report
