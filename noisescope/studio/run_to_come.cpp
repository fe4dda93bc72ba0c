#include "noisescope/studio/run_to_come.h"

#include "noisescope/run/run_config.h"
#include "noisescope/studio/refusal.h"
#include "noisescope/train/checkpoint.h"

namespace noisescope::studio {
namespace {

NotNow not_yet() { return NotNow(std::string("[studio.run] ") + kWaitsForCheckpoint); }

}  // namespace

const char* const kWaitsForCheckpoint =
    "this run has no checkpoint yet that could draw; the studio opens it as soon as the first is saved";

bool is_to_come(const RunFolder& folder) {
  namespace fs = std::filesystem;
  return fs::exists(folder.config()) && !fs::exists(folder.model()) &&
         list_checkpoints(folder.root / "checkpoints").empty();
}

Model model_to_come(const RunFolder& folder) {
  const int64_t side = load_run_config_of(folder).data.load.image_size_px;
  Model model;
  model.name = folder.root.filename().string();
  model.image_shape = {3, side, side};
  model.denoiser = [](const Tensor&, const Tensor&, const Tensor&) -> Tensor { throw not_yet(); };
  model.condition = [](const std::vector<std::string>&) -> Tensor { throw not_yet(); };
  return model;
}

}  // namespace noisescope::studio
