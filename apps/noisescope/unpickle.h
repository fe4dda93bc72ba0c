// Pickled checkpoints as safetensors, through a Python that builds tensors and refuses everything else.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "noisescope/io/file.h"

namespace noisescope::cli {

/// Does the name end like a pickle's (.bin, .pt, .pth, .ckpt)?
bool is_pickle(const std::filesystem::path& path);

/// Writes the tensors of `pickles` to `target`. `keys` names, in order of preference, the dictionaries of a
/// checkpoint that hold them ("ema,model"); a checkpoint with none of them is taken as one. A dictionary "config" of
/// numbers, texts and lists becomes JSON under the metadata key "config". `python` needs torch and safetensors; it
/// runs torch.load(weights_only=True), so that no code of a pickle is executed.
/// Throws IoError if it cannot be started, FormatError if it finds no tensors.
void unpickle(const std::string& python, const std::string& keys, const std::vector<std::filesystem::path>& pickles,
              const std::filesystem::path& target);

/// A folder beside `out` that is gone when this is: what is made there appears under `out` as a whole or not at all,
/// also after a power cut. What a killed process left there is removed.
class Workplace {
 public:
  /// Throws IoError if `out` exists and is not an empty folder, or another process makes it.
  explicit Workplace(const std::filesystem::path& out);
  ~Workplace();
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Moves `folder`, which lies in path(), to `out`.
  void publish(const std::filesystem::path& folder) const;

 private:
  std::filesystem::path out_, path_;
  FolderLock lock_;
};

}  // namespace noisescope::cli
