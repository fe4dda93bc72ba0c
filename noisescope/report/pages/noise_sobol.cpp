#include "noisescope/explain/noise_sobol.h"

#include "noisescope/core/format.h"
#include "noisescope/report/estimate_text.h"
#include "noisescope/report/pages/pages.h"

namespace noisescope::report {
namespace {

constexpr const char* kSobolProse =
    "What did the noise decide? What a picture shows is read as one number per word: its score for the word less that "
    "for the alternatives, by the model's reader. Of the variance of that number over new trajectories of this prompt: "
    "the share that the first noise, or the noise injected in a window of steps, decides alone (first order) and with "
    "all interactions (total). With a deterministic sampler all belongs to the first noise.";

}  // namespace

Page noise_sobol_page(const PageContext& context) {
  const auto& found = context.answer.as<NoiseSobol>();
  const int64_t runs = options_of<NoiseSobolQuestion>(context.settings).pictures;
  Page out{{"What the noise decided", kSobolProse, {}, {}, {}, {}}};
  Table table{
      format_text("Total Sobol indices over {} trajectories with 95 % intervals; none: the number does not vary.",
                  runs),
      {"word", "first noise"},
      {}};
  for (size_t w = 0; w + 1 < found.first_steps.size(); ++w) {
    table.header.push_back(format_text("steps {} to {}", found.first_steps[w], found.first_steps[w + 1] - 1));
  }
  const SobolIndices& s = found.indices;
  const auto index = [&](const Tensor& value, const Tensor& error, int64_t k, int64_t f) {
    return with_error(value[k][f].item<double>(), error[k][f].item<double>(), runs);
  };
  for (size_t f = 0; f < context.subject.contrasts.size(); ++f) {
    const auto at = static_cast<int64_t>(f);
    std::vector<std::string> cells = {context.subject.contrasts[f].name};
    nlohmann::ordered_json json = {{"word", cells.front()}};
    for (int64_t k = 0; k < s.total.size(0); ++k) {
      const Estimate total = index(s.total, s.total_error, k, at);
      json["first"].push_back(to_json(index(s.first, s.first_error, k, at)));
      json["total"].push_back(to_json(total));
      cells.push_back(fixed_text(total));
    }
    out.json["words"].push_back(std::move(json));
    table.rows.push_back(std::move(cells));
  }
  out.section.tables.push_back(std::move(table));
  return out;
}

}  // namespace noisescope::report
