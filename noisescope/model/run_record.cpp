#include "noisescope/model/run_record.h"

#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/nn/conditional_network.h"
#include "noisescope/nn/module_state.h"

namespace noisescope {
namespace {

constexpr const char* kKind = "noisescope run record 2";

/// The four planes of a record by name.
std::vector<std::pair<const char*, Tensor RunRecord::*>> planes() {
  return {{"x", &RunRecord::x},
          {"denoised", &RunRecord::denoised},
          {"conditional", &RunRecord::conditional},
          {"unconditional", &RunRecord::unconditional}};
}

/// One plane of all steps of all batches: [S, B, C, H, W]; undefined if no step has it.
template <class Plane>
Tensor stacked(const std::vector<SamplerStep>& steps, int64_t count, Plane plane) {
  Tensor like;
  for (const SamplerStep& step : steps) {
    if (!like.defined() && plane(step).defined()) like = plane(step);
  }
  if (!like.defined()) return {};
  std::vector<Tensor> batches;
  for (size_t first = 0; first < steps.size(); first += static_cast<size_t>(count)) {
    Tensor own;  // of any step of this batch: batches may differ in size
    for (int64_t i = 0; i < count; ++i) {
      const Tensor& value = plane(steps[first + static_cast<size_t>(i)]);
      if (value.defined()) own = value;
    }
    std::vector<Tensor> rows;
    for (int64_t i = 0; i < count; ++i) {
      const Tensor& value = plane(steps[first + static_cast<size_t>(i)]);
      rows.push_back(value.defined()
                         ? value
                         : torch::full_like(own, std::numeric_limits<double>::quiet_NaN()));
    }
    batches.push_back(torch::stack(rows));
  }
  return torch::cat(batches, 1);
}

/// A JSON list of values of type T. Throws nlohmann's exceptions for anything else.
template <class T>
std::vector<T> parse_list(const std::string& text) {
  return nlohmann::json::parse(text).get<std::vector<T>>();
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

RunRecord make_run_record(const TrajectoryRecorder& recorder, RunFacts facts) {
  const std::vector<SamplerStep>& steps = recorder.steps();
  const int64_t count = steps.empty() ? 0 : steps.front().count;
  if (steps.empty() || steps.size() % static_cast<size_t>(count) != 0) {
    throw ValueError("[model.make_run_record] expected whole runs, got " +
                     std::to_string(steps.size()) + " steps of " + std::to_string(count));
  }
  RunRecord record;
  for (int64_t i = 0; i < count; ++i) record.sigmas.push_back(steps[static_cast<size_t>(i)].sigma);
  record.sigmas.push_back(0);
  const auto keep = [&](auto plane) { return stacked(steps, count, plane); };
  record.x = keep([](const SamplerStep& s) { return s.x; });
  record.denoised = keep([](const SamplerStep& s) { return s.prediction.denoised; });
  record.conditional = keep([](const SamplerStep& s) { return s.prediction.conditional; });
  record.unconditional = keep([](const SamplerStep& s) { return s.prediction.unconditional; });
  record.facts = std::move(facts);
  return record;
}

std::vector<SamplerStep> steps_of(const RunRecord& record) {
  const auto count = static_cast<int64_t>(record.sigmas.size()) - 1;
  std::vector<SamplerStep> steps;
  for (int64_t i = 0; i < count; ++i) {
    const auto at = [&](const Tensor& plane) { return plane.defined() ? plane[i] : Tensor(); };
    const auto place = static_cast<size_t>(i);
    steps.push_back({i, count, record.sigmas[place], record.sigmas[place + 1], at(record.x),
                     {at(record.denoised), at(record.conditional), at(record.unconditional)}});
  }
  return steps;
}

void save_run_record(const std::filesystem::path& path, const RunRecord& record) {
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

RunRecord load_run_record(const std::filesystem::path& path) {
  const TensorFile file = read_safetensors(path);
  const auto fail = [&](const std::string& what) -> ModelError {
    return ModelError("[model.load_run_record] expected a run record in " + path.string() +
                      ", got " + what + "; make one with 'noisescope sample --record run'");
  };
  const auto text = [&](const char* key) {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) throw fail(std::string("a file without '") + key + "'");
    return found->second;
  };
  if (text("kind") != kKind) throw fail("kind '" + text("kind") + "'");
  RunRecord record;
  try {
    record.facts = {parse_list<std::string>(text("prompts")),
                    parse_list<int64_t>(text("sample_ids")), text("weights"), text("settings")};
  } catch (const nlohmann::json::exception&) {
    throw fail("prompts or sample_ids that are no lists");
  }
  const auto pictures = static_cast<int64_t>(record.facts.prompts.size());
  if (static_cast<int64_t>(record.facts.sample_ids.size()) != pictures) {
    throw fail(std::to_string(record.facts.sample_ids.size()) + " sample_ids of " +
               std::to_string(pictures) + " pictures");
  }
  const Tensor sigmas = file.at("sigmas").to(torch::kFloat64).contiguous();
  if (sigmas.dim() != 1 || sigmas.numel() < 2) throw fail("no list of noise levels");
  record.sigmas.assign(sigmas.const_data_ptr<double>(),
                       sigmas.const_data_ptr<double>() + sigmas.numel());
  const int64_t steps = sigmas.numel() - 1;
  for (const auto& [name, plane] : planes()) {
    if (!file.tensors.contains(name)) continue;
    const Tensor& value = file.at(name);
    if (value.dim() != 5 || value.size(0) != steps ||
        value.size(1) != pictures) {
      throw fail(std::string(name) + " " + describe_tensor(value) + " for " +
                 std::to_string(steps) + " steps of " + std::to_string(pictures) + " pictures");
    }
    record.*plane = value;
  }
  return record;
}

}  // namespace noisescope
