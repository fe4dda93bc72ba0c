#include "noisescope/run/explainer.h"

#include "noisescope/core/error.h"
#include "noisescope/diffusion/trajectory.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/run/explainers/explainers.h"
#include "noisescope/run/word_contrasts.h"

namespace noisescope {
namespace {

/// Draws all pictures in one batch and records both branches at every step.
ExplainedRun draw_run(const TextToImage& model, const RunConfig& config,
                      const ExplainRequest& request, const std::vector<double>& sigmas,
                      const Control& control) {
  ExplainedRun run{{}, {}, sigmas, config.draw.guidance};
  run.guidance.both_branches = true;
  TrajectoryRecorder recorder{TrajectoryOptions{}};
  const std::vector<std::string> prompts(static_cast<size_t>(request.pictures), request.prompt);
  run.pictures = draw(model, {prompts, "", request.seed, 0}, sigmas, config.draw.sampler,
                      run.guidance, request.pictures, recorder.observer(), control);
  run.steps = recorder.steps();
  return run;
}

void check_request(const ExplainRequest& request) {
  if (request.pictures >= 2 && request.paths >= 2) return;
  throw ValueError("[run.ExplainContext] expected at least 2 pictures and 2 paths, so that there are "
                   "intervals, got " + std::to_string(request.pictures) + " and " +
                   std::to_string(request.paths));
}

}  // namespace

ExplainContext::ExplainContext(const TextToImage& the_model, const RunConfig& the_config,
                               const ExplainRequest& the_request, const Control& the_control)
    : model(the_model), config(the_config), request(the_request), control(the_control) {
  check_request(request);
  model.condition({request.prompt});  // refuses unknown words before anything is drawn
  if (has_vocabulary(config) || !request.words.empty()) {
    contrasts = word_contrasts(config, request.prompt, request.words, request.alternatives);
  }
  factors = factors_of(model, config, request.labels);
  if (request.picture.defined()) {
    const int64_t side = model.image_size();
    check_shape("run.ExplainContext", "picture", request.picture, {3, side, side});
    picture = request.picture.to(torch::kCPU, torch::kFloat32);
  } else {
    run = draw_run(model, config, request, sigmas(), control);
    picture = run->pictures[0];
  }
}

double ExplainContext::log_snr_max() const {
  return std::min(EvidenceOptions{}.log_snr_max, cleanest_trained_log_snr(config));
}

std::vector<double> ExplainContext::sigmas() const {
  return sampling_sigmas(config.draw.grid, config.precondition.schedule);
}

EvidenceRequest ExplainContext::evidence_request() const {
  EvidenceRequest asked{request.prompt, request.words, request.alternatives, picture,
                        request.paths, {}, request.seed};
  asked.options.steps = request.steps;
  return asked;
}

const EvidenceExplanation& ExplainContext::evidence() const {
  if (!evidence_) evidence_ = explain_evidence(model, config, evidence_request(), control);
  return *evidence_;
}

void Explained::add_png(const std::string& name, const Image& image, const std::string& alt,
                        const std::string& caption) {
  files[name] = encode_png(image);
  section.figures.push_back(png_figure(image, alt, caption));
}

void Explained::add_svg(const std::string& name, const std::string& svg,
                        const std::string& caption) {
  files[name] = svg;
  section.figures.push_back(svg_figure(svg, caption));
}

const std::vector<Explainer>& explainers() {
  static const std::vector<Explainer> all = {
      film_explainer(),        evidence_explainer(),       timesteps_explainer(),
      information_explainer(), guidance_information_explainer(), anatomy_explainer(),
      counterfactual_explainer(), uncertainty_explainer(), trajectory_explainer(),
      noise_explainer(),       windows_explainer(),        words_explainer(),
      locality_explainer(),    causes_explainer(),         spectrum_explainer(),
      inversion_explainer()};
  return all;
}

}  // namespace noisescope
