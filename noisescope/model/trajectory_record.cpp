#include "noisescope/model/trajectory_record.h"

#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/config.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/nn/conditional_network.h"
#include "noisescope/nn/module_state.h"

namespace noisescope::model {
namespace {

constexpr const char* kKind = "noisescope run record 2";

/// The four planes of a record by name.
std::vector<std::pair<const char*, Tensor TrajectoryRecord::*>> planes() {
  return {{"x", &TrajectoryRecord::x},
          {"denoised", &TrajectoryRecord::denoised},
          {"conditional", &TrajectoryRecord::conditional},
          {"unconditional", &TrajectoryRecord::unconditional}};
}

/// One plane of all steps: [S, B, C, H, W], NaN where a step lacks it; undefined if no step has it.
template <class Plane>
Tensor stacked(const std::vector<SamplerStep>& steps, Plane plane) {
  Tensor like;
  for (const SamplerStep& step : steps) {
    if (plane(step).defined()) like = plane(step);
  }
  if (!like.defined()) return {};
  std::vector<Tensor> rows;
  for (const SamplerStep& step : steps) {
    const Tensor& value = plane(step);
    rows.push_back(value.defined() ? value : torch::full_like(like, std::numeric_limits<double>::quiet_NaN()));
  }
  return torch::stack(rows);
}

/// A JSON list of values of type T. Throws nlohmann's exceptions for anything else.
template <class T>
std::vector<T> parse_list(const std::string& text) {
  return nlohmann::json::parse(text).get<std::vector<T>>();
}

constexpr const char* kAnew = "; make one with 'noisescope sample RUN --record full'";

struct RecordSettings {
  uint64_t seed = 0;
  std::string negative_prompt;
  SamplingOptions sample;
};

/// What `noisescope sample` wrote.
RecordSettings settings_of(const TrajectoryRecord& record) {
  try {
    const auto json = nlohmann::ordered_json::parse(record.facts.settings);
    const auto text = [&](const char* key) { return json.at(key).get<std::string>(); };
    RecordSettings settings{std::stoull(text("seed")), text("negative_prompt"), {}};
    const char* key = json.contains("sample") ? "sample" : "draw";  // its older name
    read_options_into(config_from_json(nlohmann::ordered_json::parse(text(key)), "record"), settings.sample);
    return settings;
  } catch (const std::exception& error) {
    throw ModelError(
        "[model.read_trajectory] expected the settings of 'noisescope sample' in the "
        "record, got "
        "others: " +
        std::string(error.what()) + kAnew);
  }
}

void check_planes(const Model& model, const TrajectoryRecord& record) {
  for (const auto& [name, plane] : {std::pair{"x", record.x}, std::pair{"denoised", record.denoised}}) {
    if (plane.defined()) continue;
    throw ModelError("[model.read_trajectory] expected a record with x and denoised, got one without " +
                     std::string(name) + "; make one with 'noisescope sample RUN --record run'");
  }
  const int64_t side = model.side();
  const auto steps = static_cast<int64_t>(record.sigmas.size()) - 1;
  for (const Tensor& plane : {record.x, record.denoised, record.conditional, record.unconditional}) {
    if (!plane.defined()) continue;
    check_shape("model.read_trajectory", "pictures of the record", plane, {steps, -1, 3, side, side});
  }
  const std::string weights = model.network ? weights_hash(*model.network) : model.name;
  if (record.facts.weights != weights) {
    throw ModelError(
        "[model.read_trajectory] expected a record of this run's weights, got one of "
        "others (" +
        record.facts.weights +
        "); name the run that it was drawn from, or record it "
        "anew");
  }
}

/// Pictures of the record with the prompt of `picture`, that one first.
std::vector<int64_t> rows_of_prompt(const TrajectoryRecord& record, int64_t picture) {
  const std::vector<std::string>& prompts = record.facts.prompts;
  const auto count = static_cast<int64_t>(prompts.size());
  if (picture < 0 || picture >= count) {
    throw ValueError(
        format_text("[model.read_trajectory] expected a picture from 0 to {}, got {}", count - 1, picture));
  }
  const std::string& prompt = prompts[static_cast<size_t>(picture)];
  if (prompt.starts_with(kPicturePrompt)) {
    throw ValueError(
        "[model.read_trajectory] expected a picture that was drawn from a text, got one "
        "drawn from " +
        prompt + "; explain its file with 'noisescope explain --image' and a prompt");
  }
  std::vector<int64_t> rows = {picture};
  for (int64_t row = 0; row < count; ++row) {
    if (row != picture && prompts[static_cast<size_t>(row)] == prompt) rows.push_back(row);
  }
  return rows;
}

/// These rows of a step. Throws NumericError for x or estimates that are not finite, or a branch
/// that is only in part: a branch that was not evaluated is NaN as a whole, and becomes undefined.
SamplerStep rows_of_step(const SamplerStep& step, const Tensor& rows) {
  const auto fail = [&](const char* name) -> NumericError {
    return NumericError(
        format_text("[model.read_trajectory] expected finite numbers in {} of the record, got NaN or infinity at step "
                    "{}; the file is damaged{}",
                    std::string(name), step.index, kAnew));
  };
  SamplerStep out = step;
  const auto take = [&](const char* name, Tensor& plane, bool may_lack) {
    if (!plane.defined()) return;
    plane = plane.index_select(0, rows).to(torch::kFloat32);
    const Tensor finite = plane.isfinite();
    if (finite.all().item<bool>()) return;
    if (!may_lack || finite.any().item<bool>()) throw fail(name);
    plane = Tensor();
  };
  take("x", out.x, false);
  take("denoised", out.prediction.denoised, false);
  take("conditional", out.prediction.conditional, true);
  take("unconditional", out.prediction.unconditional, true);
  return out;
}

}  // namespace

std::string weights_hash(const TextToImage& model) {
  std::string digest = model.clip().weights_hash();
  for (const auto& [name, tensor] : module_state(*model.network())) {
    const Tensor values = tensor.detach().to(torch::kCPU).contiguous();
    digest += '\0' + name + checksum({static_cast<const char*>(values.data_ptr()), values.nbytes()});
  }
  return checksum(digest);
}

TrajectoryRecord make_record(const TrajectoryRecorder& recorder, TrajectoryFacts facts) {
  const std::vector<SamplerStep>& steps = recorder.steps();
  const int64_t count = steps.empty() ? 0 : steps.front().count;
  if (steps.empty() || steps.size() != static_cast<size_t>(count)) {
    throw ValueError(format_text("[model.make_record] expected a whole run, got {} steps of {}", steps.size(), count));
  }
  TrajectoryRecord record;
  for (const SamplerStep& step : steps) record.sigmas.push_back(step.sigma);
  record.sigmas.push_back(0);
  const auto keep = [&](auto plane) { return stacked(steps, plane); };
  record.x = keep([](const SamplerStep& s) { return s.x; });
  record.denoised = keep([](const SamplerStep& s) { return s.prediction.denoised; });
  record.conditional = keep([](const SamplerStep& s) { return s.prediction.conditional; });
  record.unconditional = keep([](const SamplerStep& s) { return s.prediction.unconditional; });
  record.facts = std::move(facts);
  return record;
}

std::vector<SamplerStep> steps_of(const TrajectoryRecord& record) {
  const auto count = static_cast<int64_t>(record.sigmas.size()) - 1;
  std::vector<SamplerStep> steps;
  for (int64_t i = 0; i < count; ++i) {
    const auto at = [&](const Tensor& plane) { return plane.defined() ? plane[i] : Tensor(); };
    const auto place = static_cast<size_t>(i);
    steps.push_back({i,
                     count,
                     record.sigmas[place],
                     record.sigmas[place + 1],
                     at(record.x),
                     {at(record.denoised), at(record.conditional), at(record.unconditional)}});
  }
  return steps;
}

RecordedTrajectory read_trajectory(const Model& model, const TrajectoryRecord& record, int64_t picture, int64_t count,
                                   const Control& control) {
  const std::vector<int64_t> rows = rows_of_prompt(record, picture);
  check_planes(model, record);
  const RecordSettings settings = settings_of(record);
  const std::string prompt = record.facts.prompts[static_cast<size_t>(picture)];
  const Sampling sampling = sampling_of(model, settings.sample);
  if (sampling.sigmas.size() != record.sigmas.size()) {
    throw ModelError(
        format_text("[model.read_trajectory] expected {} steps, as the settings of the record say, got {}{}",
                    sampling.steps(), record.sigmas.size() - 1, kAnew));
  }
  NoiseSource noise{Random(settings.seed), {}};
  for (const int64_t row : rows) noise.sample_ids.push_back(record.facts.sample_ids[static_cast<size_t>(row)]);
  std::vector<SamplerStep> steps;
  for (const SamplerStep& step : steps_of(record)) {
    steps.push_back(rows_of_step(step, torch::tensor(rows, torch::kInt64)));
  }
  const auto start = [&](const NoiseSource& of, const Tensor& initial) {
    const auto width = static_cast<int64_t>(of.sample_ids.size());
    return TrajectoryStart{model.condition({prompt}).expand({width, -1}), model.condition({settings.negative_prompt}),
                           initial.to(model.device), of};
  };
  RecordedTrajectory out{
      prompt, settings.sample, {sampling, start(noise, steps.front().x / steps.front().sigma), std::move(steps)}};
  if (rows.size() > 1 || count < 2) return out;
  noise.sample_ids = sample_range(noise.sample_ids.front() + 1, count - 1);
  const Trajectory more(sampling, start(noise, noise.initial(model.image_shape)));
  out.trajectory = joined(out.trajectory, more, control);
  out.added = count - 1;
  return out;
}

void save_record(const std::filesystem::path& path, const TrajectoryRecord& record) {
  TensorFile file;
  file.tensors["sigmas"] = torch::tensor(record.sigmas, torch::kFloat64);
  for (const auto& [name, plane] : planes()) {
    if ((record.*plane).defined()) file.tensors[name] = record.*plane;
  }
  file.metadata = {{"kind", kKind},
                   {"prompts", nlohmann::json(record.facts.prompts).dump()},
                   {"sample_ids", nlohmann::json(record.facts.sample_ids).dump()},
                   {"weights", record.facts.weights},
                   {"settings", record.facts.settings}};
  write_safetensors(path, file);
}

TrajectoryRecord load_record(const std::filesystem::path& path) {
  const TensorFile file = read_safetensors(path);
  const auto fail = [&](const std::string& what) -> ModelError {
    return ModelError("[model.load_record] expected a run record in " + path.string() + ", got " + what +
                      "; make one with 'noisescope sample --record run'");
  };
  const auto text = [&](const char* key) {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) throw fail(std::string("a file without '") + key + "'");
    return found->second;
  };
  if (text("kind") != kKind) throw fail("kind '" + text("kind") + "'");
  TrajectoryRecord record;
  try {
    record.facts = {parse_list<std::string>(text("prompts")), parse_list<int64_t>(text("sample_ids")), text("weights"),
                    text("settings")};
  } catch (const nlohmann::json::exception&) {
    throw fail("prompts or sample_ids that are no lists");
  }
  const auto pictures = static_cast<int64_t>(record.facts.prompts.size());
  if (static_cast<int64_t>(record.facts.sample_ids.size()) != pictures) {
    throw fail(std::to_string(record.facts.sample_ids.size()) + " sample_ids of " + std::to_string(pictures) +
               " pictures");
  }
  const Tensor sigmas = file.at("sigmas").to(torch::kFloat64).contiguous();
  if (sigmas.dim() != 1 || sigmas.numel() < 2) throw fail("no list of noise levels");
  record.sigmas.assign(sigmas.const_data_ptr<double>(), sigmas.const_data_ptr<double>() + sigmas.numel());
  const int64_t steps = sigmas.numel() - 1;
  for (const auto& [name, plane] : planes()) {
    if (!file.tensors.contains(name)) continue;
    const Tensor& value = file.at(name);
    if (value.dim() != 5 || value.size(0) != steps || value.size(1) != pictures) {
      throw fail(std::string(name) + " " + describe_tensor(value) + " for " + std::to_string(steps) + " steps of " +
                 std::to_string(pictures) + " pictures");
    }
    record.*plane = value;
  }
  return record;
}

}  // namespace noisescope::model
