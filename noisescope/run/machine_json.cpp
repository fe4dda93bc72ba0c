#include "noisescope/run/machine_json.h"

namespace noisescope::run {

nlohmann::ordered_json machine_json(const MachineUse& use) {
  nlohmann::ordered_json json = {{"cores", use.cores}, {"threads", use.threads}};
  if (use.seconds == 0) return json;
  json["others_cores"] = use.others_seconds / use.seconds;
  json["fewer_threads_share"] = use.fewer_seconds / use.seconds;
  if (use.was_busy()) json["note"] = busy_note(use);
  return json;
}

}  // namespace noisescope::run
