// A check holds one explanation method, or one metric of explanations, against what is known and reports rows. Its
// id is that of the method (explain/methods.h) or of the metric's file (explain/metric/).
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "noisescope/core/progress.h"
#include "noisescope/verify/defect.h"
#include "noisescope/verify/row.h"
#include "noisescope/verify/scene_batch.h"
#include "noisescope/world/denoiser.h"

namespace noisescope::verify {

struct VerifyOptions {
  bool full = false;  // the n of the bars instead of a reduced one
  uint64_t seed = 0;
  std::string defect = {};               // a planted defect by name; "": none
  std::vector<std::string> checks = {};  // ids of those to run; empty: all, or that of the defect
};

/// A map beside the truth, for the eye.
struct VerifyPicture {
  std::string method;
  std::string title;  // "colour word against the object"
  Tensor picture;     // [3, H, W] in [-1, 1]
  Tensor map;         // [H, W]
  Tensor truth;       // [H, W] bool
};

/// What every check has at hand. A planted defect is already in the models; everywhere else it gets in by `seen`.
struct CheckSetting {
  VerifyOptions options;
  Seams seams;  // of the planted defect, if there is one
  Control control;
  std::function<void(VerifyPicture)> show;  // takes what is to be seen; never empty

  /// n of a row: the bar's own with --full, else the reduced one; at most 64 where a defect is planted, which
  /// shows at any n.
  int64_t n(int64_t full, int64_t reduced) const {
    if (options.full) return full;
    return options.defect.empty() ? reduced : std::min<int64_t>(reduced, 64);
  }
  /// What the planted defect makes of a value that passes this seam: the value itself without one.
  template <class T>
  T seen(Seam<T> Seams::*seam, std::type_identity_t<T> value) const {
    return seams.*seam ? (seams.*seam)(std::move(value)) : value;
  }
};

/// What checks on the two-object worlds have at hand.
struct VerifyContext : CheckSetting {
  Model exact_demo, exact_fine;
  std::shared_ptr<const Model> trained;  // null: not asked for
  WorldDenoiser demo, fine;              // the truth, never broken
};

using VerifyRows = std::vector<VerifyRow>;

struct Check {
  std::string id;
  std::function<VerifyRows(const VerifyContext&)> run;
};

inline void append(VerifyRows& rows, const VerifyRows& more) { rows.insert(rows.end(), more.begin(), more.end()); }

VerifyRows check_conditioning_locality(const VerifyContext& context);
VerifyRows check_counterfactual(const VerifyContext& context);
VerifyRows check_decision_windows(const VerifyContext& context);
VerifyRows check_evidence(const VerifyContext& context);
VerifyRows check_faithfulness(const VerifyContext& context);
VerifyRows check_guidance_anatomy(const VerifyContext& context);
VerifyRows check_guidance_information(const VerifyContext& context);
VerifyRows check_guidance_sweep(const VerifyContext& context);
VerifyRows check_guidance_windows(const VerifyContext& context);
VerifyRows check_infidelity(const VerifyContext& context);
VerifyRows check_information_map(const VerifyContext& context);
VerifyRows check_inversion(const VerifyContext& context);
VerifyRows check_localisation(const VerifyContext& context);
VerifyRows check_noise_bands(const VerifyContext& context);
VerifyRows check_noise_sobol(const VerifyContext& context);
VerifyRows check_noise_tests(const VerifyContext& context);
VerifyRows check_noise_tiles(const VerifyContext& context);
VerifyRows check_noise_transplant(const VerifyContext& context);
VerifyRows check_posterior_uncertainty(const VerifyContext& context);
VerifyRows check_prediction_tests(const VerifyContext& context);
VerifyRows check_randomisation(const VerifyContext& context);
VerifyRows check_read_out(const VerifyContext& context);
VerifyRows check_rewind(const VerifyContext& context);
VerifyRows check_seed_share(const VerifyContext& context);
VerifyRows check_sensitivity(const VerifyContext& context);
VerifyRows check_spectral_emergence(const VerifyContext& context);
VerifyRows check_trajectory_geometry(const VerifyContext& context);
VerifyRows check_u_turn(const VerifyContext& context);

/// All checks, in the order of the table: methods as in methods(), then metrics.
const std::vector<Check>& checks();

}  // namespace noisescope::verify
