#include "noisescope/run/calibrate_run.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/explain/calibration.h"
#include "noisescope/explain/decision_windows.h"
#include "noisescope/io/file.h"
#include "noisescope/run/held_out_pictures.h"
#include "noisescope/run/train_run.h"

namespace noisescope::run {
namespace {

using nlohmann::ordered_json;

constexpr size_t kFewestPictures = 8;
constexpr size_t kOtherCaptions = 3;

/// Apart from the noise of everything else that the run's seed draws.
constexpr uint64_t kCalibrationStream = 0x63616c6962;

ordered_json bins_json(const std::vector<ReliabilityBin>& bins) {
  ordered_json out = ordered_json::array();
  for (const ReliabilityBin& bin : bins) {
    out.push_back(
        {{"claimed", bin.claimed}, {"share", bin.share}, {"low", bin.low}, {"high", bin.high}, {"claims", bin.claims}});
  }
  return out;
}

std::vector<ReliabilityBin> bins_of(const ordered_json& bins) {
  std::vector<ReliabilityBin> out;
  for (const ordered_json& bin : bins) {
    out.push_back({bin.at("claimed").get<double>(), bin.at("share").get<double>(), bin.at("low").get<double>(),
                   bin.at("high").get<double>(), bin.at("claims").get<int64_t>()});
  }
  return out;
}

/// Throws ordered_json::exception for what is not there or has another type.
Calibration calibration_of(const ordered_json& file) {
  Calibration c;
  file.at("log_snr_min").get_to(c.log_snr_min);
  file.at("log_snr_max").get_to(c.log_snr_max);
  file.at("noisy").get_to(c.noisy);
  file.at("clean").get_to(c.clean);
  file.at("covariance").get_to(c.covariance);
  file.at("questions").get_to(c.questions);
  const ordered_json& gain = file.at("log_score_gain");
  c.gain = {gain.at("value").get<double>(), gain.at("low").get<double>(), gain.at("high").get<double>()};
  c.as_claimed = bins_of(file.at("as_claimed"));
  c.calibrated = bins_of(file.at("calibrated"));
  return c;
}

/// Weights at whole log-SNRs, for people.
ordered_json weights_json(const Calibration& c) {
  ordered_json out = ordered_json::array();
  for (double log_snr = std::ceil(c.log_snr_min); log_snr <= c.log_snr_max; ++log_snr) {
    const double weight = c.fitted_at(log_snr), half = 1.96 * c.error_at(log_snr);
    out.push_back({{"log_snr", log_snr}, {"value", weight}, {"low", weight - half}, {"high", weight + half}});
  }
  return out;
}

}  // namespace

ordered_json calibration_json(const Calibration& c) {
  return {{"questions", c.questions},
          {"is_needed", c.is_needed()},
          {"log_snr_min", c.log_snr_min},
          {"log_snr_max", c.log_snr_max},
          {"noisy", c.noisy},
          {"clean", c.clean},
          {"covariance", c.covariance},
          {"weights", weights_json(c)},
          {"log_score_gain", {{"value", c.gain.value}, {"low", c.gain.low}, {"high", c.gain.high}}},
          {"as_claimed", bins_json(c.as_claimed)},
          {"calibrated", bins_json(c.calibrated)}};
}

Calibration calibrate_run(const TextToImage& model, const RunConfig& config, const RunData& data,
                          const RunFolder& folder, const Control& control) {
  const auto [indices, captions] = held_out_pictures(data, config.calibration.pictures);
  if (indices.size() < kFewestPictures) {
    throw DataError(
        format_text("[run.calibrate_run] expected at least {} held-out pictures with captions, got {}; add "
                    "pictures, raise calibration.pictures, or set it to 0 to leave evidence as it is",
                    kFewestPictures, indices.size()));
  }
  const Model asked = run_model(model, config, folder);
  EvidenceOptions levels;
  levels.log_snr_max = std::min(levels.log_snr_max, asked.log_snr_max);
  std::vector<WordQuestion> questions = one_word_each(asked, captions);
  if (questions.size() < kFewestPictures) questions = captions_against_others(captions, kOtherCaptions);
  if (questions.empty()) {
    throw DataError("[run.calibrate_run] expected pictures whose captions differ, got \"" + captions.front() +
                    "\" of all; raise calibration.pictures, or set it to 0 to leave evidence as it is");
  }
  const Calibration calibration = fit_calibration(
      evidence_of_questions(asked, {data.dataset->images(indices).to(model.device()), questions}, levels,
                            Random(static_cast<uint64_t>(config.seed) ^ kCalibrationStream), control));
  write_file_atomic(folder.calibration(), calibration_json(calibration).dump(2));
  return calibration;
}

std::optional<Calibration> load_calibration(const RunFolder& folder) {
  if (!std::filesystem::exists(folder.calibration())) return std::nullopt;
  const auto refuse = [&](const std::string& found) -> FormatError {
    return FormatError("[run.load_calibration] expected what 'noisescope calibrate' writes in " +
                       folder.calibration().string() + ", got " + found + "; delete it, or run that command again");
  };
  Calibration c;
  try {
    c = calibration_of(ordered_json::parse(read_file(folder.calibration())));
  } catch (const ordered_json::exception& error) {
    throw refuse(error.what());
  }
  const auto weight = [](double w) { return std::isfinite(w) && w >= 0; };
  if (!weight(c.noisy) || !weight(c.clean) || !(c.log_snr_min < c.log_snr_max)) {
    throw refuse(
        format_text("weights {} and {} from log-SNR {} to {}", c.noisy, c.clean, c.log_snr_min, c.log_snr_max));
  }
  return c;
}

}  // namespace noisescope::run
