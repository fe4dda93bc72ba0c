#include "noisescope/data/data_facts.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/captions.h"

namespace noisescope::data {
namespace {

constexpr int64_t kBatch = 256;
constexpr size_t kMostCommon = 10;

/// At most `limit` of 0 .. size-1, evenly spread.
std::vector<int64_t> spread_indices(int64_t size, int64_t limit) {
  const int64_t count = std::min(size, std::max<int64_t>(limit, 1));
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < count; ++i) indices.push_back(i * size / count);
  return indices;
}

CaptionFacts caption_facts(const Dataset& dataset, const std::vector<int64_t>& indices) {
  CaptionFacts facts;
  const std::vector<std::string>& captions = dataset.captions();
  facts.distinct = static_cast<int64_t>(captions.size());
  std::set<std::string> vocabulary;
  int64_t total_words = 0;
  for (const std::string& caption : captions) {
    const std::vector<std::string> words = caption_words(caption);
    const auto count = static_cast<int64_t>(words.size());
    total_words += count;
    facts.longest_words = std::max(facts.longest_words, count);
    vocabulary.insert(words.begin(), words.end());
  }
  facts.vocabulary = static_cast<int64_t>(vocabulary.size());
  facts.words = captions.empty() ? 0 : double(total_words) / double(captions.size());
  std::map<int64_t, int64_t> samples_of;  // caption row -> samples
  int64_t total_captions = 0;
  for (int64_t index : indices) {
    std::vector<int64_t> rows = dataset.captions_of(index);
    total_captions += static_cast<int64_t>(rows.size());
    for (int64_t row : std::set<int64_t>(rows.begin(), rows.end())) ++samples_of[row];
  }
  facts.per_sample = double(total_captions) / double(indices.size());
  std::vector<std::pair<int64_t, int64_t>> ranked(samples_of.begin(), samples_of.end());
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (ranked.size() > kMostCommon) ranked.resize(kMostCommon);
  for (const auto& [row, count] : ranked) {
    facts.most_common.emplace_back(captions[static_cast<size_t>(row)], count);
  }
  return facts;
}

void measure_pixels(const Dataset& dataset, const std::vector<int64_t>& indices, DataFacts& facts) {
  Tensor sum = torch::zeros({3}, torch::kFloat64);
  Tensor squares = torch::zeros({3}, torch::kFloat64);
  for (size_t first = 0; first < indices.size(); first += kBatch) {
    const size_t last = std::min(indices.size(), first + kBatch);
    const Tensor batch =
        dataset.images({indices.begin() + static_cast<int64_t>(first), indices.begin() + static_cast<int64_t>(last)})
            .to(torch::kFloat64);
    sum += batch.sum({0, 2, 3});
    squares += batch.square().sum({0, 2, 3});
  }
  const double pixels = double(indices.size()) * double(facts.image_size_px * facts.image_size_px);
  const Tensor mean = sum / pixels;
  const Tensor variance = (squares / pixels - mean.square()).clamp_min(0);
  for (int64_t c = 0; c < 3; ++c) {
    facts.pixel_mean[static_cast<size_t>(c)] = mean[c].item<double>();
    facts.pixel_deviation[static_cast<size_t>(c)] = std::sqrt(variance[c].item<double>());
  }
  const double level = mean.mean().item<double>();
  const double power = (squares / pixels).mean().item<double>();
  facts.deviation = std::sqrt(std::max(0.0, power - level * level));
}

void count_parts(const ImageSamples& samples, DataFacts& facts) {
  for (size_t i = 0; i < samples.parts.size(); ++i) {
    const std::string part = to_string(samples.parts[i]);
    ++facts.parts[part];
    if (samples.labels.empty() || samples.labels[i] < 0) continue;
    ++facts.classes[samples.class_names.at(static_cast<size_t>(samples.labels[i]))][part];
  }
}

nlohmann::ordered_json load_to_json(const LoadReport& load) {
  nlohmann::ordered_json json;
  json["loaded"] = load.loaded;
  json["ignored"] = load.ignored;
  json["ignored_suffixes"] = load.ignored_suffixes;
  json["unread_captions"] = load.unread_captions;
  json["unknown_parts"] = load.unknown_parts;
  json["remarks"] = load.remarks;
  json["turned_upright"] = load.turned;
  json["animated"] = load.animated;
  json["unlabelled"] = load.unlabelled;
  json["duplicate_captions"] = load.duplicate_captions;
  json["seconds"] = load.seconds;
  json["skipped"] = nlohmann::ordered_json::array();
  for (const SkippedFile& file : load.skipped) {
    json["skipped"].push_back({{"name", file.name}, {"reason", file.reason}});
  }
  json["source_sizes"] = nlohmann::ordered_json::object();
  for (const auto& [size, count] : load.source_sizes) {
    json["source_sizes"][format_text("{}x{}", size.first, size.second)] = count;
  }
  return json;
}

}  // namespace

