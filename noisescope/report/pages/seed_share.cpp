#include "noisescope/explain/seed_share.h"

#include "noisescope/core/format.h"
#include "noisescope/report/estimate_text.h"
#include "noisescope/report/pages/pages.h"

namespace noisescope::report {
namespace {

constexpr const char* kShareProse =
    "Of the variance of what a picture shows, over a grid of seeds and versions of one word: the shares of seed, "
    "prompt "
    "and interaction. A share that is truly 0 is estimated below 0 half of the time.";

}  // namespace

Page seed_share_page(const PageContext& context) {
  const auto& found = context.answer.as<SeedShare>();
  Page out{{"Seed or prompt", kShareProse, {}, {}, {}, {}}};
  Table table{
      format_text("Shares of the variance over {} seeds and {} prompts (from \"", found.seeds, found.prompts.size()) +
          found.prompts[0] + "\"), with 95 % intervals.",
      {"word", "seed", "prompt", "interaction"},
      {}};
  const VarianceShares& shares = found.shares;
  for (size_t f = 0; f < context.subject.contrasts.size(); ++f) {
    const auto at = static_cast<int64_t>(f);
    const auto share = [&](const Tensor& value, const Tensor& error) {
      return with_error(value[at].item<double>(), error[at].item<double>(), found.seeds);
    };
    const Estimate seed = share(shares.seed, shares.seed_error), prompt = share(shares.prompt, shares.prompt_error);
    const Estimate both = share(shares.interaction, shares.interaction_error);
    const std::string& word = context.subject.contrasts[f].name;
    table.rows.push_back({word, fixed_text(seed), fixed_text(prompt), fixed_text(both)});
    out.json["words"].push_back(
        {{"word", word}, {"seed", to_json(seed)}, {"prompt", to_json(prompt)}, {"interaction", to_json(both)}});
  }
  out.section.tables.push_back(std::move(table));
  return out;
}

}  // namespace noisescope::report
