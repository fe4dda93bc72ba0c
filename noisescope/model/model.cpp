#include "noisescope/model/model.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/model/family_contrasts.h"
#include "noisescope/model/word_contrasts.h"

namespace noisescope::model {
namespace {

/// The network computes in float32; what surrounds it may be float64.
Denoiser float32_denoiser(const TextToImage& network) {
  return [inner = network.denoiser(), device = network.device()](const Tensor& x, const Tensor& sigma,
                                                                 const Tensor& condition) {
    const auto in = [&](const Tensor& t) { return t.to(device, torch::kFloat32); };
    return inner(in(x), in(sigma), in(condition)).to(x.options());
  };
}

/// Rows of prompts, the null condition in those of "".
Tensor network_condition(const TextToImage& network, const std::vector<std::string>& prompts) {
  std::vector<std::string> said;
  for (const std::string& prompt : prompts) {
    if (!prompt.empty()) said.push_back(prompt);
  }
  const auto count = static_cast<int64_t>(prompts.size());
  if (said.size() == prompts.size()) return network.condition(prompts);
  Tensor rows = network.null_condition(count).clone();
  if (said.empty()) return rows;
  const Tensor known = network.condition(said);
  int64_t next = 0;
  for (int64_t row = 0; row < count; ++row) {
    if (!prompts[static_cast<size_t>(row)].empty()) rows[row] = known[next++];
  }
  return rows;
}

/// A noise level from which a run may start at pure noise: that leaves the pictures' mean out, by which dark ones are
/// drawn more often than bright ones; at four times their root mean square length by at most 1/32 nat.
double hiding_sigma(const GivenPictures& given) {
  const Tensor pixels = given.pixels.flatten(1).to(torch::kFloat32) / 127.5 - 1;
  return std::max(60.0, 4 * std::sqrt(pixels.square().sum(1).mean().item<double>()));
}

}  // namespace

Model exact_model(const WorldDenoiser& truth) {
  Model model;
  model.name = "exact " + truth.world().name();
  model.denoiser = truth.denoiser();
  model.condition = [truth](const std::vector<std::string>& captions) {
    std::vector<Tensor> rows;
    for (const std::string& caption : captions) {
      rows.push_back(caption.empty() ? truth.null_condition() : truth.condition_of(truth.grammar().parse(caption)));
    }
    return torch::stack(rows);
  };
  model.image_shape = {3, kWorldImagePx, kWorldImagePx};
  model.sample.grid = {GridKind::karras, 32, 0.1, 40, 7};
  model.sample.sampler.solver = Solver::dpmpp_2m_sde;
  model.sample.guidance.clamp = 0;
  model.reader = [truth](const auto& texts) { return exact_reader(truth, texts); };
  model.world = truth;
  model.device = truth.null_condition().device();
  return model;
}

Model exact_model(const PictureDenoiser& truth) {
  const GivenPictures& given = truth.pictures();
  Model model;
  model.name = "exact " + given.name;
  model.denoiser = truth.denoiser();
  model.condition = [truth](const std::vector<std::string>& texts) { return truth.condition_of(texts); };
  model.image_shape = {given.pixels.size(1), given.pixels.size(2), given.pixels.size(3)};
  model.sample.grid = {GridKind::karras, 32, 0.1, hiding_sigma(given), 7};
  model.sample.sampler.solver = Solver::dpmpp_2m_sde;
  model.sample.guidance.clamp = 0;
  model.reader = [truth](const auto& texts) { return exact_reader(truth, texts); };
  model.contrasts = [truth](const std::string& prompt) {
    return family_contrasts(prompt, emoji_words(), [&](const std::string& text) { return truth.has_caption(text); });
  };
  model.pictures = truth;
  return model;
}

GivenPictures given_pictures(const ImageDataset& data, const std::vector<int64_t>& indices) {
  const ImageSamples& samples = data.samples();
  GivenPictures given{data.name(), samples.pixels.index_select(0, torch::tensor(indices, torch::kInt64)), {}, {}};
  for (const int64_t index : indices) {
    const auto i = static_cast<size_t>(index);
    given.captions.emplace_back();
    for (const int64_t row : samples.caption_rows[i]) {
      given.captions.back().push_back(samples.captions.texts()[static_cast<size_t>(row)]);
    }
    if (samples.labels.empty() || samples.class_names.empty()) continue;
    const int64_t label = samples.labels[i];
    given.classes.push_back(label < 0 ? "" : samples.class_names[static_cast<size_t>(label)]);
  }
  return given;
}

Model exact_model(const DataOptions& data, const Control& control, LoadReport& report) {
  if (data.kind == DataKind::world) {
    throw ConfigError(
        "[model.exact_model] expected data of pictures, got data.kind world, which has a model of its own");
  }
  DataOptions all = data;
  all.emoji.held_out = 0;  // nothing is trained
  const OpenedData opened = open_dataset(all, control, report);
  const auto& pictures = dynamic_cast<const ImageDataset&>(*opened.dataset);
  return exact_model(PictureDenoiser{given_pictures(pictures, sample_range(0, pictures.size()))});
}

Model network_model(const TextToImage& network, const std::string& name, const SamplingOptions& sample,
                    double log_snr_max, const std::optional<World>& world) {
  if (world && network.image_size() != kWorldImagePx) {
    throw ModelError(format_text(
        "[model.network_model] expected a model of {}-pixel pictures of the two-object world, got {} pixels",
        kWorldImagePx, network.image_size()));
  }
  Model model;
  model.name = name;
  model.denoiser = float32_denoiser(network);
  model.condition = [network](const std::vector<std::string>& prompts) { return network_condition(network, prompts); };
  const int64_t side = network.image_size();
  model.image_shape = {network.options().network.in_channels, side, side};
  model.log_snr_max = log_snr_max;
  model.sample = sample;
  model.schedule = network.options().precondition.schedule;
  model.device = network.device();
  model.reader = [network](const auto& texts) { return clip_reader(network.clip(), texts); };
  if (world) model.world.emplace(*world, network.device());
  model.network = std::make_shared<const TextToImage>(network);
  return model;
}

Sampling sampling_of(const Model& model, const SamplingOptions& options) {
  return {model.denoiser, sampling_sigmas(options.grid, model.schedule), options.sampler, options.guidance,
          options.batch_size};
}

Trajectory draw_trajectory(const Model& model, const PictureRequest& request, const SamplingOptions& options) {
  const auto count = static_cast<int64_t>(request.prompts.size());
  if (count == 0) throw ValueError("[model.draw_trajectory] expected at least one prompt, got none");
  const NoiseSource noise{Random(request.seed), sample_range(request.first_sample, count)};
  return {sampling_of(model, options),
          {model.condition(request.prompts), model.condition({request.negative_prompt}),
           noise.initial(model.image_shape).to(model.device), noise}};
}

std::vector<PromptContrast> contrasts_of(const Model& model, const std::string& prompt,
                                         const std::vector<std::string>& words,
                                         const std::vector<std::string>& alternatives) {
  if (model.world) return word_contrasts(&model.world->grammar(), prompt, words, alternatives);
  std::vector<PromptContrast> known = model.contrasts ? model.contrasts(prompt) : std::vector<PromptContrast>{};
  if (words.empty()) return known;
  if (!alternatives.empty()) return word_contrasts(nullptr, prompt, words, alternatives);
  std::vector<PromptContrast> contrasts;
  for (const std::string& word : words) {
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const PromptContrast& contrast) { return contrast.name == lower_case(word); });
    contrasts.push_back(found != known.end() ? *found : word_contrasts(nullptr, prompt, {word}, {}).front());
  }
  return contrasts;
}

void check_picture(const Model& model, const Tensor& picture) {
  if (picture.sizes() == torch::IntArrayRef(model.image_shape)) return;
  const std::string side = std::to_string(model.side());
  throw ShapeError("[model.check_picture] expected a picture of " + side + " x " + side +
                   " pixels, the size that the model draws, got " + describe_tensor(picture) +
                   "; scale it to that size, or explain it with a model of its own");
}

}  // namespace noisescope::model
