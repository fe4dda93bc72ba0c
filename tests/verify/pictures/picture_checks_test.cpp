#include <algorithm>
#include <cmath>
#include <filesystem>

#include <ATen/ops/roll.h>
#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/data/data_options.h"
#include "noisescope/data/families.h"
#include "noisescope/verify/pictures/asked_pictures.h"
#include "noisescope/verify/pictures/picture_levels.h"
#include "noisescope/verify/planted_error.h"

namespace noisescope {
namespace {

/// Pictures of 8 px, each random; captioned by `captions`.
ImageSamples random_pictures(const std::vector<std::string>& captions) {
  ImageSamples samples;
  samples.name = "random";
  const auto count = static_cast<int64_t>(captions.size());
  const Tensor uniform = Random(3).uniform(Purpose::scene, 0, sample_range(0, count), {3, 8, 8});
  samples.pixels = (uniform * 255).to(torch::kUInt8);
  for (const std::string& caption : captions) {
    samples.caption_rows.push_back({samples.captions.add(caption)});
    samples.parts.push_back(Part::train);
    samples.file_names.push_back(caption);
  }
  return samples;
}

/// Things in four colours that are coloured in one corner of their own.
std::shared_ptr<const ImageDataset> coloured_things() {
  const std::vector<std::string> colours = {"red", "green", "blue", "black"};
  std::vector<std::string> captions;
  for (const char* thing : {"large heart", "small circle", "lone square", "old heart", "new circle", "odd square"}) {
    const std::string words = thing;
    const size_t space = words.find(' ');
    for (const std::string& colour : colours) {
      captions.push_back(words.substr(0, space) + " " + colour + words.substr(space));
    }
  }
  ImageSamples samples = random_pictures(captions);
  for (int64_t i = 0; i < samples.pixels.size(0); ++i) {
    const Tensor picture = samples.pixels[i];
    const Tensor corner = picture.slice(1, 0, 4).slice(2, i / 4 % 2 * 4, i / 4 % 2 * 4 + 4).clone();
    picture.copy_(samples.pixels[i / 4 * 4]);
    picture.slice(1, 0, 4).slice(2, i / 4 % 2 * 4, i / 4 % 2 * 4 + 4).copy_(corner);
  }
  return std::make_shared<const ImageDataset>(std::move(samples));
}

/// Pictures whose captions have no words in common, two of them with the same caption.
std::shared_ptr<const ImageDataset> strangers(int64_t count) {
  std::vector<std::string> captions;
  for (int64_t i = 0; i < count; ++i) captions.push_back("thing" + std::to_string(std::max<int64_t>(1, i)));
  return std::make_shared<const ImageDataset>(random_pictures(captions));
}

VerifyRows rows_under(const std::shared_ptr<const ImageDataset>& data, const Seams& seams,
                      const std::vector<std::string>& checks = {}) {
  return run_picture_checks({.checks = checks}, data, seams).rows;
}

/// Whether some row whose figure begins so falls short; fails the test where there is no such row.
bool falls(const VerifyRows& rows, const std::string& figure) {
  bool some = false, found = false;
  for (const VerifyRow& row : rows) {
    if (!row.figure.starts_with(figure)) continue;
    found = true;
    some |= !row.pass();
  }
  EXPECT_TRUE(found) << figure;
  return some;
}

TEST(PictureChecks, AllRowsHoldOnWordsOfFamilies) {
  const VerifyRows rows = rows_under(coloured_things(), {});
  for (const VerifyRow& row : rows) EXPECT_TRUE(row.pass()) << to_table({row});
  EXPECT_FALSE(falls(rows, "map of 8 paths: AUC against the pixels that change"));
  for (const PictureCheck& check : picture_checks()) {
    EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.method == check.id; }))
        << check.id;
  }
}

TEST(PictureChecks, AllRowsHoldOnCaptionsWithoutFamilies) {
  for (const VerifyRow& row : rows_under(strangers(20), {})) EXPECT_TRUE(row.pass()) << to_table({row});
}

// All emoji of Debian's font, as `noisescope verify --data emoji` takes them.
TEST(SlowPictureChecks, AllRowsHoldOnEmoji) {
  DataOptions emoji;
  emoji.kind = DataKind::emoji;
  emoji.emoji.held_out = 0;
  if (!std::filesystem::exists(emoji.emoji.font)) GTEST_SKIP() << "needs fonts-noto-color-emoji";
  LoadReport report;
  const auto data = std::dynamic_pointer_cast<const ImageDataset>(open_dataset(emoji, {}, report).dataset);
  for (const VerifyRow& row : rows_under(data, {})) EXPECT_TRUE(row.pass()) << to_table({row});
}

TEST(PictureChecks, RunOnTheFewestPicturesWithTwoCaptions) {
  const VerifyRows rows = rows_under(strangers(3), {});
  EXPECT_FALSE(falls(rows, "p of each picture"));
  EXPECT_FALSE(falls(rows, "of captions: farthest"));
}

