// The weights of a live file (live/live_model.h) in memory.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "noisescope/core/error.h"

namespace noisescope::live {

struct WeightArray {
  std::vector<int64_t> shape;
  std::vector<double> values;
};

/// Named arrays of a safetensors file of F16, F32 and F64, and its metadata.
class Weights {
 public:
  /// `file` holds the whole file; `name` stands for it in messages. Throws FormatError.
  static Weights read(std::string_view file, const std::string& name);

  /// The array as float32. Throws ModelError where it is missing or of another shape.
  std::vector<float> floats(const std::string& key, const std::vector<int64_t>& shape) const;
  /// The same as float64, of any shape.
  const WeightArray& at(const std::string& key) const;
  bool has(const std::string& key) const { return arrays_.contains(key); }

  /// The text under a key of the metadata. Throws ModelError where there is none.
  const std::string& text(const std::string& key) const;
  bool has_text(const std::string& key) const { return metadata_.contains(key); }

 private:
  std::string name_;
  std::map<std::string, WeightArray> arrays_;
  std::map<std::string, std::string> metadata_;
};

/// A number of 16 bits (IEEE 754 binary16).
float float_of_half(uint16_t half);

}  // namespace noisescope::live
