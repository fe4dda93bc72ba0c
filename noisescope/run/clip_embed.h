// Embeddings of many texts and images in one file, whatever their number: batches, a shard on disk
// every so many rows, decoding beside the towers.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "noisescope/clip/clip_model.h"
#include "noisescope/core/progress.h"
#include "noisescope/data/image_dataset.h"
#include "noisescope/processes/group.h"

namespace noisescope::run {

struct ClipEmbedRequest {
  std::filesystem::path texts;         // a text a line; empty: none
  std::filesystem::path images;        // a folder of pictures, looked through; empty: none
  std::filesystem::path classes;       // a class name a line; empty: none
  std::vector<std::string> templates;  // captions of a class; empty: usual_templates()
  std::filesystem::path out;           // a .safetensors file
  bool float16 = false;
  int64_t batch_size = 32;
  int64_t shard_rows = 512;  // what an interruption loses at most
  /// The processes that embed together, each some of the shards; all have model and pictures, process 0 alone writes
  /// and gets the result.
  std::shared_ptr<Group> group = Group::alone();
};

struct ClipEmbedResult {
  int64_t texts = 0;
  int64_t images = 0;
  int64_t classes = 0;
  int64_t resumed_shards = 0;        // taken over from an interrupted call
  int64_t truncated = 0;             // texts that did not fit the context
  int64_t unknown = 0;               // texts with words that a tokenizer of words does not know
  std::vector<SkippedFile> skipped;  // images that could not be read
  bool was_complete = false;         // `out` already held these embeddings
};

/// Writes `out` with the tensors asked for, unit rows [N, E] in float32 or float16:
///   text   a row a line of `texts`          image  a row a readable image, in the order of names
///   class  a row a class: the mean over its captions, of unit norm (arXiv:2103.00020, 3.1.4)
/// and their names as JSON lists in the metadata (text_names, image_names, class_names).
///
/// Finished shards lie under `<out>.partial/` and are not made again by a later call with the same
/// model, names and options; the finished file has the same bits either way. The folder is locked
/// against a second process. Memory does not grow with the number of rows, but for the names.
/// Throws DataError for empty inputs, ModelError if the model lacks the tower, IoError, Interrupted.
ClipEmbedResult clip_embed(const ClipModel& model, const ClipEmbedRequest& request, const Control& control);

/// The lines of a text file without the empty ones. Throws DataError if there is none, and as decode_text.
std::vector<std::string> read_lines(const std::filesystem::path& path);

/// Names of the images below a folder, sorted. Throws DataError if there is none.
std::vector<std::string> image_names(const std::filesystem::path& folder);

}  // namespace noisescope::run
