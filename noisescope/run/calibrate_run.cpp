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
constexpr int64_t kLevels = 60;  // weights are linear in log-SNR: finer steps tell them no better
constexpr int kFormat = 2;       // of the file; 1 had one weight a level for all words

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

ordered_json gain_json(const ScoreGain& gain) {
  return {{"value", gain.value}, {"low", gain.low}, {"high", gain.high}};
}

ScoreGain gain_of(const ordered_json& gain) {
  return {gain.at("value").get<double>(), gain.at("low").get<double>(), gain.at("high").get<double>()};
}

/// Weights at whole log-SNRs, for people.
ordered_json weights_at_levels(const Calibration& c, const EvidenceWeights& weights) {
  ordered_json out = ordered_json::array();
  for (auto whole = std::lround(std::ceil(c.log_snr_min)); whole <= std::lround(std::floor(c.log_snr_max)); ++whole) {
    const auto log_snr = static_cast<double>(whole);
    const double weight = c.fitted_at(log_snr, weights), half = 1.96 * c.error_at(log_snr, weights);
    out.push_back({{"log_snr", log_snr}, {"value", weight}, {"low", weight - half}, {"high", weight + half}});
  }
  return out;
}

ordered_json weights_json(const Calibration& c, const EvidenceWeights& weights) {
  return {{"questions", weights.questions},
          {"noisy", weights.noisy},
          {"clean", weights.clean},
          {"covariance", weights.covariance},
          {"log_score_gain", gain_json(weights.gain)},
          {"weights", weights_at_levels(c, weights)}};
}

EvidenceWeights weights_of(const ordered_json& file) {
  EvidenceWeights weights;
  file.at("questions").get_to(weights.questions);
  file.at("noisy").get_to(weights.noisy);
  file.at("clean").get_to(weights.clean);
  file.at("covariance").get_to(weights.covariance);
  weights.gain = gain_of(file.at("log_score_gain"));
  return weights;
}

/// Throws ordered_json::exception for what is not there or has another type.
Calibration calibration_of(const ordered_json& file) {
  Calibration c;
  file.at("log_snr_min").get_to(c.log_snr_min);
  file.at("log_snr_max").get_to(c.log_snr_max);
  c.common = weights_of(file.at("common"));
  for (const auto& [kind, weights] : file.at("kinds").get<std::map<std::string, ordered_json>>()) {
    c.kinds[kind] = weights_of(weights);
  }
  c.as_claimed = bins_of(file.at("as_claimed"));
  c.calibrated = bins_of(file.at("calibrated"));
  return c;
}

/// What is wrong with weights that were read; "" where nothing is.
std::string fault_of(const Calibration& c) {
  if (!(c.log_snr_min < c.log_snr_max)) {
    return format_text("weights from log-SNR {} to {}", c.log_snr_min, c.log_snr_max);
  }
  std::vector<EvidenceWeights> all = {c.common};
  for (const auto& [kind, weights] : c.kinds) all.push_back(weights);
  for (const EvidenceWeights& weights : all) {
    for (const double w : {weights.noisy, weights.clean}) {
      if (!std::isfinite(w) || w < 0) return format_text("a weight of {}", w);
    }
  }
  return "";
}

/// How many words of a caption have alternatives that are known.
size_t words_said(const Model& model, const std::string& caption) {
  try {
    return contrasts_of(model, caption, {}, {}).size();
  } catch (const ValueError&) {  // a caption of the world that leaves all words open
    return 0;
  }
}

}  // namespace

ordered_json calibration_json(const Calibration& c) {
  ordered_json kinds = ordered_json::object();
  for (const auto& [kind, weights] : c.kinds) kinds[kind] = weights_json(c, weights);
  return {{"format", kFormat},
          {"questions", c.common.questions},
          {"is_needed", c.is_needed()},
          {"log_snr_min", c.log_snr_min},
          {"log_snr_max", c.log_snr_max},
          {"common", weights_json(c, c.common)},
          {"kinds", kinds},
          {"as_claimed", bins_json(c.as_claimed)},
          {"calibrated", bins_json(c.calibrated)}};
}

Calibration calibrate_run(const TextToImage& model, const RunConfig& config, const RunData& data,
                          const RunFolder& folder, const Control& control) {
  const Model asked = run_model(model, config, folder);
  const auto [indices, captions] = held_out_pictures(
      data, config.calibration.pictures, [&](const std::string& caption) { return words_said(asked, caption); });
  if (indices.size() < kFewestPictures) {
    throw DataError(
        format_text("[run.calibrate_run] expected at least {} held-out pictures with captions, got {}; add "
                    "pictures, raise calibration.pictures, or set it to 0 to leave evidence as it is",
                    kFewestPictures, indices.size()));
  }
  EvidenceOptions levels{.steps = kLevels};
  levels.log_snr_max = std::min(levels.log_snr_max, asked.log_snr_max);
  std::vector<WordQuestion> questions = one_word_each(asked, captions);
  if (questions.size() < kFewestPictures) questions = captions_against_others(captions, kOtherCaptions);
  if (questions.empty()) {
    throw DataError("[run.calibrate_run] expected pictures whose captions differ, got \"" + captions.front() +
                    "\" of all; raise calibration.pictures, or set it to 0 to leave evidence as it is");
  }
  const Calibration calibration =
      fit_calibration(evidence_by_kind(asked, {data.dataset->images(indices).to(model.device()), questions}, levels,
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
    const auto file = ordered_json::parse(read_file(folder.calibration()));
    if (file.is_object() && !file.contains("format") && file.contains("noisy")) return std::nullopt;
    c = calibration_of(file);
  } catch (const ordered_json::exception& error) {
    throw refuse(error.what());
  }
  if (const std::string fault = fault_of(c); !fault.empty()) throw refuse(fault);
  return c;
}

}  // namespace noisescope::run