TEST(PictureChecks, EvidenceDoubledIsNoticed) {
  const Seams doubled = of_log_posterior([](const Evidence& e) { return 2 * e.log_posterior; });
  const VerifyRows rows = rows_under(coloured_things(), doubled, {"evidence"});
  EXPECT_TRUE(falls(rows, "decision curve: RMSE"));
  EXPECT_TRUE(falls(rows, "map half way: total off"));
}

TEST(PictureChecks, NoiseLevelMisreadByAFifthIsNoticed) {
  for (const double factor : {1.2, 1 / 1.2}) {
    const VerifyRows rows = rows_under(coloured_things(), misread_noise_level(factor));
    EXPECT_TRUE(falls(rows, "estimate, with prompt and without: worst pixel off")) << factor;
    EXPECT_TRUE(falls(rows, "top variance where half is known")) << factor;
    EXPECT_FALSE(falls(rows, "p of each picture: worst difference")) << "the truth is never broken";
  }
}

TEST(PictureChecks, PromptOverstatedIsNoticed) {
  const VerifyRows rows = rows_under(coloured_things(), amplify_prompt(1.5), {"evidence"});
  EXPECT_TRUE(falls(rows, "decision curve: RMSE"));
}

TEST(PictureChecks, PromptUnheardIsNoticed) {
  Seams unheard;
  unheard.guidance = [](GuidanceOptions guidance) {
    guidance.scale = 0;
    return guidance;
  };
  EXPECT_TRUE(falls(rows_under(coloured_things(), unheard, {"guidance_information"}), "total of the caption: off"));
}

TEST(PictureChecks, ShiftedMaskIsNoticed) {
  Seams shifted;
  shifted.masks = [](const Tensor& masks) { return at::roll(masks, {3}, {2}); };
  EXPECT_TRUE(falls(rows_under(coloured_things(), shifted, {"evidence"}), "map of 8 paths: AUC against"));
}

TEST(PictureChecks, OwnVersionMistakenIsNoticed) {
  Seams mistaken;
  mistaken.contrast = [](Contrast contrast) {
    contrast.true_version = (contrast.true_version + 1) % contrast.conditions.size(0);
    return contrast;
  };
  EXPECT_TRUE(falls(rows_under(coloured_things(), mistaken, {"evidence"}), "realised total"));
}

TEST(PictureChecks, DecisionsMovedByHalfAUnitAreNoticed) {
  Seams late;
  late.decided = [](DecisionWindows windows) {
    std::rotate(windows.nats.rbegin(), windows.nats.rbegin() + 8, windows.nats.rend());
    return windows;
  };
  EXPECT_TRUE(falls(rows_under(coloured_things(), late, {"decision_windows"}), "nats decided by each level"));
}

TEST(PictureChecks, RefusesWhatCannotBeAsked) {
  const auto refusal = [](const VerifyOptions& options, const std::shared_ptr<const ImageDataset>& data) {
    try {
      run_picture_checks(options, data);
    } catch (const ValueError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refusal({}, strangers(2)).find("two different captions"), std::string::npos);
  EXPECT_NE(refusal({.checks = {"u-turn"}}, strangers(4)).find("did you mean 'u_turn'?"), std::string::npos);
  EXPECT_NE(refusal({.defect = "shifted-prompt"}, strangers(4)).find("two-object worlds"), std::string::npos);
}

TEST(AskedPictures, WordsOfFamiliesHaveTheMaskOfTheirDifference) {
  const auto data = coloured_things();
  const PictureDenoiser truth(given_pictures(*data, sample_range(0, data->size())));
  const PictureContext context{{{}, {}, {}, [](const VerifyPicture&) {}}, data, truth, exact_model(truth)};
  const std::vector<AskedPicture> asked = asked_pictures(context, 10);
  ASSERT_EQ(asked.size(), 10u);
  for (const AskedPicture& one : asked) {
    EXPECT_EQ(one.contrast.prompts.size(), 3u);
    EXPECT_EQ(one.contrast.prompts[static_cast<size_t>(one.contrast.true_version)],
              context.captions({one.sample}).front());
    EXPECT_FALSE(one.mask.slice(0, 4, 8).any().item<bool>());
    EXPECT_GT(one.mask.sum().item<int64_t>(), 10);
    EXPECT_LE(one.mask.sum().item<int64_t>(), 16);
  }
}

TEST(PictureLevels, TwoPicturesTellAThousandthOfANatWhereNoiseHidesThem) {
  // Mutual information of a fair bit seen at x = +-d/2 + sigma eps, by quadrature.
  const double distance = 3, sigma = std::exp(-hiding_log_snr(distance * distance) / 2);
  double nats = 0;
  constexpr int kSteps = 20000;
  for (int i = 0; i < kSteps; ++i) {
    const double eps = -8 + 16 * (i + 0.5) / kSteps, x = distance / 2 + sigma * eps;
    const double p = 1 / (1 + std::exp(-x * distance / (sigma * sigma)));
    nats += 16.0 / kSteps * std::exp(-eps * eps / 2) / std::sqrt(2 * M_PI) * std::log(2 * p);
  }
  EXPECT_NEAR(nats, 0.001, 0.00005);
}

}  // namespace
}  // namespace noisescope
