#include "noisescope/run/train_run.h"

#include <chrono>
#include <optional>

#include "noisescope/clip/clip_images.h"
#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/embedding_cache.h"
#include "noisescope/io/codec/yaml.h"
#include "noisescope/io/config.h"
#include "noisescope/io/file.h"
#include "noisescope/io/json_file.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/model/family_contrasts.h"
#include "noisescope/nn/conditional_network.h"
#include "noisescope/processes/blocks.h"
#include "noisescope/run/calibrate_run.h"
#include "noisescope/run/fit_levels.h"
#include "noisescope/run/machine_json.h"
#include "noisescope/run/shared_folder.h"
#include "noisescope/run/training_starts.h"

namespace noisescope::run {
namespace {

using nlohmann::ordered_json;

/// Keys that may change between two parts of one run.
const std::vector<std::string> kFreeKeys = {"sample",
                                            "data.path",  // the data's fingerprint is compared
                                            "evaluation",
                                            "calibration",
                                            "clip_train.blocks",
                                            "train.blocks",
                                            "train.precision",
                                            "train.budget",
                                            "train.log_every",
                                            "train.keep_checkpoints",
                                            "train.checkpoint_seconds",
                                            "train.checkpoint_every",
                                            "train.validate_every",
                                            "train.prefetch"};

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

ordered_json environment() {
  ordered_json json;
  for (const auto& [name, value] : machine_facts()) json[name] = value;
  json["problems"] = machine_problems();
  return json;
}

/// Refuses a budget that is not the stored one raised: what was trained cannot be taken back.
void check_budget(const RunFolder& folder, const std::string& stored, const std::string& asked) {
  const Budget before = parse_budget(stored), now = parse_budget(asked);
  if (before.unit == now.unit && now.amount >= before.amount) return;
  throw ModelError("[run.train_run] expected train.budget to be at least that of the run in " + folder.root.string() +
                   ", " + stored + " (in the same unit), got " + asked +
                   "; give a larger one to train longer, or choose another --out");
}

/// Refuses a folder whose stored configuration differs.
void check_folder(const RunConfig& config, const RunFolder& folder) {
  if (!std::filesystem::exists(folder.config())) return;
  const RunConfig stored = stored_run_config(folder);
  std::vector<std::string> keys = differing_keys(to_json(stored), to_json(config));
  std::erase_if(keys, [](const std::string& key) {
    return std::any_of(kFreeKeys.begin(), kFreeKeys.end(),
                       [&](const std::string& free) { return key == free || key.starts_with(free + "."); });
  });
  if (!std::filesystem::exists(folder.data()) && stored.data.path != config.data.path) keys.push_back("data.path");
  if (!keys.empty()) {
    throw ModelError("[run.train_run] expected a run of this configuration in " + folder.root.string() +
                     ", got one that differs in " + join(keys) +
                     "; choose another --out, or delete that folder to start anew");
  }
  check_budget(folder, stored.train.budget, config.train.budget);
}

/// Refuses a new run among the pictures: what it writes would be read as some of them.
void check_apart(const RunConfig& config, const RunFolder& folder) {
  if (!std::filesystem::is_directory(config.data.path) || std::filesystem::exists(folder.config())) return;
  const std::filesystem::path pictures = std::filesystem::canonical(config.data.path);
  const std::filesystem::path run = std::filesystem::weakly_canonical(folder.root);
  if (std::mismatch(pictures.begin(), pictures.end(), run.begin(), run.end()).first != pictures.end()) return;
  throw DataError(
      format_text("[run.train_run] expected a run folder outside of the pictures in {}, got {}; choose "
                  "another --out",
                  config.data.path, folder.root.string()));
}

/// Refuses data other than those that the run was trained on, wherever they lie now.
void check_data(const RunData& data, const RunFolder& folder) {
  if (!std::filesystem::exists(folder.data())) return;
  const ordered_json stored = read_json_file(folder.data());
  if (stored.value("fingerprint", "") == data.dataset->fingerprint()) return;
  throw ModelError("[run.train_run] expected the data that the run in " + folder.root.string() + " was trained on, " +
                   stored.value("name", "") + " (" + std::to_string(stored.value("samples", int64_t{0})) +
                   " samples), got others: " + data.dataset->name() + " (" + std::to_string(data.dataset->size()) +
                   " samples); choose another --out, or go on from its weights: noisescope train --from " +
                   folder.root.string());
}

/// Makes the folder this run's, once nothing is left that could be wrong before training.
void claim_folder(const RunConfig& asked, const RunData& data, const RunFolder& folder) {
  RunConfig config = asked;
  if (!config.data.path.empty()) {
    config.data.path = std::filesystem::absolute(config.data.path).lexically_normal().string();
  }
  write_file_atomic(folder.config(), to_yaml(config));
  write_file_atomic(folder.data(), ordered_json{{"name", data.dataset->name()},
                                                {"samples", data.dataset->size()},
                                                {"fingerprint", data.dataset->fingerprint()},
                                                {"notes", load_notes(data.report)}}
                                       .dump(2, ' ', false, ordered_json::error_handler_t::replace));
  write_file_atomic(folder.root / "env.json", environment().dump(2));
}

Encoders encoders_of(const ClipModel& clip, EmbeddingLength length) {
  Encoders encoders;
  encoders.weights = clip.weights_hash();
  encoders.preprocessing = checksum(to_json(clip.options()).dump() + preprocess_key(clip.config().preprocess));
  if (length == EmbeddingLength::own) encoders.preprocessing += " own length";
  encoders.text = [clip, length](const std::vector<std::string>& captions) {
    const torch::NoGradGuard no_grad;
    return clip.encode_text(captions, length).to(torch::kCPU);
  };
  encoders.image = [clip, length](const Tensor& images) {
    const torch::NoGradGuard no_grad;
    return clip.encode_image(to_clip_size(images, clip.config().preprocess), length).to(torch::kCPU);
  };
  return encoders;
}

struct Conditions {
  ConditionWhitening whitening;
  ConditionTable table;
};

Whitener whitener_of(const EmbeddingStatistics& statistics, const ConditionOptions& condition) {
  if (condition.form == ConditionForm::raw) return Whitener::identity(statistics.mean.size(0));
  return Whitener(statistics, condition.whitening);
}

bool has_modality_flag(const RunConfig& config) {
  return needs_modality_flag(config.condition.form, config.condition.image_share);
}

Conditions conditions_of(const RunConfig& config, const RunData& data, const ClipModel& clip, const RunFolder& folder,
                         const TrainRunRequest& request, const Control& control) {
  EmbeddingCacheOptions options;
  options.images = config.condition.image_share > 0;
  options.skip_extraction = request.skip_clip_extraction;
  Encoders encoders = encoders_of(clip, embedding_length(config.condition.form));
  encoders.group = request.group;
  const Embeddings embeddings =
      load_or_extract_embeddings(folder.embeddings(), *data.dataset, encoders, options, control);
  Conditions conditions{{whitener_of(embeddings.text_statistics, config.condition), nullptr}, {}};
  const bool goes_on = !config.start_from.empty();  // the network knows conditions as the other run whitened them
  if (goes_on) conditions.whitening = load_whitening(RunFolder{config.start_from}.condition());
  conditions.table.text = conditions.whitening.text.apply(embeddings.text);
  conditions.table.image_share = config.condition.image_share;
  if (options.images) {
    if (!goes_on) {
      conditions.whitening.image =
          std::make_shared<Whitener>(whitener_of(embeddings.image_statistics, config.condition));
    }
    conditions.table.image = conditions.whitening.image->apply(embeddings.image);
  }
  if (has_modality_flag(config)) {
    conditions.table.text = append_modality(conditions.table.text, Modality::text);
    conditions.table.image = append_modality(conditions.table.image, Modality::image);
  }
  save_whitening(folder.condition(), conditions.whitening);
  return conditions;
}

UNetOptions network_options(const RunConfig& config, const ClipModel& clip) {
  UNetOptions options = config.network;
  options.condition_width = clip.embedding_dim() + (has_modality_flag(config) ? 1 : 0);
  return options;
}

TrainSetup setup_of(const RunConfig& config, const RunData& data) {
  TrainSetup setup;
  setup.train = config.train;
  setup.precondition = config.precondition;
  setup.noise_levels = config.noise_levels;
  setup.loss = config.loss;
  setup.seed = static_cast<uint64_t>(config.seed);
  setup.samples_per_epoch = static_cast<int64_t>(data.split.train.size());
  setup.identity = {to_json(config).dump(), to_json(demo_config()).dump(), kFreeKeys};
  return setup;
}

TrainableModel trainable(const std::shared_ptr<ConditionalNetwork>& network, torch::Device device, uint64_t seed) {
  network->to(device);
  return {network,
          [network](const Tensor& x, const Tensor& label, const Tensor& condition) {
            return network->forward(x, label, condition);
          },
          network->null_condition(), device,
          [network, seed](int64_t first_image) {
            network->set_dropout_stream(Random(seed), static_cast<uint64_t>(first_image));
          }};
}

void write_validation(const RunFolder& folder, const Validation& validation) {
  ordered_json json = {{"step", validation.step},
                       {"images", validation.images},
                       {"loss", validation.loss},
                       {"bins", ordered_json::array()}};
  for (const ValidationBin& bin : validation.bins) {
    json["bins"].push_back({{"sigma", bin.sigma}, {"loss", bin.loss}});
  }
  write_file_atomic(folder.validation(), json.dump(2));
}

/// What people should know of their data before it is trained on.
void say_of_data(const RunConfig& config, const RunData& data, const Notice& notice) {
  for (const std::string& note : load_notes(data.report)) notice(note);
  if (config.data.kind == DataKind::world && config.data.flip == Flip::automatic) return;
  notice(std::string("pictures are ") + (data.mirroring.on ? "" : "not ") +
         "mirrored at random: " + data.mirroring.why);
}

/// Takes away the scores and the calibration of a shorter training of this run.
void drop_old_scores(const RunFolder& folder, int64_t steps, const Notice& notice) {
  if (!std::filesystem::exists(folder.training())) return;
  if (read_json_file(folder.training()).value("steps", int64_t{0}) == steps) return;
  std::filesystem::remove(folder.calibration());
  if (!std::filesystem::remove(folder.evaluation())) return;
  if (notice) notice("evaluation.json was of the shorter training and is removed; 'noisescope report' scores anew");
}

/// The network of a run at its start: fresh, or with the weights of the run that it starts from.
std::shared_ptr<ConditionalNetwork> network_at_start(const RunConfig& config, uint64_t seed) {
  std::shared_ptr<ConditionalNetwork> network = make_network(config.network, Random(seed));
  if (config.start_from.empty()) return network;
  const std::filesystem::path weights = RunFolder{config.start_from}.model();
  load_module_state(*network, read_safetensors(weights).tensors, weights.string());
  return network;
}

/// "ln sigma ~ N(0.20, 1.25^2)"
std::string described(const NoiseLevelOptions& levels) {
  return format_text("ln sigma ~ N({:.2f}, {:.2f}^2)", levels.mean, levels.std);
}

/// Calibrates the evidence of a network whose training is done, unless that has been done or the data do not let it.
void calibrate_trained(const TextToImage& model, const RunConfig& config, const RunData& data, const RunFolder& folder,
                       const TrainRunRequest& request, const Control& control) {
  if (config.calibration.pictures == 0 || std::filesystem::exists(folder.calibration())) return;
  try {
    calibrate_run(model, config, data, folder, control);
  } catch (const DataError& error) {
    if (request.notice) request.notice(std::string("evidence is not calibrated: ") + error.what());
  }
}

/// The configuration with the blocks of its batches: those of earlier parts of the run, or more where more processes
/// than before share them.
RunConfig with_blocks(const RunConfig& asked, const RunFolder& folder, int64_t processes) {
  RunConfig config = asked, before = asked;
  if (std::filesystem::exists(folder.config())) before = stored_run_config(folder);
  const auto settle = [&](int64_t& blocks, int64_t earlier, BlockRequest request) {
    if (blocks == 0) blocks = processes == 1 ? earlier : std::max(earlier, blocks_of(request, processes));
  };
  settle(config.train.blocks, before.train.blocks, {config.train.batch_size, config.train.accumulate});
  settle(config.clip_train.blocks, before.clip_train.blocks,
         {config.clip_batch_size, 1, 0, "clip_batch_size", "clip_train.blocks"});
  return config;
}

/// Tensors of an Ema::state() as plain weights.
NamedTensors averaged_weights(const NamedTensors& ema_state) {
  constexpr std::string_view kPrefix = "weights.";
  NamedTensors weights;
  for (const auto& [name, value] : ema_state) {
    if (name.starts_with(kPrefix)) weights[name.substr(kPrefix.size())] = value;
  }
  return weights;
}

/// The run's data, once its folder is locked and found to be, or made, one of this configuration and these data.
RunData data_of_claimed(const RunConfig& config, const RunFolder& folder, Group& group, const Control& control,
                        std::optional<FolderLock>& lock) {
  check_folder(config, folder);
  check_apart(config, folder);
  if (std::filesystem::exists(folder.root)) lock.emplace(folder.root);  // before data are read for nothing
  RunData data = open_run_data(config, control);
  agree(group, "data", {{"fingerprint", data.dataset->fingerprint()}});
  check_data(data, folder);
  if (!lock) {
    make_folder(folder.root);
    lock.emplace(folder.root);
    check_folder(config, folder);
    check_data(data, folder);
  }
  claim_folder(config, data, folder);
  return data;
}

/// The averaged weights, and what they took.
void write_trained(const RunFolder& folder, const ConditionalNetwork& network, const RunConfig& config,
                   const TrainingSummary& summary) {
  write_safetensors(folder.model(), {module_state(network), {{"format", "pt"}, {"config", to_json(config).dump()}}});
  write_file_atomic(folder.training(), ordered_json{{"parameters", summary.parameters},
                                                    {"images", summary.images},
                                                    {"steps", summary.steps},
                                                    {"seconds", summary.seconds},
                                                    {"clip_seconds", summary.clip_seconds},
                                                    {"machine", machine_json(machine_use())}}
                                           .dump(2));
}

}  // namespace

TrainingSummary train_run(const RunConfig& asked, const RunFolder& asked_folder, const TrainRunRequest& request,
                          const Control& control) {
  check_run_config(asked);
  Group& group = *request.group;
  agree_on_settings(group, asked);
  const SharedFolder shared(group, asked_folder);
  const RunFolder& folder = shared.folder();
  const RunConfig config = with_blocks(asked, folder, group.size());
  std::optional<FolderLock> lock;
  const RunData data = data_of_claimed(config, folder, group, control, lock);
  record_start(folder, config.train.budget, request.device);
  if (request.notice) say_of_data(config, data, request.notice);
  const double clip_started = seconds_now();
  const bool had_clip = std::filesystem::exists(folder.clip_report());
  const ClipModel clip = clip_of_run({config, data, folder, request.device, request.group}, control, request.notice);
  TrainingSummary summary;
  summary.clip_seconds = had_clip ? 0 : seconds_now() - clip_started;
  const Conditions conditions = conditions_of(config, data, clip, folder, request, control);

  const auto seed = static_cast<uint64_t>(config.seed);
  RunConfig sized = config;  // with the width that conditions turned out to have
  sized.network = network_options(config, clip);
  const std::shared_ptr<ConditionalNetwork> network = network_at_start(sized, seed);
  const std::vector<int64_t>& held = data.split.validation.empty() ? data.split.train : data.split.validation;
  const BatchSource batches = make_batches(data.dataset, data.split.train, conditions.table, seed, data.mirroring.on);
  const BatchSource validation = make_batches(data.dataset, held, conditions.table, seed + 1, data.mirroring.on);

  const ModelOptions model_options{sized.network, config.precondition, config.condition.form,
                                   has_modality_flag(config)};
  const TextToImage model(std::make_shared<ClipModel>(clip), conditions.whitening, network, model_options,
                          request.device);
  TrainObserver observer;
  observer.notice = request.notice;
  observer.on_step = request.on_step;
  observer.on_validation = [&](const Validation& result) {
    write_validation(folder, result);
    if (request.preview) request.preview(model, result);
  };
  TrainSetup setup = setup_of(sized, data);
  setup.folder = folder.root;
  setup.group = request.group;
  setup.measure_levels = [&] {
    const NoiseLevelOptions levels = fit_noise_levels(model, config, data, folder, control);
    if (request.notice) request.notice("noise levels fitted to what the model decides: " + described(levels));
    return levels;
  };
  const TrainResult result =
      train_model(trainable(network, request.device, seed), {batches, validation}, setup, observer, control);
  summary.parameters = parameter_count(*network);
  summary.images = result.state.images;
  summary.steps = result.state.step;
  summary.seconds = result.state.seconds;
  if (!group.leads()) return summary;
  drop_old_scores(folder, result.state.step, request.notice);
  write_trained(folder, *network, sized, summary);
  calibrate_trained(model, load_run_config_of(folder), data, folder, request, control);
  return summary;
}

TextToImage load_run_model(const RunFolder& folder, torch::Device device, const Notice& notice) {
  load_run_config_of(folder);  // names the folder if it is no run
  if (std::filesystem::exists(folder.model())) {
    return TextToImage::load({folder.model(), folder.condition(), folder.clip()}, device);
  }
  for (const auto& checkpoint : list_checkpoints(folder.root / "checkpoints")) {
    const std::string problem = checkpoint_problem(checkpoint);
    if (!problem.empty()) {
      if (notice) notice("passed over the damaged checkpoint " + checkpoint.string() + ": " + problem);
      continue;
    }
    if (notice) notice("the run is not finished: using " + checkpoint.string());
    return load_checkpoint_model(folder, checkpoint, device).network;
  }
  throw ModelError("[run.load_run_model] expected a trained model in " + folder.root.string() +
                   ", got neither model.safetensors nor a good checkpoint; run 'noisescope train' "
                   "first");
}

CheckpointModel load_checkpoint_model(const RunFolder& folder, const std::filesystem::path& checkpoint,
                                      torch::Device device) {
  const std::string problem = checkpoint_problem(checkpoint);
  if (!problem.empty()) {
    throw ModelError("[run.load_checkpoint_model] expected a whole checkpoint in " + checkpoint.string() +
                     ", got one with " + problem);
  }
  const auto state = nlohmann::json::parse(read_file(checkpoint / "state.json"));
  const TensorFile file = read_safetensors(checkpoint / "ema.safetensors");
  return {state.at("images").get<int64_t>(),
          TextToImage::load({averaged_weights(file.tensors), file.metadata},
                            {checkpoint / "ema.safetensors", folder.condition(), folder.clip()}, device)};
}

Model run_model(const TextToImage& network, const RunConfig& config, const RunFolder& folder) {
  std::optional<World> world;
  if (config.data.kind == DataKind::world) world.emplace(config.data.world);
  Model model = network_model(network, folder.root.string(), config.sample, cleanest_trained_log_snr(config), world);
  if (config.data.kind == DataKind::emoji) {
    model.contrasts = [](const std::string& prompt) {
      return family_contrasts(prompt, emoji_words(), [](const std::string&) { return true; });
    };
  }
  model.calibration = load_calibration(folder);
  return model;
}

}  // namespace noisescope::run