DataFacts inspect_dataset(const Dataset& dataset, const Split& split, const LoadReport& load, int64_t max_inspected) {
  DataFacts facts;
  facts.name = dataset.name();
  facts.fingerprint = dataset.fingerprint();
  facts.samples = dataset.size();
  facts.image_size_px = dataset.image_size_px();
  facts.train = static_cast<int64_t>(split.train.size());
  facts.validation = static_cast<int64_t>(split.validation.size());
  facts.flips_keep_captions = dataset.flips_keep_captions();
  facts.load = load;
  const auto* images = dynamic_cast<const ImageDataset*>(&dataset);
  if (images != nullptr) count_parts(images->samples(), facts);
  const std::vector<int64_t> indices = spread_indices(dataset.size(), max_inspected);
  facts.inspected = static_cast<int64_t>(indices.size());
  facts.captions = caption_facts(dataset, indices);
  measure_pixels(dataset, indices, facts);
  return facts;
}

nlohmann::ordered_json to_json(const DataFacts& facts) {
  nlohmann::ordered_json json;
  json["name"] = facts.name;
  json["fingerprint"] = facts.fingerprint;
  json["samples"] = facts.samples;
  json["image_size_px"] = facts.image_size_px;
  json["train"] = facts.train;
  json["validation"] = facts.validation;
  json["parts"] = facts.parts;
  json["classes"] = facts.classes;
  nlohmann::ordered_json& captions = json["captions"];
  captions["distinct"] = facts.captions.distinct;
  captions["per_sample"] = facts.captions.per_sample;
  captions["words"] = facts.captions.words;
  captions["longest_words"] = facts.captions.longest_words;
  captions["vocabulary"] = facts.captions.vocabulary;
  captions["context"] = facts.captions.context;
  captions["cut"] = facts.captions.cut;
  captions["most_common"] = nlohmann::ordered_json::array();
  for (const auto& [caption, samples] : facts.captions.most_common) {
    captions["most_common"].push_back({{"caption", caption}, {"samples", samples}});
  }
  json["inspected"] = facts.inspected;
  json["pixel_mean"] = facts.pixel_mean;
  json["pixel_deviation"] = facts.pixel_deviation;
  json["deviation"] = facts.deviation;
  json["flips_keep_captions"] = facts.flips_keep_captions;
  json["mirrored"] = facts.mirrored;
  json["mirrored_why"] = facts.mirrored_why;
  json["load"] = load_to_json(facts.load);
  return json;
}

ContactSheet contact_sheet(const Dataset& dataset, int64_t count, uint64_t seed) {
  if (count < 1) {
    throw ValueError(format_text("[data.contact_sheet] expected count >= 1, got {}", count));
  }
  const Random random(seed);
  const Tensor order = random.permutation(Purpose::evaluation, 0, dataset.size());
  const int64_t* first = order.const_data_ptr<int64_t>();
  ContactSheet sheet;
  sheet.indices.assign(first, first + std::min(count, dataset.size()));
  std::sort(sheet.indices.begin(), sheet.indices.end());
  sheet.images = dataset.images(sheet.indices);
  for (int64_t row : draw_captions(dataset, sheet.indices, random, 0)) {
    sheet.captions.push_back(dataset.captions()[static_cast<size_t>(row)]);
  }
  return sheet;
}

}  // namespace noisescope::data
