#include "noisescope/clip/preprocess.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "noisescope/clip/pixel_values.h"
#include "noisescope/core/error.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

std::string refusal(std::string_view json) {
  try {
    parse_preprocess(json, "preprocessor_config.json");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

/// Gray pictures whose value is their position: x + 16 * y.
StoredImage numbered(int64_t width, int64_t height) {
  StoredImage stored;
  stored.mode = PixelMode::gray;
  stored.image = {.width = width, .height = height, .channels = 1, .pixels = {}};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      stored.image.pixels.push_back(static_cast<uint8_t>(x + 16 * y));
    }
  }
  return stored;
}

TEST(Preprocess, ReadsTransformersFiles) {
  const PreprocessOptions options = parse_preprocess(
      R"({"crop_size": {"height": 14, "width": 10}, "size": {"shortest_edge": 20}, "resample": 3,
          "image_mean": [0.5, 0.25, 0.5], "image_std": [1, 2, 0.5], "rescale_factor": 0.5})",
      "p");
  EXPECT_EQ(options.profile, ClipProfile::hf);
  EXPECT_EQ(options.resize, ClipResize::shortest);
  EXPECT_EQ(options.resize_width_px, 20);
  EXPECT_EQ(options.crop_width_px, 10);
  EXPECT_EQ(options.crop_height_px, 14);
  EXPECT_EQ(options.mean[1], 0.25);
  EXPECT_EQ(options.deviation[1], 2.0);
  EXPECT_EQ(options.scale, 0.5);
  EXPECT_TRUE(options.turns_upright);
  const PreprocessOptions plain = parse_preprocess("{}", "p");
  EXPECT_EQ(plain.crop_width_px, 224);
  EXPECT_EQ(plain.mean, PreprocessOptions{}.mean);
  const PreprocessOptions exact =
      parse_preprocess(R"({"size": {"height": 30, "width": 40}, "do_center_crop": false, "do_normalize": false})", "p");
  EXPECT_EQ(exact.resize, ClipResize::squash);
  EXPECT_EQ(exact.resize_width_px, 40);
  EXPECT_EQ(exact.deviation[0], 1.0);
}

TEST(Preprocess, ReadsOpenClipFiles) {
  const PreprocessOptions options = parse_preprocess(
      R"({"model_cfg": {"vision_cfg": {"image_size": 336}},
          "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": 0.5, "resize_mode": "squash"}})",
      "p");
  EXPECT_EQ(options.profile, ClipProfile::open_clip);
  EXPECT_EQ(options.resize, ClipResize::squash);
  EXPECT_EQ(options.resize_height_px, 336);
  EXPECT_FALSE(options.crops);
  EXPECT_EQ(options.deviation[2], 0.5);
  EXPECT_FALSE(options.turns_upright);
}

TEST(Preprocess, OtherFilesAreNamedWithTheirKey) {
  EXPECT_NE(refusal("{").find("preprocessor_config.json, byte"), std::string::npos);
  EXPECT_NE(refusal(R"({"resample": 2})").find("'resample' 3"), std::string::npos);
  EXPECT_NE(refusal(R"({"size": {"shortest_edge": 0}})").find("'size.shortest_edge' of 1"), std::string::npos);
  EXPECT_NE(refusal(R"({"size": 100000})").find("'size'"), std::string::npos);
  EXPECT_NE(refusal(R"({"size": {"width": 3}})").find("'height'"), std::string::npos);
  EXPECT_NE(refusal(R"({"crop_size": 300})").find("within 'size'"), std::string::npos);
  EXPECT_NE(refusal(R"({"image_std": [1, 0, 1]})").find("above 0"), std::string::npos);
  EXPECT_NE(refusal(R"({"image_mean": [1, 0]})").find("three numbers"), std::string::npos);
  EXPECT_NE(refusal(R"({"do_resize": 1})").find("true or false as do_resize"), std::string::npos);
  EXPECT_NE(refusal(R"({"do_convert_rgb": false})").find("do_convert_rgb"), std::string::npos);
  EXPECT_NE(refusal(R"({"preprocess_cfg": {"resize_mode": "longest"}})").find("resize_mode"), std::string::npos);
  EXPECT_NE(refusal(R"({"preprocess_cfg": {"interpolation": "bilinear"}})").find("interpolation"), std::string::npos);
  EXPECT_NE(refusal(R"({"preprocess_cfg": {"size": [224, 200]}})").find("square"), std::string::npos);
}

// H - h = 3: floor(1.5) = 1 against round(1.5) = 2.
TEST(Preprocess, CropsBeginWhereTheProfileSays) {
  PreprocessOptions options = standard_preprocess(ClipProfile::openai, 4);
  options.resize = ClipResize::none;
  EXPECT_EQ(preprocess(numbered(4, 7), options).pixels[0], 32);
  options.profile = ClipProfile::hf;
  EXPECT_EQ(preprocess(numbered(4, 7), options).pixels[0], 16);
  EXPECT_THROW(preprocess(numbered(3, 7), options), ValueError);
}

