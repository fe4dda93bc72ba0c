// What evidence filtering is asked on given pictures, and what is exact along the same paths.
#pragma once

#include "noisescope/explain/decision_windows.h"
#include "noisescope/verify/pictures/picture_check.h"

namespace noisescope::verify {

/// A picture, and its caption with alternatives.
struct AskedPicture {
  int64_t sample = 0;  // of the data
  PromptContrast contrast;
  Tensor mask = {};  // [S, S] bool: where the pictures of the alternatives differ from it; undefined where not known
};

/// Up to `count` pictures in an order drawn by the seed: words whose alternatives the data know (data/families.h),
/// with the pixels in which these pictures differ; where fewer than 8 pictures have such words, captions against
/// others. Each in at most three versions; by their number.
std::vector<AskedPicture> asked_pictures(const PictureContext& context, int64_t count);

/// The level above which noise hides which version is true, by the mean squared distance between a picture and those of
/// its alternatives.
double hidden_versions_log_snr(const PictureContext& context, const std::vector<AskedPicture>& asked);

/// How they are asked.
struct PathsOfPictures {
  EvidenceOptions levels;
  int64_t paths = 1;         // of each picture
  int64_t first_path = 0;    // paths are of noise first_path, first_path + 1, ...
  bool exact = true;         // whether the truth is asked, too
  int64_t version_said = 0;  // so many places behind the true one in the list: 0: the true one is said
};

/// B paths, those of one picture beside each other; N levels. float64.
struct FilteredPaths {
  std::vector<double> log_snrs;  // [N]
  Tensor own, exact_own;  // [N, B] p of the version that is said: by the filter, and the exact one at the same x (0
                          // where it is not asked)
  Tensor whole;           // [B] ln K
  Tensor map;             // [B, S, S] nats

  /// What the path has decided for the version that is said, exactly: ln p + ln K at its end, [B] nats.
  Tensor decided() const { return exact_own[-1].clamp_min(1e-300).log() + whole; }
};

/// Evidence of the model with its planted defect, beside the truth.
FilteredPaths filtered_paths(const PictureContext& context, const std::vector<AskedPicture>& asked,
                             const PathsOfPictures& paths);

/// p of the versions of a contrast [K, B or 1, N] from p of each picture where all are alike before [B, N], [B, K].
Tensor exact_versions(const Tensor& of_pictures, const Tensor& conditions);

}  // namespace noisescope::verify
