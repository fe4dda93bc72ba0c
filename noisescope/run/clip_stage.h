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

namespace noisescope {

/// The data of a run: the samples, and which of them are trained on.
struct RunData {
  std::shared_ptr<const Dataset> dataset;
  Split split;
  LoadReport report;
};
RunData open_run_data(const RunConfig& config, const Control& control);

/// The world of a run's data; nullptr for other kinds.
const WorldDataset* world_of(const RunData& data);

/// Batches for contrastive training: training samples drawn with replacement by (data_order, step),
/// a caption each, and which captions of the batch are true of which images.
ClipBatchSource clip_batches(const RunData& data, int64_t batch_size, uint64_t seed);

/// Loads the CLIP of the run folder; else copies that of config.clip_folder there, or trains one
/// (going on after an interruption).
/// Throws as train_clip; Interrupted leaves a checkpoint.
ClipModel clip_of_run(const RunConfig& config, const RunData& data, const RunFolder& folder,
                      torch::Device device, const Control& control);

/// Zero-shot accuracy, retrieval ranks and modality gap on validation samples, each with its n.
/// World: zero-shot over all full captions. Other data: over the captions of the validation samples.
nlohmann::ordered_json clip_report(const ClipModel& clip, const RunData& data, uint64_t seed);

}  // namespace noisescope
