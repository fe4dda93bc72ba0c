// `noisescope verify`: every explanation method against the world where the truth is known.
#pragma once

#include "noisescope/verify/check.h"

namespace noisescope {

struct Verification {
  VerifyOptions options;
  std::vector<VerifyRow> rows;
  std::vector<VerifyPicture> pictures;
  double seconds = 0;

  bool pass() const;  // all rows
};

/// Runs all checks on the exact worlds and, where `trained` is not null, on a network of the demo world.
/// With a planted defect only the check that it concerns runs; throws ValueError for an unknown one.
/// `on_rows` hears the rows of each check when it is done.
Verification verify(const VerifyOptions& options, const Subject* trained,
                    const Control& control = {},
                    const std::function<void(const std::vector<VerifyRow>&)>& on_rows = {});

nlohmann::ordered_json to_json(const Verification& verification);

}  // namespace noisescope
