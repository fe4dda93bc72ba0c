#include "noisescope/live_export/live_file.h"

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/io/config.h"
#include "noisescope/live/live_model.h"
#include "noisescope/nn/conditional_network.h"
#include "noisescope/nn/module_state.h"

namespace noisescope::live {
namespace {

using Json = nlohmann::ordered_json;

void check_live(const Model& model) {
  const auto refuse = [](const std::string& wanted, const std::string& got) {
    throw ModelError("[live.live_file] expected " + wanted + ", got " + got +
                     "; such a model runs only in the program");
  };
  if (!model.network) refuse("a model with a network of ours", model.name);
  const TextToImage& network = *model.network;
  if (network.options().network.kind != NetworkKind::unet) refuse("a network of kind unet", "another kind");
  if (network.clip().tokenizer().model().kind != TokenizerKind::words) {
    refuse("a tokenizer of words", "one of byte pairs");
  }
}

Tensor schedule_table(const ScheduleOptions& options) {
  const Schedule schedule(options);
  std::vector<double> log_sigmas;
  for (int64_t t = 1; t <= schedule.timesteps(); ++t) log_sigmas.push_back(schedule.log_snr(t) / -2);
  return torch::tensor(log_sigmas, torch::kFloat64);
}

std::vector<std::vector<std::string>> word_lists_of(const Model& model) {
  if (!model.world) return {};
  const WorldOptions& world = model.world->world().options();
  return {world.shapes, world.colours, world.backgrounds};
}

Json description_of(const Model& model, const LiveFileOptions& options) {
  const TextToImage& network = *model.network;
  const TokenizerModel& tokenizer = network.clip().tokenizer().model();
  const ClipOptions& clip = network.clip().options();
  Json precondition = to_json(network.options().precondition);
  precondition.erase("schedule");
  return {{"format", kLiveFormat},
          {"name", std::filesystem::path(model.name).filename().string()},  // of a run: not where it lies
          {"log_snr_max", model.log_snr_max},
          {"network", to_json(network.options().network)},
          {"precondition", precondition},
          {"text", to_json(clip.text)},
          {"norm_eps", clip.text.norm_eps},
          {"embedding_dim", clip.embedding_dim},
          {"tokenizer",
           {{"kind", to_string(tokenizer.kind)},
            {"context_length", tokenizer.context_length},
            {"tokens", tokenizer.tokens}}},
          {"unit_length", embedding_length(network.options().form) == EmbeddingLength::unit},
          {"modality_flag", network.options().modality_flag},
          {"sample", to_json(model.sample)},
          {"word_lists", word_lists_of(model)},
          {"page", Json::parse(options.page)}};
}

void add_network(TensorFile& file, const TextToImage& network, LiveNumbers numbers) {
  const auto dtype = numbers == LiveNumbers::float16 ? torch::kFloat16 : torch::kFloat32;
  for (const auto& [name, tensor] : module_state(*network.network())) {
    // Biases and norms are few and weigh much.
    file.tensors["network." + name] = tensor.detach().to(torch::kCPU, tensor.dim() > 1 ? dtype : torch::kFloat32);
  }
}

void add_text(TensorFile& file, const TextToImage& network, const std::string& prefix) {
  for (const auto& [name, tensor] : module_state(network.clip().module())) {
    if (name.starts_with(prefix)) file.tensors[name] = tensor.detach().to(torch::kCPU, torch::kFloat32);
  }
}

}  // namespace

TensorFile live_file(const Model& model, const LiveFileOptions& options) {
  check_live(model);
  const TextToImage& network = *model.network;
  TensorFile file;
  file.metadata["live"] = description_of(model, options).dump();
  add_network(file, network, options.numbers);
  add_text(file, network, "text.");
  network.whitening().text.save(file, "whitening");
  file.tensors["schedule.log_sigmas"] = schedule_table(model.schedule);
  return file;
}

void write_live_file(const std::filesystem::path& path, const Model& model, const LiveFileOptions& options) {
  write_safetensors(path, live_file(model, options));
}

}  // namespace noisescope::live