// One pixel of ink K = 255 beside none: mixed before or after the filter makes a difference, and alpha
// 0 hides a colour only where the filter works on premultiplied values.
TEST(Preprocess, TheOrderOfStepsIsThatOfTheProfile) {
  StoredImage stored;
  stored.mode = PixelMode::rgba;
  stored.image = {
      .width = 2, .height = 2, .channels = 4, .pixels = {255, 0, 0, 255, 0, 0, 255, 0, 255, 0, 0, 255, 0, 0, 255, 0}};
  const Image first = preprocess(stored, standard_preprocess(ClipProfile::hf, 1));
  const Image last = preprocess(stored, standard_preprocess(ClipProfile::openai, 1));
  EXPECT_EQ(first.pixels, (std::vector<uint8_t>{128, 0, 128}));
  EXPECT_EQ(last.pixels, (std::vector<uint8_t>{255, 0, 0}));
}

TEST(Preprocess, TurnsUprightWhereTheProfileSays) {
  StoredImage stored = numbered(3, 2);  // rows 0 1 2, 16 17 18
  stored.orientation = 6;               // a viewer turns it by 90 degrees clockwise
  EXPECT_EQ(turned_upright(stored).image.pixels, (std::vector<uint8_t>{16, 0, 17, 1, 18, 2}));
  PreprocessOptions options = standard_preprocess(ClipProfile::hf, 2);
  options.resize = ClipResize::none;
  EXPECT_EQ(preprocess(stored, options).pixels[0], 16);
  options.turns_upright = false;
  EXPECT_EQ(preprocess(stored, options).pixels[0], 0);
}

TEST(Preprocess, SmallestPicturesAreFine) {
  const PreprocessOptions options = standard_preprocess(ClipProfile::openai, 8);
  for (const uint8_t value : preprocess(numbered(1, 1), options).pixels) EXPECT_EQ(value, 0);
  EXPECT_EQ(preprocess(numbered(1, 40), options).pixels.size(), 8u * 8 * 3);
  EXPECT_THROW(preprocess(StoredImage{}, options), ValueError);
  // A hair: 224 px wide it would be 3.7 million px high.
  EXPECT_THROW(preprocess(numbered(1, 16384), standard_preprocess(ClipProfile::hf, 224)), ValueError);
}

// (byte / 255 - mean) / deviation.
TEST(PixelValues, AreNormalised) {
  PreprocessOptions options = standard_preprocess(ClipProfile::openai, 1);
  const Image image{.width = 1, .height = 1, .channels = 3, .pixels = {0, 51, 255}};
  const Tensor values = pixel_values(image, options);
  EXPECT_NEAR(values[0].item<double>(), -0.48145466 / 0.26862954, 1e-6);
  EXPECT_NEAR(values[1].item<double>(), (0.2 - 0.4578275) / 0.26130258, 1e-6);
  EXPECT_NEAR(values[2].item<double>(), (1.0 - 0.40821073) / 0.27577711, 1e-6);
  EXPECT_EQ(pixel_values(std::vector{numbered(1, 1), numbered(2, 2)}, options).size(0), 2);
  EXPECT_THROW(pixel_values(numbered(1, 1).image, options), ShapeError);
  EXPECT_THROW(pixel_values(std::vector<StoredImage>{}, options), ValueError);
}

/// Not a test of its own: preprocesses the images that a manifest names.
TEST(OracleFolder, Preprocess) {
  const char* root = std::getenv("NOISESCOPE_ORACLE_DIR");
  if (root == nullptr) GTEST_SKIP() << "run by tests/clip/preprocess_oracle.py";
  const auto manifest = nlohmann::json::parse(read_file(fs::path(root) / "manifest.json"));
  for (size_t i = 0; i < manifest.size(); ++i) {
    const auto& entry = manifest[i];
    const std::string stem = (fs::path(root) / std::to_string(i)).string();
    const auto profile = parse_enum<ClipProfile>(entry["profile"].get<std::string>());
    const PreprocessOptions options = profile == ClipProfile::openai
                                          ? standard_preprocess(profile, entry["side"].get<int64_t>())
                                          : parse_preprocess(entry["config"].dump(), "config");
    const Image image = preprocess(read_stored(stem + ".image"), options);
    write_file_atomic(stem + ".bytes", std::string(image.pixels.begin(), image.pixels.end()));
    const Tensor values = pixel_values(image, options);
    write_file_atomic(stem + ".values",
                      {static_cast<const char*>(values.const_data_ptr()), static_cast<size_t>(values.nbytes())});
  }
}

}  // namespace
}  // namespace noisescope
