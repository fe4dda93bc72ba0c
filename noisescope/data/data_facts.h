// What a data set holds, in numbers and in pictures: the content of `noisescope data inspect`.
#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/data/dataset.h"
#include "noisescope/data/image_dataset.h"

namespace noisescope::data {

struct CaptionFacts {
  int64_t distinct = 0;
  double per_sample = 0;  // mean number of captions of an inspected sample
  double words = 0;       // mean over distinct captions
  int64_t longest_words = 0;
  int64_t vocabulary = 0;  // distinct words, lower case
  int64_t context = 0;     // tokens that the encoder reads of a caption, filled by the caller; 0: not known
  int64_t cut = 0;         // captions with more
  std::vector<std::pair<std::string, int64_t>> most_common;  // captions of the most samples, falling
};

/// Numbers of the inspected samples (`pixel_mean` and `pixel_deviation` in [-1, 1] units: the
/// deviation over all channels is the sigma_data of the diffusion model).
struct DataFacts {
  std::string name;
  std::string fingerprint;
  int64_t samples = 0;
  int64_t image_size_px = 0;
  int64_t train = 0;
  int64_t validation = 0;
  std::map<std::string, int64_t> parts;                           // "train" -> samples, of the source
  std::map<std::string, std::map<std::string, int64_t>> classes;  // class -> part -> samples
  CaptionFacts captions;
  int64_t inspected = 0;
  std::array<double, 3> pixel_mean = {};
  std::array<double, 3> pixel_deviation = {};
  double deviation = 0;
  bool flips_keep_captions = false;
  LoadReport load;
  // Of the configuration, filled by the caller.
  bool mirrored = false;  // half of the pictures, in training
  std::string mirrored_why;
};

/// Counts everything; pixels and captions per sample are measured on at most `max_inspected` samples
/// spread evenly over the data set.
DataFacts inspect_dataset(const Dataset& dataset, const Split& split, const LoadReport& load,
                          int64_t max_inspected = 4096);

/// Names as in the struct; source sizes as {"64x64": n}.
nlohmann::ordered_json to_json(const DataFacts& facts);

/// Samples to look at, each with one of its captions.
struct ContactSheet {
  Tensor images;                      // [K, 3, S, S] float32 in [-1, 1]
  std::vector<int64_t> indices;       // [K]
  std::vector<std::string> captions;  // [K]
};

/// K = min(count, size) samples drawn without repetition by `seed`, in index order.
ContactSheet contact_sheet(const Dataset& dataset, int64_t count, uint64_t seed);

}  // namespace noisescope::data
