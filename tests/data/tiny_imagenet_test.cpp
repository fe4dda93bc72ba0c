#include "noisescope/data/tiny_imagenet.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "noisescope/core/error.h"
#include "noisescope/data/data_facts.h"
#include "noisescope/data/data_options.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

const fs::path kFixture = fs::path(NOISESCOPE_SOURCE_DIR) / "tests/golden/tiny_imagenet";
const fs::path kReal = fs::path(NOISESCOPE_SOURCE_DIR) / "../shared/data/tiny-imagenet-25.tar";

struct Loaded {
  std::shared_ptr<ImageDataset> data;
  LoadReport report;
};

Loaded load(const fs::path& path, int64_t side = 31, ResizeMode resize = ResizeMode::crop,
            Synonyms synonyms = Synonyms::first) {
  Loaded loaded;
  ImageLoadOptions options;
  options.image_size_px = side;
  options.resize = resize;
  loaded.data = std::make_shared<ImageDataset>(
      load_tiny_imagenet(path, {{"a photo of a {}"}, synonyms}, options, {}, loaded.report));
  return loaded;
}

TEST(TinyImagenet, PixelsAreThoseOfPillow) {
  const TensorFile golden = read_safetensors(kFixture / "pixels.safetensors");
  const Loaded crop = load(kFixture / "tiny-imagenet");
  std::string names;
  for (const std::string& name : crop.data->samples().file_names) {
    names += (names.empty() ? "" : "\n") + name;
  }
  EXPECT_EQ(names, golden.metadata.at("names"));
  EXPECT_TRUE(torch::equal(crop.data->samples().pixels, golden.at("crop_31")));
  const Loaded squash = load(kFixture / "tiny-imagenet", 20, ResizeMode::squash);
  EXPECT_TRUE(torch::equal(squash.data->samples().pixels, golden.at("squash_20")));
  const Tensor whole = load(kFixture / "tiny-imagenet", 64).data->samples().pixels;
  EXPECT_TRUE(torch::equal(whole[5], golden.at("crop_64")[0]));  // the wide one, cropped
  EXPECT_TRUE(torch::equal(whole[1], golden.at("crop_64")[1]));  // the gray one
}

TEST(TinyImagenet, ClassesCaptionsAndParts) {
  const Loaded loaded = load(kFixture / "tiny-imagenet");
  const ImageSamples& samples = loaded.data->samples();
  EXPECT_EQ(samples.class_names, (Texts{"goldfish", "Egyptian cat", "school bus"}));
  EXPECT_EQ(loaded.data->captions(),
            (Texts{"a photo of a goldfish", "a photo of a Egyptian cat", "a photo of a school bus"}));
  EXPECT_EQ(samples.labels, (std::vector<int64_t>{0, 0, 0, 1, 1, 2, 2, 2, 0, 1, 2}));
  const Split split = loaded.data->split(0.5, 0);
  EXPECT_EQ(split.train.size(), 8u);
  EXPECT_EQ(split.validation, (std::vector<int64_t>{8, 9, 10}));
  ASSERT_EQ(loaded.report.skipped.size(), 1u);
  EXPECT_EQ(loaded.report.skipped[0].name, "train/n00000002/images/n00000002_2.JPEG");
  EXPECT_EQ(loaded.report.unlabelled, 1);
  EXPECT_EQ(loaded.report.ignored, 0);
  EXPECT_EQ(loaded.report.loaded, 11);
}

