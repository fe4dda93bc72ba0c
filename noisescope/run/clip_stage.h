// First stage of a run: the CLIP that conditions it, trained here or brought along, and what is
// reported of it.
#pragma once

#include <nlohmann/json.hpp>

#include "noisescope/clip/clip_model.h"
#include "noisescope/core/progress.h"
#include "noisescope/data/image_dataset.h"
#include "noisescope/data/world_dataset.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/run_folder.h"
#include "noisescope/train/checkpoint.h"

namespace noisescope::run {

/// The data of a run: the samples, and which of them are trained on.
struct RunData {
  std::shared_ptr<const Dataset> dataset;
  Split split;
  LoadReport report;
  Mirroring mirroring = {};
};
RunData open_run_data(const RunConfig& config, const Control& control);

/// The world of a run's data; nullptr for other kinds.
const WorldDataset* world_of(const RunData& data);

/// Batches for contrastive training: training samples drawn with replacement by (data_order, step),
/// a caption each, and which captions of the batch are true of which images.
ClipBatchSource clip_batches(const RunData& data, int64_t batch_size, uint64_t seed);

/// What the CLIP of a run comes from, and where it stands.
struct ClipStage {
  const RunConfig& config;
  const RunData& data;
  RunFolder folder;
  torch::Device device;
  std::shared_ptr<Group> group = Group::alone();  // the processes that train it together
};

/// Loads the CLIP of the run folder; else copies that of config.clip_folder there, or trains one
/// (going on after an interruption). Says how many captions are cut and what its report lacks.
/// Throws as train_clip; Interrupted leaves a checkpoint.
ClipModel clip_of_run(const ClipStage& stage, const Control& control, const Notice& notice = {});

inline constexpr int64_t kScoredCaptions = 2048;

/// Rows of dataset.captions() to score these samples against: all if they are at most `limit`; else `first`, then
/// captions of the samples, one of each before the second of any, then others from everywhere, `limit` in all
/// (more where there are more samples than that: each keeps a caption).
std::vector<int64_t> scored_captions(const Dataset& dataset, const std::vector<int64_t>& indices,
                                     const std::vector<int64_t>& first = {}, int64_t limit = kScoredCaptions);

/// How many of the captions are longer than the tokenizer's context.
int64_t captions_cut(const Tokenizer& tokenizer, const std::vector<std::string>& captions);

/// The sentence about them for people; "" if none is cut.
std::string cut_captions_note(int64_t context, int64_t cut);

/// Zero-shot accuracy, retrieval ranks and modality gap on validation samples (on training samples where fewer than
/// two are held out), each with its n. World: zero-shot over all full captions. Other data: over scored_captions.
/// With one sample the gap is absent, and the text `left_out` says so.
nlohmann::ordered_json clip_report(const ClipModel& clip, const RunData& data, uint64_t seed);

}  // namespace noisescope::run
