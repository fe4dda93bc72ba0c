// Checks of the methods on given captioned pictures: their exact model (world/picture_denoiser.h) is known in closed
// form, so that whoever has pictures sees on these whether the methods hold, without a trained network.
#pragma once

#include <memory>

#include "noisescope/data/image_dataset.h"
#include "noisescope/model/model.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/verify.h"

namespace noisescope::verify {

/// What an order of samples, or noise, is drawn for: each has its own. `strangers` and `shown` take every second number
/// from theirs on, the noise of groups and levels all from theirs on.
enum class Drawn : uint64_t {
  spread = 1,
  asked = 2,
  other_captions = 3,
  prompts = 4,
  sampled_pictures = 5,
  turned = 6,
  guided = 9,
  uncertain = 10,
  uncertain_noise = 11,
  shown = 12,
  strangers = 13,
  half_known_noise = 7000,
  denoiser_noise = 8000,
  prediction_noise = 20000,
  decision_noise = 100000,
};

/// The number of the stream `offset` behind that of a purpose.
constexpr uint64_t stream(Drawn drawn, uint64_t offset = 0) { return static_cast<uint64_t>(drawn) + offset; }

/// What checks on given pictures have at hand.
struct PictureContext : CheckSetting {
  std::shared_ptr<const ImageDataset> data;
  PictureDenoiser truth;  // of all its pictures, never broken
  Model exact;            // of the same; a planted defect is in it

  int64_t size() const { return truth.size(); }
  Random random() const { return Random(options.seed); }
  /// Samples of the data as pictures [n, C, S, S] float64.
  Tensor pictures(const std::vector<int64_t>& samples) const;
  /// The first caption of each.
  std::vector<std::string> captions(const std::vector<int64_t>& samples) const;
  /// All samples in an order of their own for each number (`stream` above).
  std::vector<int64_t> shuffled(uint64_t number) const;
  /// `count` samples in that order, which starts again where there are no more.
  std::vector<int64_t> some(int64_t count, uint64_t number) const;
  /// Condition rows of "no prompt", [count, N].
  Tensor null_condition(int64_t count) const { return truth.null_condition().expand({count, -1}); }
};

struct PictureCheck {
  std::string id;  // of a method, or of what is sampled and evaluated: "picture_denoiser", "sampling"
  std::function<VerifyRows(const PictureContext&)> run;
};

VerifyRows check_picture_denoiser(const PictureContext& context);
VerifyRows check_sampling_of_pictures(const PictureContext& context);
VerifyRows check_evidence_of_pictures(const PictureContext& context);
VerifyRows check_decision_windows_of_pictures(const PictureContext& context);
VerifyRows check_guidance_information_of_pictures(const PictureContext& context);
VerifyRows check_u_turn_of_pictures(const PictureContext& context);
VerifyRows check_posterior_uncertainty_of_pictures(const PictureContext& context);
VerifyRows check_prediction_tests_of_pictures(const PictureContext& context);

/// All of them, the model first.
const std::vector<PictureCheck>& picture_checks();

/// Runs the checks of `options` on the exact model of all pictures of `data`; an error gets in by `seams`. Throws
/// ValueError for pictures that do not have two different captions at least (there would be nothing to decide), for
/// unknown ids of checks, and for a defect by name (those of verify/defect.h are of the two-object worlds).
Verification run_picture_checks(const VerifyOptions& options, std::shared_ptr<const ImageDataset> data,
                                const Seams& seams = {}, const Control& control = {},
                                const CheckObserver& on_check = {});

}  // namespace noisescope::verify
