// `noisescope verify`: every explanation method against the world where the truth is known.
#pragma once

#include "noisescope/verify/check.h"

namespace noisescope::verify {

struct Verification {
  VerifyOptions options;
  std::vector<VerifyRow> rows;
  std::vector<VerifyPicture> pictures;
  double seconds = 0;

  bool pass() const;  // all rows
};

/// Hears of a check when it is done.
using CheckObserver = std::function<void(const std::string& check, const std::vector<VerifyRow>& rows, double seconds)>;

/// Runs the checks on the exact worlds and, where `trained` is not null, on a network of the demo world.
/// With a planted defect only the check that it concerns runs. Throws ValueError for unknown names of
/// defects and ids of checks, with the nearest.
Verification run_checks(const VerifyOptions& options, const Model* trained, const Control& control = {},
                        const CheckObserver& on_check = {});

/// The same at the seams given, with the n of no defect.
Verification run_checks(const VerifyOptions& options, const Seams& seams, const Model* trained,
                        const Control& control = {}, const CheckObserver& on_check = {});

/// The ids of checks that are `wanted`, all that are known where none is. Throws ValueError for one that is not known,
/// with the nearest.
std::vector<std::string> chosen_checks(const std::vector<std::string>& wanted, const std::vector<std::string>& known);

/// Runs one check, and keeps its rows and its seconds.
void run_check(Verification& verification, const std::string& id, const std::function<VerifyRows()>& check,
               const CheckObserver& on_check);

nlohmann::ordered_json to_json(const Verification& verification);

}  // namespace noisescope::verify
