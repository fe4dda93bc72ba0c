#include "noisescope/run/xnoise_checkpoint.h"

#include <charconv>
#include <limits>

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/yaml.h"
#include "noisescope/io/config.h"
#include "noisescope/io/csv.h"
#include "noisescope/io/file.h"
#include "noisescope/model/text_to_image.h"
#include "noisescope/nn/conditional_network.h"
#include "noisescope/nn/module_state.h"

namespace noisescope::run {
namespace {

namespace fs = std::filesystem;

/// The value at section.key of xNoise's configuration.
template <typename T>
T value_of(const nlohmann::json& config, const char* section, const char* key) {
  try {
    return config.at(section).at(key).get<T>();
  } catch (const nlohmann::json::exception&) {
    throw FormatError(std::string("[run.import_xnoise_checkpoint] expected ") + section + "." + key +
                      " in the checkpoint's configuration, got none that can be read; was it written by the "
                      "seed's train.py?");
  }
}

nlohmann::json xnoise_config_of(const TensorFile& checkpoint) {
  const auto text = checkpoint.metadata.find("config");
  const nlohmann::json config =
      text == checkpoint.metadata.end() ? nlohmann::json() : nlohmann::json::parse(text->second, nullptr, false);
  if (!config.is_object()) {
    throw FormatError("[run.import_xnoise_checkpoint] expected xNoise's configuration beside the weights, got " +
                      std::string(config.is_discarded() ? "damaged JSON" : "none"));
  }
  return config;
}

/// Network, process and drawing as xNoise has them; docs/methods/xnoise_network.md.
RunConfig run_config_of(const nlohmann::json& seed, const fs::path& clip_folder) {
  RunConfig config;
  config.clip_folder = clip_folder.string();
  config.data.kind = DataKind::folder;
  config.condition = {.image_share = 1, .form = ConditionForm::raw, .whitening = {}};
  config.network.kind = NetworkKind::xnoise;
  config.network.in_channels = value_of<int64_t>(seed, "model", "img_channels");
  config.network.image_size = value_of<int64_t>(seed, "model", "img_size");
  config.network.channels = value_of<std::vector<int64_t>>(seed, "model", "down_channels");
  config.network.embedding_width = value_of<int64_t>(seed, "model", "t_embed_dim");
  config.network.condition_width = value_of<int64_t>(seed, "model", "c_embed_dim");
  config.data.load.image_size_px = config.network.image_size;
  config.precondition.parametrization = Parametrization::eps;
  config.precondition.noise_label = NoiseLabel::timestep_share;
  ScheduleOptions& schedule = config.precondition.schedule;
  schedule.kind = ScheduleKind::linear;
  schedule.timesteps = value_of<int64_t>(seed, "diffusion", "timesteps");
  schedule.beta_start = value_of<double>(seed, "diffusion", "beta_start");
  schedule.beta_end = value_of<double>(seed, "diffusion", "beta_end");
  config.noise_levels.distribution = NoiseDistribution::timestep;
  config.loss.weighting = Weighting::uniform;
  config.sample.grid.kind = GridKind::trailing;
  config.sample.grid.steps = schedule.timesteps;
  config.sample.sampler.solver = Solver::ddpm;
  config.sample.sampler.variance = Variance::previous;
  config.sample.guidance = {.scale = 2, .sigma_min = 0, .clamp = 0};
  return config;
}

/// Without the prefixes of torch.compile and data parallelism.
NamedTensors plain_names(const NamedTensors& tensors) {
  NamedTensors out;
  for (const auto& [name, tensor] : tensors) {
    std::string plain = name;
    for (const std::string prefix : {"_orig_mod.", "module."}) {
      if (plain.starts_with(prefix)) plain.erase(0, prefix.size());
    }
    out[plain] = tensor;
  }
  return out;
}

double number(const std::string& text, const std::string& where) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(value)) return value;
  throw FormatError("[run.read_xnoise_embeddings] expected a number in " + where + ", got '" + text + "'");
}

}  // namespace

RunConfig import_xnoise_checkpoint(const TensorFile& checkpoint, const fs::path& clip_folder, const RunFolder& run) {
  const RunConfig config = run_config_of(xnoise_config_of(checkpoint), clip_folder);
  const ClipModel clip = ClipModel::load(clip_folder);
  clip.tokenizer();  // prompts condition the model
  if (clip.embedding_dim() != config.network.condition_width) {
    throw ModelError(format_text(
        "[run.import_xnoise_checkpoint] expected a CLIP of width {}, which the network was trained with, got {} in {}",
        config.network.condition_width, clip.embedding_dim(), clip_folder.string()));
  }
  const NetworkPtr network = make_network(config.network);
  load_module_state(*network, plain_names(checkpoint.tensors), "the checkpoint");
  const Whitener identity = Whitener::identity(clip.embedding_dim());

  make_folder(run.root);
  clip.save(run.clip());
  save_whitening(run.condition(), {identity, std::make_shared<Whitener>(identity)});
  write_safetensors(run.model(), {module_state(*network), {{"format", "pt"}, {"config", to_json(config).dump()}}});
  write_file_atomic(run.config(), to_yaml(config));
  return config;
}

TensorFile read_xnoise_embeddings(const fs::path& csv) {
  const std::vector<CsvRecord> records = parse_csv(read_file(csv), csv.string());
  if (records.empty() || records.front().fields.size() < 2) {
    throw FormatError("[run.read_xnoise_embeddings] expected lines of a name and numbers in " + csv.string() +
                      ", got none");
  }
  const auto rows = static_cast<int64_t>(records.size());
  const auto width = static_cast<int64_t>(records.front().fields.size()) - 1;
  Tensor image = torch::empty({rows, width});
  float* values = image.data_ptr<float>();
  nlohmann::json names = nlohmann::json::array();
  for (const CsvRecord& record : records) {
    const std::string where = csv.string() + ":" + std::to_string(record.line);
    names.push_back(record.fields.front());
    for (size_t i = 1; i < record.fields.size(); ++i) {
      *values++ = static_cast<float>(number(record.fields[i], where));
    }
  }
  return {{{"image", image}}, {{"image_names", names.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)}}};
}

}  // namespace noisescope::run