TEST(TinyImagenet, AllSynonyms) {
  const Loaded loaded = load(kFixture / "tiny-imagenet", 16, ResizeMode::crop, Synonyms::all);
  EXPECT_EQ(loaded.data->captions_of(0), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(loaded.data->captions()[1], "a photo of a Carassius auratus");
}

TEST(TinyImagenet, BoxesFollowResizeAndCrop) {
  // Image 1 of class 0 has the inclusive box 1 2 41 62 in 64 px: half of it at 32 px.
  const BoundingBox box = load(kFixture / "tiny-imagenet", 32).data->samples().boxes.at(1).value();
  EXPECT_DOUBLE_EQ(box.left, 0.5);
  EXPECT_DOUBLE_EQ(box.top, 1.0);
  EXPECT_DOUBLE_EQ(box.right, 21.0);
  EXPECT_DOUBLE_EQ(box.bottom, 31.5);
  // The wide image, 80 x 60 to 40 x 30, loses 5 columns on each side; its box is 0 0 40 63.
  const Loaded wide = load(kFixture / "tiny-imagenet", 30);
  const BoundingBox cropped = wide.data->samples().boxes.at(5).value();
  EXPECT_DOUBLE_EQ(cropped.left, 0.0);
  EXPECT_DOUBLE_EQ(cropped.right, 15.5);
  EXPECT_DOUBLE_EQ(cropped.bottom, 30.0);
}

TEST(TinyImagenet, FolderTarAndZipAreTheSame) {
  const std::string folder = load(kFixture / "tiny-imagenet").data->fingerprint();
  EXPECT_EQ(load(kFixture / "tiny-imagenet.tar").data->fingerprint(), folder);
  EXPECT_EQ(load(kFixture / "tiny-imagenet.zip").data->fingerprint(), folder);
  EXPECT_NE(load(kFixture / "tiny-imagenet", 30).data->fingerprint(), folder);
}

/// A copy of the fixture to break.
class BrokenTinyImagenet : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        fs::path(::testing::TempDir()) / (std::string("tiny_imagenet_") + test->name() + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::copy(kFixture / "tiny-imagenet", folder_, fs::copy_options::recursive);
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// The message of the error of this type, "" if there was another or none.
  template <class Error>
  std::string failure() {
    try {
      load(folder_);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  void expect_data_error(const std::string& part) {
    const std::string message = failure<DataError>();
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
  void expect_format_error(const std::string& part) {
    const std::string message = failure<FormatError>();
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }

  fs::path folder_;
};

using RearrangedTinyImagenet = BrokenTinyImagenet;

TEST_F(RearrangedTinyImagenet, ValidationInClassFolders) {
  const std::vector<std::string> classes = {"n00000001", "n00000002", "n00000003"};
  const std::string original = load(folder_).data->fingerprint();
  for (const char* between : {"", "images/"}) {  // beside the annotations, as most tutorials leave them
    for (size_t i = 0; i < 3; ++i) {
      const std::string file = "val_" + std::to_string(i) + ".JPEG";
      fs::create_directories(folder_ / "val" / classes[i] / between);
      fs::rename(fs::exists(folder_ / "val/images" / file) ? folder_ / "val/images" / file
                                                           : folder_ / "val" / classes[i] / file,
                 folder_ / "val" / classes[i] / between / file);
    }
    const Loaded loaded = load(folder_);
    EXPECT_EQ(loaded.data->fingerprint(), original) << between;
    EXPECT_TRUE(loaded.data->samples().boxes[8].has_value());
    EXPECT_NE(load_notes(loaded.report).front().find("class folders"), std::string::npos);
  }
  fs::rename(folder_ / "val" / classes[0] / "images/val_0.JPEG", folder_ / "val" / classes[1] / "images/val_0.JPEG");
  expect_data_error("n00000001, got it in another folder");
  fs::remove(folder_ / "val/val_annotations.txt");
  EXPECT_EQ(load(folder_).data->samples().labels, (std::vector<int64_t>{0, 0, 0, 1, 1, 2, 2, 2, 1, 1, 2}));
}

TEST_F(RearrangedTinyImagenet, TrainingWithoutImagesFolders) {
  const std::string original = load(folder_).data->fingerprint();
  for (const char* id : {"n00000001", "n00000002", "n00000003"}) {
    for (const auto& file : fs::directory_iterator(folder_ / "train" / id / "images")) {
      fs::rename(file.path(), folder_ / "train" / id / file.path().filename());
    }
  }
  const Loaded loaded = load(folder_);
  EXPECT_EQ(loaded.data->fingerprint(), original);
  EXPECT_TRUE(loaded.data->samples().boxes[1].has_value());
}

TEST_F(BrokenTinyImagenet, MissingTables) {
  fs::remove(folder_ / "words.txt");
  expect_data_error("words.txt");
  fs::remove(folder_ / "wnids.txt");
  expect_data_error("no wnids.txt");
}

TEST_F(BrokenTinyImagenet, ClassWithoutNameOrImages) {
  write_file_atomic(folder_ / "wnids.txt", "n00000001\nn00000002\nn00000003\nn00000004\n");
  expect_data_error("n00000004");
  write_file_atomic(folder_ / "words.txt", read_file(folder_ / "words.txt") + "n00000004\tnothing\n");
  expect_data_error("expected training images of every class");
}

TEST_F(BrokenTinyImagenet, ImagesThatNoTableExplains) {
  write_file_atomic(folder_ / "val/val_annotations.txt", "");
  expect_data_error("3 others: val/images/val_0.JPEG");
}

TEST_F(BrokenTinyImagenet, AnnotationsWithoutImages) {
  fs::remove(folder_ / "val/images/val_1.JPEG");
  expect_data_error("val/images/val_1.JPEG");
}

TEST_F(BrokenTinyImagenet, BadLines) {
  const std::string boxes = "train/n00000001/n00000001_boxes.txt";
  for (const char* bad : {"n00000001_0.JPEG\t0\t0\t9", "n00000001_0.JPEG\t0\t0\t9\tx", "n00000001_0.JPEG\t9\t0\t3\t9",
                          "n00000001_0.JPEG\t-1\t0\t3\t9", "n00000001_0.JPEG\t0\t0\t99999999999999999999\t9"}) {
    write_file_atomic(folder_ / boxes, bad);
    expect_format_error(boxes + ":1");
  }
  fs::remove(folder_ / boxes);  // optional
  EXPECT_EQ(load(folder_).data->size(), 11);
  write_file_atomic(folder_ / "val/val_annotations.txt", "val_0.JPEG\tn9\t0\t0\t1\t1\n");
  expect_format_error("val_annotations.txt:1");
  write_file_atomic(folder_ / "wnids.txt", "n00000001\n../../etc\n");
  expect_format_error("wnids.txt:2");
}

TEST(DataFacts, CountsOfTheFixture) {
  const Loaded loaded = load(kFixture / "tiny-imagenet");
  const Split split = loaded.data->split(0, 0);
  const DataFacts facts = inspect_dataset(*loaded.data, split, loaded.report);
  EXPECT_EQ(facts.samples, 11);
  EXPECT_EQ(facts.train, 8);
  EXPECT_EQ(facts.validation, 3);
  EXPECT_EQ(facts.parts.at("train"), 8);
  EXPECT_EQ(facts.classes.at("Egyptian cat").at("train"), 2);
  EXPECT_EQ(facts.captions.distinct, 3);
  EXPECT_EQ(facts.captions.vocabulary, 8);
  EXPECT_EQ(facts.captions.longest_words, 6);
  EXPECT_EQ(facts.captions.most_common.front().second, 4);
  const Tensor all = loaded.data->images(sample_range(0, 11)).to(torch::kFloat64);
  EXPECT_NEAR(facts.deviation, all.std(/*unbiased=*/false).item<double>(), 1e-9);
  EXPECT_NEAR(facts.pixel_mean[1], all.select(1, 1).mean().item<double>(), 1e-9);
  EXPECT_NEAR(facts.pixel_deviation[2], all.select(1, 2).std(false).item<double>(), 1e-9);
  const nlohmann::ordered_json json = to_json(facts);
  EXPECT_EQ(json["load"]["source_sizes"]["64x64"], 10);
  EXPECT_EQ(json["load"]["source_sizes"]["80x60"], 1);
  EXPECT_EQ(json["load"]["skipped"].size(), 1u);
}

TEST(DataFacts, ContactSheetIsAddressable) {
  const Loaded loaded = load(kFixture / "tiny-imagenet");
  const ContactSheet sheet = contact_sheet(*loaded.data, 5, 3);
  ASSERT_EQ(sheet.images.size(0), 5);
  EXPECT_EQ(contact_sheet(*loaded.data, 5, 3).indices, sheet.indices);
  EXPECT_NE(contact_sheet(*loaded.data, 5, 4).indices, sheet.indices);
  for (size_t k = 0; k < 5; ++k) {
    const auto label = loaded.data->samples().labels[static_cast<size_t>(sheet.indices[k])];
    EXPECT_EQ(sheet.captions[k], loaded.data->captions()[static_cast<size_t>(label)]);
  }
  EXPECT_EQ(contact_sheet(*loaded.data, 50, 3).indices.size(), 11u);
}

TEST(DataOptions, OpensEveryKind) {
  DataOptions options;
  options.world_samples = 20;
  options.validation_share = 0.1;
  LoadReport report;
  const OpenedData world = open_dataset(options, {}, report);
  EXPECT_EQ(world.split.validation.size(), 2u);
  EXPECT_EQ(world.dataset->image_size_px(), 32);

  options.kind = DataKind::tiny_imagenet;
  EXPECT_THROW(open_dataset(options, {}, report), ConfigError);
  options.path = (kFixture / "tiny-imagenet.zip").string();
  EXPECT_EQ(open_dataset(options, {}, report).split.train.size(), 8u);

  options.kind = DataKind::folder;
  options.path = (kFixture / "tiny-imagenet/train").string();
  options.folder.templates = {"{}"};
  EXPECT_EQ(open_dataset(options, {}, report).dataset->captions(), (Texts{"n00000001", "n00000002", "n00000003"}));
}

TEST(TinyImagenetReal, TwentyFiveClasses) {
  if (!fs::exists(kReal)) GTEST_SKIP() << "absent: " << kReal;
  const Loaded loaded = load(kReal, 32);
  EXPECT_EQ(loaded.data->size(), 25 * 550);
  EXPECT_TRUE(loaded.report.skipped.empty());
  EXPECT_EQ(loaded.data->captions().size(), 25u);
  const Split split = loaded.data->split(0.05, 0);
  EXPECT_EQ(split.train.size(), 12500u);
  EXPECT_EQ(split.validation.size(), 1250u);
  EXPECT_EQ(loaded.report.source_sizes.size(), 1u);
  for (const auto& box : loaded.data->samples().boxes) ASSERT_TRUE(box.has_value());
  RecordProperty("load_seconds", std::to_string(loaded.report.seconds));
}

}  // namespace
}  // namespace noisescope
