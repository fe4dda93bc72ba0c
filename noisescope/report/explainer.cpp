#include "noisescope/report/explainer.h"

#include "noisescope/core/error.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/run/word_contrasts.h"

namespace noisescope {
namespace {

void check_request(const ExplainRequest& request) {
  if (request.pictures < 2 || request.paths < 2) {
    throw ValueError("[report.ExplainContext] expected at least 2 pictures and 2 paths, so that "
                     "there are "
                     "intervals, got " + std::to_string(request.pictures) + " and " +
                     std::to_string(request.paths));
  }
  if (request.record && request.picture.defined()) {
    throw ValueError("[report.ExplainContext] expected a record or a picture, got both; leave one "
                     "out");
  }
  if (request.prompt.empty() && !request.record) {
    throw ValueError("[report.ExplainContext] expected a prompt, got none; say what the picture "
                     "shows");
  }
}

ExplainedRun run_of(const TextToImage& model, const RunConfig& config,
                    const ExplainRequest& request, const Control& control) {
  if (request.record) {
    ExplainedRun run = recorded_run(model, config, *request.record, request.recorded,
                                    request.pictures, control);
    if (request.prompt.empty() || request.prompt == run.prompt) return run;
    throw ValueError("[report.ExplainContext] expected the prompt of picture " +
                     std::to_string(request.recorded) + ", '" + run.prompt + "', got '" +
                     request.prompt + "'; leave --prompt out, or see 'noisescope rewind --help'");
  }
  if (!request.picture.defined()) {
    return draw_run(model, config, request.prompt, request.pictures, request.seed, control);
  }
  return inverted_run(model, config, request.prompt, request.picture, request.paths, request.seed,
                      control);
}

/// The words that the prompt of a request asks about; refuses unknown ones before anything is
/// drawn.
std::vector<PromptContrast> contrasts_of(const TextToImage& model, const RunConfig& config,
                                         const ExplainRequest& request, const std::string& prompt) {
  model.condition({prompt});
  if (!has_vocabulary(config) && request.words.empty()) return {};
  return word_contrasts(config, prompt, request.words, request.alternatives);
}

}  // namespace

ExplainContext::ExplainContext(const TextToImage& the_model, const RunConfig& the_config,
                               const ExplainRequest& the_request, const Control& the_control)
    : model(the_model), config(the_config), request(the_request), control(the_control) {
  check_request(request);
  if (!request.record) contrasts = contrasts_of(model, config, request, request.prompt);
  factors = factors_of(model, config, request.labels);
  run = run_of(model, config, request, control);
  if (request.record) contrasts = contrasts_of(model, config, request, run.prompt);
  request.prompt = run.prompt;
  config.sample = run.sample;
  picture = run.pictures[0];
}

double ExplainContext::log_snr_max() const {
  return std::min(EvidenceOptions{}.log_snr_max, cleanest_trained_log_snr(config));
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
