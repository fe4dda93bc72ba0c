// Embeddings of all captions (and images) of a data set, extracted once and kept in one file.
// This module knows no encoder: the caller supplies functions and the hashes that identify them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/data/dataset.h"
#include "noisescope/data/whitening.h"
#include "noisescope/processes/group.h"

namespace noisescope::data {

struct EmbeddingCacheOptions {
  bool images = false;
  int64_t max_images = 0;
  int64_t batch_size = 256;
  int64_t shard_batches = 16;
  bool skip_extraction = false;
};

inline void describe(Describer& d, EmbeddingCacheOptions& o) {
  d("images", o.images, "embed the images too, not only the captions");
  d("max_images", o.max_images, "embed only this many images, the first ones; 0: all", {.min = 0});
  d("batch_size", o.batch_size, "captions or images embedded at once", {.min = 1, .max = 1 << 16});
  d("shard_batches", o.shard_batches, "batches between two saves: what an interrupted extraction loses at most",
    {.min = 1, .max = 1 << 16});
  d("skip_extraction", o.skip_extraction, "never extract: use the cache as it is and refuse one that does not fit");
}

/// The encoders, and the hashes that say when their results change.
struct Encoders {
  std::string weights;        // hash of all parameters
  std::string preprocessing;  // hash of tokenizer, resize, normalisation: all that is no weight
  std::function<Tensor(const std::vector<std::string>& captions)> text;  // [B] -> [B, D]
  std::function<Tensor(const Tensor& images)> image;                     // [B, 3, S, S] in [-1, 1] -> [B, D]
  /// The processes that encode together, each some of a shard's batches; all begin with the same files.
  std::shared_ptr<Group> group = Group::alone();
};

/// Rows are in the order of Dataset::captions() and of its samples. The values are as the encoder
/// gave them, float32 on the CPU.
struct Embeddings {
  Tensor text;   // [M, D]
  Tensor image;  // [N, D]; undefined without EmbeddingCacheOptions::images
  EmbeddingStatistics text_statistics;
  EmbeddingStatistics image_statistics;  // of `image`; empty tensors without it
  bool extracted = false;                // false: read from the cache
  std::string reason;                    // why it had to be extracted ("no cache", "weights differ")
};

/// Reads the cache at `path` if its keys (weights, preprocessing, data, captions, number of images)
/// are those asked for; else extracts and replaces it.
///
/// Extraction saves a shard every shard_batches batches under `<path>.partial/` and goes on from
/// there when called again; the finished file holds the same bits either way, because batches do not
/// depend on where it was interrupted. The folder is locked: a second process gets IoError.
///
/// With skip_extraction a missing, damaged or foreign cache throws ModelError that names the key
/// which differs and what to do. Encoders returning another shape than [B, D]: ShapeError; values
/// that are not finite: NumericError. Interrupted on a stop request (shards are kept).
Embeddings load_or_extract_embeddings(const std::filesystem::path& path, const Dataset& dataset,
                                      const Encoders& encoders, const EmbeddingCacheOptions& options,
                                      const Control& control);

}  // namespace noisescope::data
