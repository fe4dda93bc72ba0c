#include "noisescope/run/clip_stage.h"

#include <algorithm>
#include <cstdio>

#include "noisescope/clip/clip_images.h"
#include "noisescope/clip/clip_metrics.h"
#include "noisescope/core/error.h"
#include "noisescope/data/world_dataset.h"
#include "noisescope/stats/estimate.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

constexpr int64_t kReportImages = 512;
constexpr int64_t kReportCaptions = 2048;
constexpr int64_t kEncodeBatch = 256;

Tensor encode_images(const ClipModel& clip, const Dataset& dataset,
                     const std::vector<int64_t>& indices) {
  std::vector<Tensor> rows;
  for (size_t first = 0; first < indices.size(); first += kEncodeBatch) {
    const auto last = std::min(indices.size(), first + kEncodeBatch);
    const std::vector<int64_t> batch(indices.begin() + static_cast<long>(first),
                                     indices.begin() + static_cast<long>(last));
    rows.push_back(clip.encode_image(to_clip_size(dataset.images(batch), clip.config().preprocess)));
  }
  return torch::cat(rows);
}

Tensor encode_texts(const ClipModel& clip, const std::vector<std::string>& texts) {
  std::vector<Tensor> rows;
  for (size_t first = 0; first < texts.size(); first += kEncodeBatch) {
    const auto last = std::min(texts.size(), first + kEncodeBatch);
    rows.push_back(clip.encode_text({texts.begin() + static_cast<long>(first),
                                     texts.begin() + static_cast<long>(last)}));
  }
  return torch::cat(rows);
}

/// Rows of Dataset::captions() to score against: the full captions of a world (they stand first), or
/// all captions up to a limit.
std::vector<int64_t> report_caption_rows(const RunData& data) {
  const auto all = static_cast<int64_t>(data.dataset->captions().size());
  if (const WorldDataset* world = world_of(data)) {
    const auto full = world->grammar().full_captions(SceneSet::seen).size();
    return sample_range(0, static_cast<int64_t>(full));
  }
  return sample_range(0, std::min(all, kReportCaptions));
}

nlohmann::ordered_json to_json(const RetrievalRanks& ranks) {
  return {{"recall_at_1", ranks.recall_at_1},
          {"recall_at_5", ranks.recall_at_5},
          {"median_rank", ranks.median_rank},
          {"queries", ranks.queries},
          {"candidates", ranks.candidates}};
}

nlohmann::ordered_json to_json(const ModalityGap& gap) {
  return {{"distance", gap.distance},
          {"pair_cosine", gap.pair_cosine},
          {"unpaired_cosine", gap.unpaired_cosine},
          {"centred_pair_cosine", gap.centred_pair_cosine},
          {"centred_unpaired_cosine", gap.centred_unpaired_cosine},
          {"pairs", gap.pairs}};
}

/// Loads a ready CLIP and copies it into the run, which then stands on its own.
ClipModel adopt_clip(const RunConfig& config, const RunData& data, const RunFolder& folder,
                     torch::Device device) {
  ClipModel clip = ClipModel::load(config.clip_folder);
  clip.tokenizer();  // captions condition the model: without a tokenizer nothing can begin
  clip.to(device);
  clip.save(folder.clip());
  nlohmann::ordered_json report;
  if (clip.has_image()) {
    report = clip_report(clip, data, static_cast<uint64_t>(config.seed));
  } else {
    report["weights_hash"] = clip.weights_hash();
  }
  report["adopted_from"] = config.clip_folder;
  write_file_atomic(folder.clip_report(), report.dump(2));
  return clip;
}

}  // namespace

RunData open_run_data(const RunConfig& config, const Control& control) {
  LoadReport report;
  OpenedData opened = open_dataset(config.data, control, report);
  return {std::move(opened.dataset), std::move(opened.split), std::move(report)};
}

const WorldDataset* world_of(const RunData& data) {
  return dynamic_cast<const WorldDataset*>(data.dataset.get());
}

ClipBatchSource clip_batches(const RunData& data, int64_t batch_size, uint64_t seed) {
  return [&data, batch_size, random = Random(seed)](int64_t step) {
    const auto& train = data.split.train;
    std::vector<int64_t> indices;
    for (int64_t k = 0; k < batch_size; ++k) {
      const int64_t pick = random.integer(Purpose::data_order, static_cast<uint64_t>(step), k,
                                          static_cast<int64_t>(train.size()));
      indices.push_back(train[static_cast<size_t>(pick)]);
    }
    ClipBatch batch;
    batch.images = data.dataset->images(indices);
    batch.caption_rows = draw_captions(*data.dataset, indices, random, static_cast<uint64_t>(step));
    batch.positives = data.dataset->caption_is_true(indices, batch.caption_rows);
    return batch;
  };
}

ClipModel clip_of_run(const RunConfig& config, const RunData& data, const RunFolder& folder,
                      torch::Device device, const Control& control) {
  if (std::filesystem::exists(folder.clip_report())) {
    ClipModel clip = ClipModel::load(folder.clip());
    clip.to(device);
    return clip;
  }
  if (!config.clip_folder.empty()) return adopt_clip(config, data, folder, device);
  const auto seed = static_cast<uint64_t>(config.seed);
  const std::vector<std::string>& captions = data.dataset->captions();
  const ClipModel clip(config.clip, Tokenizer::train(captions, config.clip.tokenizer), seed);
  clip.to(device);
  ClipTrainOptions options = config.clip_train;
  options.checkpoint = folder.clip_checkpoint().string();
  train_clip(clip, captions, clip_batches(data, config.clip_batch_size, seed), options, seed,
             control);
  clip.save(folder.clip());
  // Written last: its presence says that the folder beside it is complete.
  write_file_atomic(folder.clip_report(), clip_report(clip, data, seed).dump(2));
  std::filesystem::remove(folder.clip_checkpoint());
  return clip;
}

nlohmann::ordered_json clip_report(const ClipModel& clip, const RunData& data, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const std::vector<int64_t>& held = data.split.validation;
  const std::vector<int64_t>& pool = held.empty() ? data.split.train : held;
  const std::vector<int64_t> indices(
      pool.begin(), pool.begin() + static_cast<long>(std::min<size_t>(kReportImages, pool.size())));
  const std::vector<int64_t> rows = report_caption_rows(data);
  std::vector<std::string> texts;
  for (const int64_t row : rows) texts.push_back(data.dataset->captions()[size_t(row)]);

  const Tensor image = encode_images(clip, *data.dataset, indices);
  const Tensor text = encode_texts(clip, texts);
  const Tensor is_true = data.dataset->caption_is_true(indices, rows).to(image.device());
  const ZeroShot zero = zero_shot(image, text, is_true);
  const Retrieval ranks = retrieval(image, text, is_true);

  std::vector<std::string> own;
  for (const int64_t row : draw_captions(*data.dataset, indices, Random(seed), ~uint64_t{0})) {
    own.push_back(data.dataset->captions()[size_t(row)]);
  }
  const ModalityGap gap = modality_gap(image, encode_texts(clip, own));
  nlohmann::ordered_json json;
  json["zero_shot"] = noisescope::to_json(wilson(zero.correct, zero.images));
  json["zero_shot"]["captions"] = zero.captions;
  json["image_to_text"] = to_json(ranks.image_to_text);
  json["text_to_image"] = to_json(ranks.text_to_image);
  json["modality_gap"] = to_json(gap);
  json["samples"] = held.empty() ? "training" : "validation";
  json["weights_hash"] = clip.weights_hash();
  return json;
}

}  // namespace noisescope
