#include "noisescope/explain/inversion.h"

#include "noisescope/core/format.h"
#include "noisescope/report/estimate_text.h"
#include "noisescope/report/pages/pages.h"
#include "noisescope/viz/panels.h"

namespace noisescope::report {
namespace {

constexpr const char* kInversionProse =
    "Which noise would have led to this picture? DDIM inversion runs the deterministic sampler backwards; what it "
    "draws from the noise it found differs from the picture by an error that falls with the number of steps, "
    "to what the network itself gets wrong. The "
    "edit-friendly inversion finds noise for every step with which the stochastic sampler draws the picture "
    "again, to rounding.\n\n"
    "DDIM's noise is not white: it is less diverse where the picture is smooth (log variance ratio below 0), which "
    "noise that the sampler was given never is; and of a picture without a grain of its own it is far too small, "
    "since there is nothing to invert. The exact denoiser shows both: they are the method's.";

}  // namespace

Page inversion_page(const PageContext& context) {
  const auto& found = context.answer.as<InversionOfPictures>();
  Page out{{"Which noise leads to the picture", kInversionProse, {}, {}, {}, {}}};
  Table table{
      "Root mean square error of the reconstruction, pixel units (pictures span 2).", {"inversion", "error"}, {}};
  for (size_t k = 0; k < found.steps.size(); ++k) {
    const PictureFigure error(found.ddim_error[static_cast<int64_t>(k)]);
    table.rows.push_back({format_text("DDIM, {} steps", found.steps[k]), error.text()});
    out.json["ddim"].push_back({{"steps", found.steps[k]}, {"error", error.json()}});
  }
  const PictureFigure friendly(found.edit_friendly_error), size(found.noise_size), deficit(found.smooth_deficit);
  table.rows.push_back({format_text("edit-friendly, {} steps", found.steps.front()), friendly.text()});
  out.json["ddim_noise_size"] = size.json();
  out.json["edit_friendly_error"] = friendly.json();
  out.json["smooth_deficit_log_ratio"] = deficit.json();
  out.section.numbers = {
      size.number("size of DDIM's noise", "root mean square; 1 for the noise that a sampler is given"),
      deficit.number("log variance ratio, smooth over other pixels",
                     "of the noise that DDIM inversion finds, in pictures with pixels of both kinds; 0 for noise that "
                     "knows nothing of the picture")};
  out.section.tables.push_back(std::move(table));
  out.add_png("inversion.png",
              panel_rows({{"",
                           {picture_panel(context.subject.picture, "picture"),
                            signed_panel(found.noise[0].mean(0), "DDIM's noise for it", "mean of channels")}}}),
              "The picture and the noise that DDIM inversion finds for it",
              "White noise shows no trace of the picture; what is seen of it here is the deficit.");
  return out;
}

}  // namespace noisescope::report
