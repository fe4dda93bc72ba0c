#include "noisescope/explain/prediction_tests.h"

#include "noisescope/core/format.h"
#include "noisescope/report/pages/pages.h"

namespace noisescope::report {
namespace {

constexpr const char* kPredictionProse =
    "Whether the prompt leaves a pattern in it is tested against permuted prompts: new runs of the versions of the "
    "first word are asked again with each other's prompts. On the exact world the own prompts are found in at least "
    "90 % of tests, strangers' prompts in 5 %.";

}  // namespace

Page prediction_tests_page(const PageContext& context) {
  const auto& found = context.answer.as<PredictionTestsOfWord>();
  Page out{{"Does the prompt leave a pattern in the predicted noise?", kPredictionProse, {}, {}, {}, {}}};
  Table table{
      "Predicted noise under the own prompt against permuted prompts (versions of \"" + found.word + "\", " +
          std::to_string(found.pictures) +
          " trajectories): the step where each statistic differs most; p corrected over all steps and statistics.",
      {"statistic", "log-SNR", "z (0: no difference)", "p"},
      {}};
  for (size_t t = 0; t < found.tests.names.size(); ++t) {
    const auto at = static_cast<int64_t>(t);
    const auto step = found.tests.z.select(1, at).abs().argmax().item<int64_t>();
    const double log_snr = found.log_snrs[static_cast<size_t>(step)];
    const double z = found.tests.z[step][at].item<double>(), p = found.tests.corrected[step][at].item<double>();
    table.rows.push_back(
        {found.tests.names[t], format_text("{:.1f}", log_snr), format_text("{:.1f}", z), format_text("{:.3f}", p)});
    out.json["statistics"].push_back({{"statistic", found.tests.names[t]}, {"log_snr", log_snr}, {"z", z}, {"p", p}});
  }
  out.section.tables.push_back(std::move(table));
  return out;
}

}  // namespace noisescope::report
