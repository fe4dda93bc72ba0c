#include "noisescope/explain/noise_transplant.h"

#include "noisescope/core/format.h"
#include "noisescope/report/estimate_text.h"
#include "noisescope/report/pages/pages.h"

namespace noisescope::report {
namespace {

constexpr const char* kTransplantProse =
    "The block of first noise under the left object of one picture is pasted into the noise of another one at the same "
    "place. Does the object move there? A random block of the same size is the control; on the exact fine world an "
    "object follows its own block several times as often.";

}  // namespace

Page noise_transplant_page(const PageContext& context) {
  const auto& found = context.answer.as<Transplant>();
  Page out{{"Does an object follow its noise?", kTransplantProse, {}, {}, {}, {}}};
  const Tensor moved = found.moved(), control = found.moved_by_control();
  const int64_t n = moved.size(0);
  out.json["eligible_pairs"] = n;
  if (n == 0) {
    out.section.prose += "\n\nNo pair could tell: the recipient's object was already there, or none was found.";
    return out;
  }
  const Estimate own = wilson(moved.sum().item<int64_t>(), n), random = wilson(control.sum().item<int64_t>(), n);
  out.json["own_block"] = to_json(own);
  out.json["random_block"] = to_json(random);
  out.section.tables.push_back({format_text("Share of {} pairs in which the left object came to the donor's place (IoU "
                                            "at least {:g}), with 95 % intervals.",
                                            n, found.overlap),
                                {"block pasted", "object came"},
                                {{"the donor's", fixed_text(own)}, {"a random one", fixed_text(random)}}});
  return out;
}

}  // namespace noisescope::report
