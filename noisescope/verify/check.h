// A check holds one explanation method against the exact world and reports rows.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "noisescope/core/progress.h"
#include "noisescope/world/denoiser.h"
#include "noisescope/verify/defect.h"
#include "noisescope/verify/row.h"
#include "noisescope/verify/scene_batch.h"

namespace noisescope {

struct VerifyOptions {
  bool full = false;      // the n of the bars instead of a reduced one
  uint64_t seed = 0;
  std::string defect = {};  // a planted defect by name; "": none
  std::vector<std::string> checks = {};  // names of those to run; empty: all, or that of the defect
};

/// A map beside the truth, for the eye.
struct VerifyPicture {
  std::string method;
  std::string title;   // "colour word against the object"
  Tensor picture;      // [3, H, W] in [-1, 1]
  Tensor map;          // [H, W]
  Tensor truth;        // [H, W] bool
};

/// What checks have at hand. A planted defect is already in the subjects, and asked for elsewhere.
struct VerifyContext {
  VerifyOptions options;
  Model exact_demo, exact_fine;
  std::shared_ptr<const Model> trained;  // null: not asked for
  WorldDenoiser demo, fine;                // the truth, never broken
  Control control;
  std::function<void(VerifyPicture)> show;  // takes what is to be seen; never empty

  /// n of a row: the bar's own with --full, else the reduced one; few where a defect is planted, which
  /// shows at any n.
  int64_t n(int64_t full, int64_t reduced) const {
    if (options.full) return full;
    return options.defect.empty() ? reduced : std::min<int64_t>(reduced, 48);
  }
  bool broken(const char* defect) const { return options.defect == defect; }
};

struct Check {
  std::string name;
  std::function<std::vector<VerifyRow>(const VerifyContext&)> run;
};

std::vector<VerifyRow> check_evidence(const VerifyContext& context);
std::vector<VerifyRow> check_information(const VerifyContext& context);
std::vector<VerifyRow> check_guidance_information(const VerifyContext& context);
std::vector<VerifyRow> check_u_turn(const VerifyContext& context);
std::vector<VerifyRow> check_flips(const VerifyContext& context);
std::vector<VerifyRow> check_trajectory(const VerifyContext& context);
std::vector<VerifyRow> check_uncertainty(const VerifyContext& context);
std::vector<VerifyRow> check_noise(const VerifyContext& context);
std::vector<VerifyRow> check_windows(const VerifyContext& context);
std::vector<VerifyRow> check_inversion(const VerifyContext& context);
std::vector<VerifyRow> check_spectrum(const VerifyContext& context);
std::vector<VerifyRow> check_commitment(const VerifyContext& context);
std::vector<VerifyRow> check_read_out(const VerifyContext& context);
std::vector<VerifyRow> check_locality(const VerifyContext& context);
std::vector<VerifyRow> check_rewind(const VerifyContext& context);
std::vector<VerifyRow> check_seed_share(const VerifyContext& context);
std::vector<VerifyRow> check_noise_causes(const VerifyContext& context);
std::vector<VerifyRow> check_metrics(const VerifyContext& context);

/// All checks, in the order of the table.
const std::vector<Check>& checks();

}  // namespace noisescope
