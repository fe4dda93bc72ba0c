// Noise levels that suit given pictures, whatever their size and contrast.
#pragma once

#include "noisescope/explain/evidence.h"
#include "noisescope/verify/pictures/picture_check.h"

namespace noisescope::verify {

/// The log-SNR at which two pictures, apart by the root of `squared_distance` of all pixels, tell 1/1000 nat about
/// which of them is there: noise above it hides which.
double hiding_log_snr(double squared_distance);

/// That of pictures as far apart as those of the data are on average.
double hidden_log_snr(const PictureContext& context);

/// Paths of evidence from `log_snr_min` to where all is decided, in steps as wide as
/// those that `noisescope explain` takes. Filters begin with all versions alike: what the first level has told already
/// is missing from them, so they begin where it is little.
EvidenceOptions levels_from(const PictureContext& context, double log_snr_min);

/// The noise level at which, without prompt, a noisy picture is known to be itself with probability 1/2, the mean over
/// `samples` with one noise each; linear between quarters of a unit.
double half_known_log_snr(const PictureContext& context, const std::vector<int64_t>& samples);

/// The pictures of `samples` at a noise level, with noise that depends on `number`: x [n, C, S, S] and sigma [n].
NoisyPictures noisy_pictures(const PictureContext& context, const std::vector<int64_t>& samples, double log_snr,
                             uint64_t number);

}  // namespace noisescope::verify
