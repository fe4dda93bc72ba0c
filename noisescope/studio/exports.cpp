#include "noisescope/studio/exports.h"

#include "noisescope/core/format.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/report/figures.h"
#include "noisescope/studio/drawing.h"
#include "noisescope/studio/planes.h"
#include "noisescope/studio/refusal.h"
#include "noisescope/studio/why_report.h"
#include "noisescope/viz/animation.h"
#include "noisescope/viz/panels.h"
#include "noisescope/viz/report.h"

namespace noisescope::studio {
namespace {

Branch finished(const Studio& studio, int64_t id) {
  Branch branch = studio.tree.of(id);
  if (!branch.trajectory) throw NotNow("[studio.exports] expected a finished branch; wait until it is drawn");
  return branch;
}

void check_picture_of(const Branch& branch, int64_t picture) {
  if (picture >= 0 && picture < branch.request.pictures) return;
  throw NotThere(
      format_text("[studio.exports] there is no picture {}; the branch has {}", picture, branch.request.pictures));
}

Film film(const Studio& studio, const Branch& branch, int64_t picture) {
  check_picture_of(branch, picture);
  return trajectory_film(branch.steps, picture, branch.prompt, studio.model.schedule);
}

/// Its name, else what was changed, else what was drawn.
std::string title_of(const Branch& branch) {
  if (!branch.name.empty()) return branch.name;
  return branch.what.empty() ? format_text("{}, seed {}", branch.prompt, branch.request.seed) : branch.what;
}

/// From which branch it came and by what.
std::string origin_of(const Studio& studio, const Branch& branch) {
  return "From " + in_quotes(title_of(studio.tree.of(branch.parent))) + ": " + branch.what + ".";
}

/// The finished pictures side by side.
Image pictures_of_branch(const Branch& branch) {
  PanelRow row;
  const Tensor pictures = branch.trajectory->pictures().to(torch::kCPU);
  for (int64_t b = 0; b < pictures.size(0); ++b)
    row.panels.push_back(picture_panel(pictures[b], format_text("noise {}", b)));
  return panel_rows({row});
}

Section section_of(const Studio& studio, const Branch& branch) {
  Section section{title_of(branch), "\"" + branch.prompt + "\"", {}, {}, {}, {}};
  if (branch.change()) section.prose += "\n\n" + origin_of(studio, branch);
  section.figures = {png_figure(pictures_of_branch(branch), "The pictures of the branch", "The pictures, one a noise."),
                     png_figure(film_strip(film(studio, branch, 0)), "Steps of the first picture",
                                "The first picture: noise falls from left to right.")};
  section.preformatted = branch.recipe.dump(2);
  return section;
}

}  // namespace

std::string png_of(const Studio& studio, int64_t id, int64_t state, const std::string& plane, int64_t picture) {
  const Branch branch = studio.tree.of(id);
  const Image image = plane_image(branch, state, plane, picture);
  return encode_png(image, {{"prompt", branch.prompt},
                            {"model", studio.model.name},
                            {"recipe", branch.recipe.dump()},
                            {"state", std::to_string(state)},
                            {"plane", plane},
                            {"picture", std::to_string(picture)}});
}

std::string film_of(const Studio& studio, int64_t id, int64_t picture) {
  return encode_animation("webp", film_frames(film(studio, finished(studio, id), picture)));
}

Json export_of(const Studio& studio, int64_t id) {
  const Branch branch = finished(studio, id);
  Json json = branch_json(studio, branch);
  const StateBytes last = state_bytes(branch, branch.step_count());
  const auto plane = last.bytes.size() / kPlanes.size();
  Json pixels = Json::array();
  for (size_t i = 0; i < plane; ++i) pixels.push_back(static_cast<uint8_t>(last.bytes[i]));
  json["model"] = studio.model.name;
  json["pixels"] = std::move(pixels);
  return json;
}

std::string report_of(const Studio& studio, const std::vector<int64_t>& branches) {
  Report report{"Branches of one drawing", studio.model.name, {}};
  for (const int64_t id : branches) {
    const Branch branch = finished(studio, id);
    report.sections.push_back(section_of(studio, branch));
    for (const auto& why : studio.results.whys_of(id)) report.sections.push_back(why_section(*why, branch));
  }
  if (report.sections.empty()) throw NotThere("[studio.exports] expected branches to report, got none");
  return to_html(report);
}

}  // namespace noisescope::studio
