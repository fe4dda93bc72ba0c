#include <algorithm>

#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/run/replay.h"
#include "noisescope/train/metrics.h"

namespace noisescope::run {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kMissing = "not there";

std::string tensors_checksum(const TensorFile& file) {
  std::string text;
  for (const auto& [name, tensor] : file.tensors) {
    const Tensor whole = tensor.contiguous();
    text += format_text("{} {} {}\n", name, describe_tensor(whole),
                        checksum({static_cast<const char*>(whole.const_data_ptr()), whole.nbytes()}));
  }
  return checksum(text);
}

/// "apart by 3.1e-08 at most, in conv_in.weight, whose largest value is 0.52".
std::string how_far_apart(const TensorFile& a, const TensorFile& b) {
  std::string worst;
  double apart = -1, largest = 0;
  for (const auto& [name, tensor] : a.tensors) {
    const auto other = b.tensors.find(name);
    if (other == b.tensors.end() || other->second.sizes() != tensor.sizes()) return "other tensors: " + name;
    if (tensor.numel() == 0) continue;
    const Tensor one = tensor.to(torch::kFloat64), two = other->second.to(torch::kFloat64);
    const auto difference = (one - two).abs().max().item<double>();
    if (difference <= apart) continue;
    apart = difference;
    worst = name;
    largest = one.abs().max().item<double>();
  }
  return format_text("apart by {:.2g} at most, in {}, whose largest value is {:.2g}", apart, worst, largest);
}

/// One or several safetensors files as one part.
ReplayedPart compare_tensors(const std::string& name, const std::vector<fs::path>& run,
                             const std::vector<fs::path>& again) {
  ReplayedPart part{name, "", "", ""};
  for (size_t i = 0; i < run.size(); ++i) {
    if (!fs::exists(run[i]) || !fs::exists(again[i])) {
      part.run += fs::exists(run[i]) ? "there" : kMissing;
      part.again += fs::exists(again[i]) ? "there" : kMissing;
      if (fs::exists(run[i]) != fs::exists(again[i])) part.difference = run[i].filename().string() + " is missing";
      continue;
    }
    const TensorFile one = read_safetensors(run[i]), two = read_safetensors(again[i]);
    const std::string before = tensors_checksum(one), now = tensors_checksum(two);
    part.run += before;
    part.again += now;
    if (before != now && part.difference.empty()) part.difference = how_far_apart(one, two);
  }
  if (run.size() > 1) {
    part.run = checksum(part.run);
    part.again = checksum(part.again);
  }
  return part;
}

/// The records without what the clock says.
std::vector<ordered_json> timeless_metrics(const fs::path& path) {
  std::vector<ordered_json> records = read_metrics(path);
  for (ordered_json& record : records) {
    std::vector<std::string> times;
    for (const auto& [key, value] : record.items()) {
      if (is_time_field(key)) times.push_back(key);
    }
    for (const std::string& key : times) record.erase(key);
  }
  return records;
}

/// "from update 40 on: loss 0.123, now 0.124".
std::string first_difference(const ordered_json& run, const ordered_json& again) {
  for (const auto& [key, value] : run.items()) {
    const ordered_json now = again.value(key, ordered_json());
    if (now == value) continue;
    return format_text("from update {} on: {} {}, now {}", run.value("step", int64_t{0}), key, value.dump(),
                       now.dump());
  }
  return "other fields";
}

ReplayedPart compare_metrics(const fs::path& run, const fs::path& again) {
  const std::vector<ordered_json> one = timeless_metrics(run), two = timeless_metrics(again);
  const auto checksum_of = [](const std::vector<ordered_json>& records) {
    return checksum(ordered_json(records).dump());
  };
  ReplayedPart part{"metrics", checksum_of(one), checksum_of(two), ""};
  if (part.is_equal()) return part;
  const auto [differs, now] = std::mismatch(one.begin(), one.end(), two.begin(), two.end());
  const bool is_shorter = differs == one.end() || now == two.end();
  part.difference =
      is_shorter ? format_text("{} lines, now {}", one.size(), two.size()) : first_difference(*differs, *now);
  return part;
}

ReplayedPart compare_files(const std::string& name, const fs::path& run, const fs::path& again) {
  ReplayedPart part{name, read_file(run), fs::exists(again) ? read_file(again) : kMissing, ""};
  if (!part.is_equal()) part.difference = part.run + ", now " + part.again;
  part.run = checksum(part.run);
  part.again = checksum(part.again);
  return part;
}

}  // namespace

std::vector<ReplayedPart> compare_runs(const RunFolder& run, const RunFolder& again) {
  const auto clip_files = [](const RunFolder& folder) {  // of one layout or the other
    const fs::path clip = folder.clip();
    return std::vector<fs::path>{clip / "model.safetensors", clip / "text/model.safetensors",
                                 clip / "image/model.safetensors"};
  };
  std::vector<ReplayedPart> parts = {
      compare_tensors("clip", clip_files(run), clip_files(again)),
      compare_tensors("embeddings", {run.embeddings()}, {again.embeddings()}),
      compare_tensors("conditions", {run.condition()}, {again.condition()}),
  };
  if (fs::exists(run.noise_levels())) {
    parts.push_back(compare_files("noise_levels", run.noise_levels(), again.noise_levels()));
  }
  parts.push_back(compare_metrics(run.metrics(), again.metrics()));
  parts.push_back(compare_tensors("model", {run.model()}, {again.model()}));
  return parts;
}

}  // namespace noisescope::run
