// `noisescope verify`: every explanation method against the world where the truth is known.
#pragma once

#include "noisescope/verify/check.h"

namespace noisescope {

struct Verification {
  VerifyOptions options;
  std::vector<VerifyRow> rows;
  double seconds = 0;

  bool pass() const;  // all rows
};

/// Runs all checks on the exact worlds and, with a model of the demo world, on that too. Throws
/// ValueError for an unknown defect, ModelError for a model of other data.
/// `on_rows` hears the rows of each check when it is done.
Verification verify(const VerifyOptions& options, const TextToImage* model,
                    const Control& control = {},
                    const std::function<void(const std::vector<VerifyRow>&)>& on_rows = {});

nlohmann::ordered_json to_json(const Verification& verification);

}  // namespace noisescope
