#include "noisescope/run/clip_stage.h"

#include <algorithm>
#include <cstdio>

#include "noisescope/clip/clip_images.h"
#include "noisescope/clip/clip_metrics.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/world_dataset.h"
#include "noisescope/io/file.h"
#include "noisescope/stats/estimate.h"

namespace noisescope::run {
namespace {

constexpr int64_t kReportImages = 512;
constexpr int64_t kEncodeBatch = 256;

Tensor encode_images(const ClipModel& clip, const Dataset& dataset, const std::vector<int64_t>& indices) {
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
    rows.push_back(
        clip.encode_text({texts.begin() + static_cast<long>(first), texts.begin() + static_cast<long>(last)}));
  }
  return torch::cat(rows);
}

/// Rows of Dataset::captions() to score these samples against: the full captions of a world (they stand
/// first), else scored_captions.
std::vector<int64_t> report_caption_rows(const RunData& data, const std::vector<int64_t>& indices) {
  if (const WorldDataset* world = world_of(data)) {
    const auto full = world->grammar().full_captions(SceneSet::seen).size();
    return sample_range(0, static_cast<int64_t>(full));
  }
  return scored_captions(*data.dataset, indices);
}

/// Tells how many captions the encoder does not read to their end, or does not know every word of.
void note_captions(const ClipModel& clip, const RunData& data, const Notice& notice) {
  if (!notice || world_of(data) != nullptr) return;
  const std::string note =
      cut_captions_note(clip.tokenizer().context_length(), captions_cut(clip.tokenizer(), data.dataset->captions()));
  if (!note.empty()) notice(note);
  const std::vector<std::string>& captions = data.dataset->captions();
  std::string example;
  const auto unknown = std::count_if(captions.begin(), captions.end(), [&](const std::string& caption) {
    const std::vector<UnknownWord> words = clip.tokenizer().encode(caption).unknown;
    if (!words.empty()) example = words.front().word;
    return !words.empty();
  });
  if (unknown > 0) {
    notice(format_text("{} of {} captions hold words that the encoder does not know, as '{}': it reads all such as one",
                       unknown, captions.size(), example));
  }
}

/// The report of a CLIP, stored; what was left out of it is said.
void write_clip_report(const RunFolder& folder, const nlohmann::ordered_json& report, const Notice& notice) {
  write_file_atomic(folder.clip_report(), report.dump(2));
  if (notice && report.contains("left_out")) notice("report of the CLIP: " + report.at("left_out").get<std::string>());
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
ClipModel adopt_clip(const ClipStage& stage, const Notice& notice) {
  const auto& [config, data, folder, device, group] = stage;
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
  write_clip_report(folder, report, notice);
  note_captions(clip, data, notice);
  return clip;
}

}  // namespace

RunData open_run_data(const RunConfig& config, const Control& control) {
  LoadReport report;
  OpenedData opened = open_dataset(config.data, control, report);
  return {std::move(opened.dataset), std::move(opened.split), std::move(report), std::move(opened.mirroring)};
}

std::vector<int64_t> scored_captions(const Dataset& dataset, const std::vector<int64_t>& indices,
                                     const std::vector<int64_t>& first, int64_t limit) {
  const auto all = static_cast<int64_t>(dataset.captions().size());
  if (all <= limit) return sample_range(0, all);
  std::vector<int64_t> rows;
  std::vector<bool> taken(static_cast<size_t>(all), false);
  const auto take = [&](int64_t row) {
    if (taken[static_cast<size_t>(row)]) return;
    taken[static_cast<size_t>(row)] = true;
    rows.push_back(row);
  };
  for (const int64_t row : first) take(row);
  std::vector<std::vector<int64_t>> own;
  size_t most = 0;
  for (const int64_t index : indices) {
    own.push_back(dataset.captions_of(index));
    most = std::max(most, own.back().size());
  }
  for (size_t k = 0; k < most; ++k) {  // one caption of each sample before the second of any
    for (const std::vector<int64_t>& captions : own) {
      if (k < captions.size() && (k == 0 || static_cast<int64_t>(rows.size()) < limit)) take(captions[k]);
    }
  }
  const auto free = limit - static_cast<int64_t>(rows.size());
  for (int64_t k = 0; k < free; ++k) take(k * all / free);  // distractors from everywhere
  for (int64_t row = 0; row < all && static_cast<int64_t>(rows.size()) < limit; ++row) take(row);
  return rows;
}

int64_t captions_cut(const Tokenizer& tokenizer, const std::vector<std::string>& captions) {
  return std::count_if(captions.begin(), captions.end(),
                       [&](const std::string& caption) { return tokenizer.encode(caption).truncated(); });
}

std::string cut_captions_note(int64_t context, int64_t cut) {
  if (cut == 0) return "";
  return std::to_string(cut) + (cut == 1 ? " caption is" : " captions are") + " longer than the " +
         std::to_string(context) +
         " tokens that the encoder reads, and cut off; raise clip.tokenizer.context_length, or shorten them";
}

const WorldDataset* world_of(const RunData& data) { return dynamic_cast<const WorldDataset*>(data.dataset.get()); }

ClipBatchSource clip_batches(const RunData& data, int64_t batch_size, uint64_t seed) {
  return [&data, batch_size, random = Random(seed)](int64_t step) {
    const auto& train = data.split.train;
    std::vector<int64_t> indices;
    for (int64_t k = 0; k < batch_size; ++k) {
      const int64_t pick =
          random.integer(Purpose::data_order, static_cast<uint64_t>(step), k, static_cast<int64_t>(train.size()));
      indices.push_back(train[static_cast<size_t>(pick)]);
    }
    ClipBatch batch;
    batch.images = data.dataset->images(indices);
    batch.caption_rows = draw_captions(*data.dataset, indices, random, static_cast<uint64_t>(step));
    batch.positives = data.dataset->caption_is_true(indices, batch.caption_rows);
    return batch;
  };
}

ClipModel clip_of_run(const ClipStage& stage, const Control& control, const Notice& notice) {
  const auto& [config, data, folder, device, group] = stage;
  if (std::filesystem::exists(folder.clip_report())) {
    ClipModel clip = ClipModel::load(folder.clip());
    clip.to(device);
    return clip;
  }
  if (!config.clip_folder.empty()) return adopt_clip(stage, notice);
  const auto seed = static_cast<uint64_t>(config.seed);
  const std::vector<std::string>& captions = data.dataset->captions();
  const ClipModel clip(config.clip, Tokenizer::train(captions, config.clip.tokenizer), seed);
  clip.to(device);
  note_captions(clip, data, notice);
  ClipTrainOptions options = config.clip_train;
  options.checkpoint = folder.clip_checkpoint().string();
  const ClipTrainStatus trained =
      train_clip(clip, {captions, clip_batches(data, config.clip_batch_size, seed), seed, group}, options, control)
          .last;
  clip.save(folder.clip());
  nlohmann::ordered_json report = clip_report(clip, data, seed);
  report["training"] = {{"steps", trained.step}, {"images", trained.images}};
  // Written last: its presence says that the folder beside it is complete.
  write_clip_report(folder, report, notice);
  std::filesystem::remove(folder.clip_checkpoint());
  return clip;
}

nlohmann::ordered_json clip_report(const ClipModel& clip, const RunData& data, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const bool few = data.split.validation.size() < 2;  // one pair alone compares with nothing
  const std::vector<int64_t>& pool = few ? data.split.train : data.split.validation;
  const std::vector<int64_t> indices(pool.begin(),
                                     pool.begin() + static_cast<long>(std::min<size_t>(kReportImages, pool.size())));
  const std::vector<int64_t> rows = report_caption_rows(data, indices);
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
  nlohmann::ordered_json json;
  json["zero_shot"] = noisescope::to_json(wilson(zero.correct, zero.images));
  json["zero_shot"]["captions"] = zero.captions;
  json["image_to_text"] = to_json(ranks.image_to_text);
  json["text_to_image"] = to_json(ranks.text_to_image);
  if (own.size() < 2) {
    json["left_out"] = "the modality gap needs two pictures with captions, got one";
  } else {
    json["modality_gap"] = to_json(modality_gap(image, encode_texts(clip, own)));
  }
  json["samples"] = few ? "training" : "validation";
  json["weights_hash"] = clip.weights_hash();
  return json;
}

}  // namespace noisescope::run
