// Calibration of a run's evidence (explain/calibration.h), kept in the run folder as calibration.json.
#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include "noisescope/model/calibration.h"
#include "noisescope/model/text_to_image.h"
#include "noisescope/run/clip_stage.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::run {

/// Asks one word of each of `config.calibration.pictures` held-out pictures' captions, in turn, against its
/// alternatives in the data's vocabulary, of the captions that leave fewest of these words open; where there is no
/// vocabulary, each caption against three of other pictures. Along one
/// path a picture, as evidence is asked by default. Writes folder.calibration(). Throws DataError for fewer than 8
/// pictures with captions, or captions that are all the same.
Calibration calibrate_run(const TextToImage& model, const RunConfig& config, const RunData& data,
                          const RunFolder& folder, const Control& control);

/// {"format": 2, "questions", "is_needed", "log_snr_min", "log_snr_max", "common": W, "kinds": {kind: W}, "as_claimed":
/// [...], "calibrated": [...]}, W = {"questions", "noisy", "clean", "covariance", "log_score_gain", "weights":
/// [{log_snr, value, low, high}]}.
nlohmann::ordered_json calibration_json(const Calibration& calibration);

/// That of the run folder; none where there is no such file, or one of an earlier format, which knew no kinds of words
/// and was not used unless asked for. Throws FormatError naming file and key.
std::optional<Calibration> load_calibration(const RunFolder& folder);

}  // namespace noisescope::run
