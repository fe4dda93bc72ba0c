#include "noisescope/data/image_folder.h"

#include <filesystem>
#include <functional>

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "noisescope/core/error.h"
#include "noisescope/data/caption_metadata.h"
#include "noisescope/data/data_options.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

/// PNG bytes of one colour.
std::string png(uint8_t red, uint8_t green, uint8_t blue, int64_t width = 16, int64_t height = 16) {
  Image image{width, height, 3, {}};
  for (int64_t i = 0; i < width * height; ++i) {
    image.pixels.insert(image.pixels.end(), {red, green, blue});
  }
  return encode_png(image);
}

/// The message of the error that `call` throws.
template <class Error>
std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

void expect_parts(const std::string& text, const Texts& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' in: " << text;
  }
}

class ImageFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        fs::path(::testing::TempDir()) / (std::string("image_folder_") + test->name() + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    options_.image_size_px = 8;
    folder_options_.templates = {"a photo of a {}", "one {}"};
  }
  void TearDown() override { fs::remove_all(folder_); }

  void put(const std::string& name, const std::string& content) { write_file_atomic(folder_ / name, content); }
  ImageDataset load(const fs::path& path) {
    report_ = {};
    return load_image_folder(path, folder_options_, options_, control_, report_);
  }
  ImageDataset load() { return load(folder_); }

  /// A tar file in the folder with these members, as given.
  fs::path tar(const std::vector<std::pair<std::string, std::string>>& members, bool compressed = false) {
    const fs::path path = folder_ / "archive.tar";
    struct archive* writer = archive_write_new();
    if (compressed) archive_write_add_filter_gzip(writer);
    archive_write_set_format_ustar(writer);
    archive_write_open_filename(writer, path.c_str());
    for (const auto& [name, content] : members) {
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, name.c_str());
      archive_entry_set_filetype(entry, AE_IFREG);
      archive_entry_set_perm(entry, 0644);
      archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
      archive_write_header(writer, entry);
      archive_write_data(writer, content.data(), content.size());
      archive_entry_free(entry);
    }
    archive_write_close(writer);
    archive_write_free(writer);
    return path;
  }

  fs::path folder_;
  FolderOptions folder_options_;
  ImageLoadOptions options_;
  Control control_;
  LoadReport report_;
};

TEST_F(ImageFolderTest, CaptionsFromJsonLines) {
  put("a/red.png", png(255, 0, 0));
  put("blue.PNG", png(0, 0, 255));
  put("notes.txt", "not an image");
  put("metadata.jsonl",
      "{\"file_name\": \"blue.PNG\", \"text\": \"blue\", \"more\": 3}\n\n"
      "{\"file_name\": \"./a/red.png\", \"text\": [\"red\", \"a red  square\"]}\n"
      "{\"file_name\": \"blue.PNG\", \"text\": \"blue\"}\n"
      "{\"file_name\": \"blue.PNG\", \"text\": \"a blue square\"}");
  const ImageDataset data = load();
  ASSERT_EQ(data.size(), 2);
  EXPECT_EQ(data.samples().file_names, (Texts{"a/red.png", "blue.PNG"}));
  EXPECT_EQ(data.captions(), (Texts{"red", "a red square", "blue", "a blue square"}));
  EXPECT_EQ(data.captions_of(1), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(report_.duplicate_captions, 1);
  EXPECT_EQ(report_.ignored, 1);
  EXPECT_EQ(report_.loaded, 2);
  EXPECT_EQ((report_.source_sizes.at({16, 16})), 2);
  const Tensor images = data.images({1, 0});
  ASSERT_EQ(images.sizes(), torch::IntArrayRef({2, 3, 8, 8}));
  EXPECT_TRUE((images[0][2] == 1).all().item<bool>());
  EXPECT_TRUE((images[0][0] == -1).all().item<bool>());
  EXPECT_TRUE((images[1][0] == 1).all().item<bool>());
  EXPECT_TRUE(data.flips_keep_captions());
  EXPECT_THROW(data.images({2}), ValueError);
}

TEST_F(ImageFolderTest, CaptionsFromCsv) {
  put("a.png", png(1, 2, 3));
  put("b.png", png(4, 5, 6));
  put("metadata.csv",
      "\xef\xbb\xbfsource,file_name,text\r\n"
      "x,a.png,\"left, or \"\"right\"\"\"\r\n"
      "x,b.png,plain\r\n"
      "x,a.png,second\r\n");
  const ImageDataset data = load();
  EXPECT_EQ(data.captions(), (Texts{"left, or \"right\"", "second", "plain"}));
  EXPECT_FALSE(data.flips_keep_captions());
}

TEST_F(ImageFolderTest, ClassFoldersThroughTemplates) {
  put("school_bus/1.png", png(1, 1, 1));
  put("cat/deep/2.png", png(2, 2, 2));
  const ImageDataset data = load();
  EXPECT_EQ(data.samples().class_names, (Texts{"cat", "school bus"}));
  EXPECT_EQ(data.samples().labels, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(data.captions(), (Texts{"a photo of a cat", "one cat", "a photo of a school bus", "one school bus"}));
  EXPECT_TRUE(torch::equal(data.caption_is_true({0, 1}, {0, 3}), torch::tensor({{true, false}, {false, true}})));
}

TEST_F(ImageFolderTest, PartsBecomeTheSplit) {
  put("train/cat/1.png", png(1, 1, 1));
  put("train/dog/2.png", png(2, 2, 2));
  put("val/cat/3.png", png(3, 3, 3));
  put("test/cat/4.png", png(4, 4, 4));
  const ImageDataset data = load();
  EXPECT_EQ(data.samples().file_names.front(), "test/cat/4.png");
  const Split split = data.split(0.5, 0);
  EXPECT_EQ(split.train, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(split.validation, (std::vector<int64_t>{3}));
}

TEST_F(ImageFolderTest, WithoutPartsAShareIsHeldOut) {
  for (int i = 0; i < 10; ++i) put("cat/" + std::to_string(i) + ".png", png(1, 1, 1));
  const ImageDataset data = load();
  const Split split = data.split(0.2, 1);
  EXPECT_EQ(split.train.size(), 8u);
  EXPECT_EQ(split.validation.size(), 2u);
  EXPECT_EQ(data.split(0.2, 1).validation, split.validation);
}

TEST_F(ImageFolderTest, AShareNeverHoldsOutOneAlone) {
  const std::vector<std::pair<int64_t, size_t>> held = {{1, 0},  {2, 0},  {3, 0},  {9, 0},
                                                        {10, 2}, {29, 2}, {30, 2}, {50, 3}};
  for (const auto& [size, expected] : held) {
    const Split split = split_samples(size, 0.05, 0);
    EXPECT_EQ(split.validation.size(), expected) << size;
    EXPECT_EQ(split.train.size() + expected, static_cast<size_t>(size));
  }
  EXPECT_EQ(split_samples(3, 0.5, 0).validation.size(), 2u);
  EXPECT_EQ(split_samples(4, 0.3, 0).validation.size(), 2u);
  EXPECT_EQ(split_samples(2, 0.5, 0).validation.size(), 0u);
}

TEST_F(ImageFolderTest, WhatIsNotUsedIsCountedAndNamed) {
  put("train/cat/1.png", png(1, 1, 1));
  put("train/cat/1.txt", "another cat");
  put("train/cat/2.tif", "");
  put("train/cat/3.TIF", "");
  put("train/cat/README", "");
  put("labels.tsv", "");
  put("valid/cat/4.png", png(2, 2, 2));
  folder_options_.captions = CaptionSource::classes;
  const ImageDataset data = load();
  EXPECT_EQ(data.split(0, 0).validation, (std::vector<int64_t>{1}));
  EXPECT_EQ(report_.ignored, 3);
  EXPECT_EQ(report_.ignored_suffixes, (std::map<std::string, int64_t>{{"", 1}, {".tif", 2}}));
  EXPECT_EQ(report_.unread_captions, (Texts{"labels.tsv", "train/cat/1.txt"}));
  const Texts notes = load_notes(report_);
  ASSERT_EQ(notes.size(), 3u);
  expect_parts(notes[0], {"valid/ is read as the validation part"});
  expect_parts(notes[1], {"3 files left out", ".tif 2", "without suffix 1", "WebP"});
  expect_parts(notes[2], {"2 caption files not read", "train/cat/1.txt"});
}

TEST_F(ImageFolderTest, PartsMayHaveTheNamesThatAreInUse) {
  for (const char* name : {"valid", "val", "dev", "eval", "Validation", "VAL"}) {
    put("Train/cat/1.png", png(1, 1, 1));
    put(std::string(name) + "/cat/2.png", png(2, 2, 2));
    const ImageDataset data = load();
    EXPECT_EQ(data.split(0, 0).validation.size(), 1u) << name;
    EXPECT_EQ(data.samples().class_names, (Texts{"cat"})) << name;
    fs::remove_all(folder_);
  }
  put("dev/1.png", png(1, 1, 1));  // without a train/ a class as any other
  put("ops/2.png", png(1, 1, 1));
  EXPECT_EQ(load().samples().class_names, (Texts{"dev", "ops"}));
}

TEST_F(ImageFolderTest, OtherFoldersBesideTrainAreRefused) {
  put("train/cat/1.png", png(1, 1, 1));
  put("held/cat/2.png", png(1, 1, 1));
  expect_parts(message_of<DataError>([&] { load(); }), {"held/ (1)", "validation/", "rename"});
}

TEST_F(ImageFolderTest, TextsBesidePicturesAreCaptions) {
  put("a/1.png", png(1, 1, 1));
  put("a/1.txt",
      "\xef\xbb\xbf"
      "a red thing\r\n\r\nsomething red\r\n");
  put("2.JPG.png", png(2, 2, 2));
  put("2.JPG.caption", "a dog");
  put("3.PNG", png(3, 3, 3));
  put("3.json", R"({"caption": "a bird", "url": "x"})");
  put("4.png", png(4, 4, 4));
  put("4.txt", "a fish");
  put("4.json", R"({"caption": "not this"})");
  const ImageDataset data = load();
  EXPECT_EQ(data.captions(), (Texts{"a dog", "a bird", "a fish", "a red thing", "something red"}));
  EXPECT_EQ(report_.unread_captions, (Texts{"4.json"}));
  expect_parts(load_notes(report_).front(), {"4 texts beside the pictures"});
  fs::remove(folder_ / "4.txt");
  fs::remove(folder_ / "4.json");
  expect_parts(message_of<DataError>([&] { load(); }), {"1 images without one: 4.png", "data.captions=classes"});
  put("4.txt", " \n");
  expect_parts(message_of<FormatError>([&] { load(); }), {"4.txt:1", "empty"});
  put("4.txt", "caf\xe9");
  expect_parts(message_of<FormatError>([&] { load(); }), {"4.txt:1", "UTF-8", "0xe9"});
}

TEST_F(ImageFolderTest, ShardsOfWebdataset) {
  const auto shard = [&](const std::string& name, uint8_t red) {
    const fs::path made = tar({{"000.png", png(red, 0, 0)}, {"000.txt", name}, {"000.json", "{}"}, {"000.cls", "7"}});
    fs::rename(made, folder_ / (name + ".tar"));
  };
  shard("one", 10);
  EXPECT_EQ(load(folder_ / "one.tar").captions(), (Texts{"one"}));
  shard("two", 20);
  put("notes.md", "");
  const ImageDataset data = load();
  EXPECT_EQ(data.samples().file_names, (Texts{"one_000.png", "two_000.png"}));
  EXPECT_EQ(data.captions(), (Texts{"one", "two"}));
  expect_parts(load_notes(report_).front(), {"2 archives", "one.tar"});
  EXPECT_EQ(report_.ignored, 1);
}

TEST_F(ImageFolderTest, TablesInSubfolders) {
  for (const char* name : {"a", "b"}) {
    put(std::string(name) + "/1.png", png(1, 1, 1));
    put(std::string(name) + "/metadata.jsonl", R"({"file_name": "1.png", "text": "thing )" + std::string(name) + "\"}");
  }
  EXPECT_EQ(load().captions(), (Texts{"thing a", "thing b"}));
  EXPECT_TRUE(load_notes(report_).empty());
}

TEST_F(ImageFolderTest, TablesOfOtherToolsAreReadAloud) {
  put("images/1.png", png(1, 1, 1));
  const std::vector<std::pair<std::string, std::string>> tables = {
      {"metadata.csv", "file_name, text\n images/1.png,a cat\n"},
      {"metadata.csv", "image;caption\nimages/1.png;a cat\n"},
      {"metadata.tsv", "Filename\tDescription\nimages/1.png\ta cat\n"},
      {"captions.txt", "image,caption\n1.png,a cat\n"},
      {"metadata.csv", "UTF-16"},
      {"metadata.json", R"([{"image": "images/1.png", "caption": "a cat"}])"},
      {"captions.json", R"({"images/1.png": "a cat"})"}};
  size_t number = 0;
  for (auto [name, content] : tables) {
    if (content == "UTF-16") {
      content = "\xff\xfe";
      for (const char c : std::string("file,text\n1.png,a cat")) content += {c, '\0'};
    }
    put(name, content);
    EXPECT_EQ(load().captions(), (Texts{"a cat"})) << name;
    EXPECT_EQ(load_notes(report_).empty(), number == 0 || number == 6) << name << number;
    fs::remove(folder_ / name);
    ++number;
  }
  put("metadata.csv", "id;label\n1.png;cat\n");
  expect_parts(message_of<FormatError>([&] { load(); }), {"metadata.csv:1", "id;label", "data.caption_column"});
  folder_options_.columns = {"ID", "label"};
  EXPECT_EQ(load().captions(), (Texts{"cat"}));
  expect_parts(load_notes(report_).front(), {"separated by ';'", "captions from 'label'"});
  put("metadata.csv", "file_name,text\n");
  folder_options_.columns = {};
  expect_parts(message_of<FormatError>([&] { load(); }), {"metadata.csv:1", "below the header"});
  put("metadata.csv", "file_name,text\n1.png,caf\xe9\n");
  expect_parts(message_of<FormatError>([&] { load(); }), {"metadata.csv:2", "UTF-8", "0xe9"});
}

TEST_F(ImageFolderTest, LinksAreFollowedAndCirclesAreNot) {
  put("elsewhere/cat/1.png", png(1, 1, 1));
  put("data/dog/2.png", png(2, 2, 2));
  fs::create_directory_symlink(folder_ / "elsewhere" / "cat", folder_ / "data" / "cat");
  fs::create_directory_symlink(folder_ / "data", folder_ / "data" / "dog" / "back");
  fs::create_symlink(folder_ / "gone.png", folder_ / "data" / "dog" / "3.png");
  const ImageDataset data = load(folder_ / "data");
  EXPECT_EQ(data.samples().class_names, (Texts{"cat", "dog"}));
  ASSERT_EQ(report_.skipped.size(), 2u);
  const std::string notes = load_notes(report_)[0] + load_notes(report_)[1];
  expect_parts(notes, {"dog/3.png: a link that leads nowhere", "dog/back: a link that leads back"});
}

TEST_F(ImageFolderTest, RefusalsSayWhatToDo) {
  const std::string picture = png(1, 1, 1);
  using Files = std::vector<std::pair<std::string, std::string>>;
  const std::vector<std::pair<Files, Texts>> folders = {
      {{{"1.png", picture},
        {"a/2.png", picture},
        {"b/2.png", picture},
        {"metadata.csv", "file,text\n1.png,x\n2.png,y\n"}},
       {"2 images without one", "not there, or whose name several have: 2.png"}},
      {{{"1.png", picture}, {"metadata.jsonl", R"({"file_name": "1.png", "te)"}},
       {"metadata.jsonl:1", "no whole JSON"}},
      {{{"1.png", picture}, {"metadata.jsonl", R"({"file_name": "1.png", "text": 7})"}}, {"metadata.jsonl:1", "'7'"}},
      {{{"1.png", picture}, {"metadata.csv", "file,text\nC:\\1.png,x\n"}}, {"metadata.csv:2", "C:\\1.png", "relative"}},
      {{{"1.png", picture}, {"metadata.csv", "file,text\n1.png," + std::string(20000, 'a') + "\n"}},
       {"metadata.csv:2", "16384 bytes", "20000"}},
      {{{"1.png", picture}, {"1.txt", std::string(20000, 'a')}}, {"1.txt", "16384 bytes", "20000"}},
      {{{"1.png", picture}, {"labels.csv", "id,breed\n1,pug\n"}}, {"1.png", "not read: labels.csv"}},
      {{{"train/n01/images/1.JPEG", picture}, {"wnids.txt", "n01"}, {"words.txt", "n01\tcat"}},
       {"data.kind=tiny_imagenet"}},
      {{{"data.parquet", "PAR1"}}, {"noisescope data import"}}};
  for (const auto& [files, parts] : folders) {
    for (const auto& [name, content] : files) put(name, content);
    try {
      load();
      ADD_FAILURE() << "no error, where expected: " << parts[0];
    } catch (const std::runtime_error& error) {
      expect_parts(error.what(), parts);
    }
    fs::remove_all(folder_);
  }
  put("1.png", picture);
  put("metadata.csv", "file,text\n1.png,x\n");
  expect_parts(message_of<DataError>([&] { load(folder_ / "1.png"); }), {"the picture", "the folder that it lies in"});
  expect_parts(message_of<DataError>([&] { load(folder_ / "metadata.csv"); }), {"the table"});
}

TEST_F(ImageFolderTest, WhatIsUnusualIsReadAloud) {
  put("1.png", png(1, 1, 1));
  const std::string row = "{\"file_name\": \"1.png\", \"text\": \"a cat\"}\n";
  put("metadata.json", row);
  EXPECT_EQ(load().captions(), (Texts{"a cat"}));
  put("metadata.json", row + row);
  EXPECT_EQ(load().captions(), (Texts{"a cat"}));
  expect_parts(load_notes(report_).front(), {"an object a line"});
  fs::remove(folder_ / "metadata.json");
  put("metadata.csv", "id;caption\n1;a cat\n");
  folder_options_.columns.image = "id";
  EXPECT_EQ(load().captions(), (Texts{"a cat"}));
  expect_parts(load_notes(report_)[1], {"1 of its rows leave out the folder or suffix"});
  fs::remove_all(folder_);
  put("train/cat/1.png", png(1, 1, 1));
  put("valid/dog/2.png", png(2, 1, 1));
  put("test/3.png", png(3, 1, 1));
  EXPECT_EQ(load().size(), 2);
  EXPECT_EQ(report_.unlabelled, 1);
  expect_parts(load_notes(report_)[1], {"1 classes are in no training picture: dog"});
}

TEST_F(ImageFolderTest, PhotographsAreTurnedAndAnimationsCounted) {
  const TensorFile golden = read_safetensors(NOISESCOPE_SOURCE_DIR "/tests/golden/image_files.safetensors");
  const auto bytes = [&](const std::string& name) {
    const Tensor file = golden.at(name + ".file");
    return std::string(static_cast<const char*>(file.data_ptr()), static_cast<size_t>(file.numel()));
  };
  put("cat/1.jpg", bytes("jpeg_exif"));  // 21 x 13, to be turned
  put("cat/2.gif", bytes("gif_animated"));
  load();
  EXPECT_EQ(report_.source_sizes, (std::map<std::pair<int64_t, int64_t>, int64_t>{{{13, 21}, 1}, {{21, 13}, 1}}));
  expect_parts(load_notes(report_)[0] + load_notes(report_)[1], {"1 picture turned upright", "1 animation: the first"});
}

TEST_F(ImageFolderTest, NamesThatAreNoTextAreNamed) {
  put("caf\xe9/1.png", png(1, 1, 1));
  expect_parts(message_of<DataError>([&] { load(); }), {"'caf'", "0xe9", "rename"});
  fs::remove_all(folder_);
  put("cat/caf\xe9.png", png(1, 1, 1));  // no text of ours
  EXPECT_EQ(load().size(), 1);
}

TEST_F(ImageFolderTest, WithAllUsedThereIsNothingToSay) {
  put("cat/1.png", png(1, 1, 1));
  put("valid/2.png", png(2, 2, 2));
  load();
  EXPECT_TRUE(load_notes(report_).empty());
}

TEST_F(ImageFolderTest, ImagesWithoutCaptionsNameTheFilesNotRead) {
  put("train/1.png", png(1, 1, 1));
  put("train/metadata.jsonl", R"({"file_name": "1.png", "text": "one"})");
  put("valid/1.png", png(2, 2, 2));
  put("valid/labels.csv", "1.png,two\n");
  expect_parts(message_of<DataError>([&] { load(); }), {"valid/1.png", "not read: valid/labels.csv"});
}

TEST_F(ImageFolderTest, MirroringFollowsTheOptionAndSaysWhy) {
  put("cat/1.png", png(1, 1, 1));
  const ImageDataset plain = load();
  options_.image_size_px = 8;
  folder_options_.templates = {"a {} on the Left"};
  const ImageDataset sided = load();
  EXPECT_TRUE(mirroring(Flip::automatic, plain).on);
  EXPECT_FALSE(mirroring(Flip::automatic, sided).on);
  EXPECT_TRUE(mirroring(Flip::always, sided).on);
  EXPECT_FALSE(mirroring(Flip::never, plain).on);
  for (const Flip flip : {Flip::automatic, Flip::always, Flip::never}) {
    EXPECT_NE(mirroring(flip, plain).why.find("data.flip"), std::string::npos);
  }
}

TEST_F(ImageFolderTest, MetadataInEveryPart) {
  put("train/1.png", png(1, 1, 1));
  put("train/metadata.jsonl", R"({"file_name": "1.png", "text": "one"})");
  put("validation/1.png", png(2, 2, 2));
  put("validation/metadata.csv", "file_name,text\n1.png,two\n");
  const ImageDataset data = load();
  EXPECT_EQ(data.captions(), (Texts{"one", "two"}));
  EXPECT_EQ(data.split(0, 0).validation, (std::vector<int64_t>{1}));
}

TEST_F(ImageFolderTest, ArchiveIsTheFolder) {
  put("cats/1.png", png(9, 9, 9));
  put("cats/metadata.jsonl", R"({"file_name": "1.png", "text": "a cat"})");
  const std::string folder = load(folder_ / "cats").fingerprint();
  const ImageDataset data =
      load(tar({{"cats/1.png", png(9, 9, 9)}, {"cats/metadata.jsonl", R"({"file_name": "1.png", "text": "a cat"})"}}));
  EXPECT_EQ(data.fingerprint(), folder);
}

TEST_F(ImageFolderTest, FingerprintFollowsPixelsAndCaptions) {
  put("a.png", png(9, 9, 9));
  put("metadata.jsonl", R"({"file_name": "a.png", "text": "a cat"})");
  const std::string before = load().fingerprint();
  EXPECT_EQ(load().fingerprint(), before);
  put("metadata.jsonl", R"({"file_name": "a.png", "text": "a dog"})");
  EXPECT_NE(load().fingerprint(), before);
  put("metadata.jsonl", R"({"file_name": "a.png", "text": "a cat"})");
  put("a.png", png(9, 9, 8));
  EXPECT_NE(load().fingerprint(), before);
}

TEST_F(ImageFolderTest, BrokenImagesAreNamedAndLeftOut) {
  const std::string whole = png(7, 7, 7, 40, 40);
  put("cat/1_truncated.png", whole.substr(0, whole.size() - 20));
  put("cat/2_text.jpg", "this is no image");
  put("cat/3_empty.png", "");
  std::string lying = whole;  // claims a width of 2^31 - 1 pixels
  lying.replace(16, 4, "\x7f\xff\xff\xff");
  put("cat/4_lying.png", lying);
  put("cat/5_good.png", whole);
  const ImageDataset data = load();
  EXPECT_EQ(data.samples().file_names, (Texts{"cat/5_good.png"}));
  EXPECT_TRUE((data.images({0}) == 7 / 127.5f - 1).all().item<bool>());
  ASSERT_EQ(report_.skipped.size(), 4u);
  EXPECT_EQ(report_.skipped[0].name, "cat/1_truncated.png");
  EXPECT_EQ(report_.skipped[3].name, "cat/4_lying.png");
  for (const SkippedFile& file : report_.skipped) EXPECT_FALSE(file.reason.empty());

  options_.strict = true;
  expect_parts(message_of<FormatError>([&] { load(); }), {"cat/", "strict"});
}

TEST_F(ImageFolderTest, UnreadableFileIsABrokenImage) {
  put("cat/1.png", png(7, 7, 7));
  put("cat/3.png", png(7, 7, 7));
  fs::create_symlink(folder_ / "cat/3.png", folder_ / "cat/2.png");
  if (::geteuid() == 0) GTEST_SKIP() << "root reads every file";
  fs::permissions(folder_ / "cat/1.png", fs::perms::none);
  EXPECT_EQ(load().size(), 2);
  ASSERT_EQ(report_.skipped.size(), 1u);
  EXPECT_EQ(report_.skipped[0].name, "cat/1.png");
}

TEST_F(ImageFolderTest, OnlyBrokenImagesIsAnError) {
  put("cat/1.png", "no");
  expect_parts(message_of<DataError>([&] { load(); }), {"at least one readable image", "cat/1.png"});
}

TEST_F(ImageFolderTest, EmptyOrMissingFolder) {
  expect_parts(message_of<DataError>([&] { load(); }), {"expected images", "got none"});
  put("readme.txt", "nothing here");
  expect_parts(message_of<DataError>([&] { load(); }), {"1 other files"});
  EXPECT_THROW(load(folder_ / "absent"), IoError);
}

TEST_F(ImageFolderTest, CaptionsWithoutImages) {
  put("metadata.jsonl", R"({"file_name": "gone.png", "text": "a cat"})");
  expect_parts(message_of<DataError>([&] { load(); }), {"only captions in metadata.jsonl"});
  put("here.png", png(1, 1, 1));
  put("metadata.jsonl",
      "{\"file_name\": \"gone.png\", \"text\": \"a cat\"}\n"
      "{\"file_name\": \"here.png\", \"text\": \"a cat\"}\n");
  expect_parts(message_of<DataError>([&] { load(); }), {"1 captioned images", "gone.png"});
}

TEST_F(ImageFolderTest, ImagesWithoutCaptions) {
  put("a.png", png(1, 1, 1));
  expect_parts(message_of<DataError>([&] { load(); }), {"1 images without: a.png", "metadata.jsonl"});
  for (int i = 0; i < 5; ++i) put("b" + std::to_string(i) + ".png", png(1, 1, 1));
  put("metadata.jsonl", R"({"file_name": "a.png", "text": "a cat"})");
  expect_parts(message_of<DataError>([&] { load(); }), {"5 images without one: b0.png, b1.png, b2.png and 2 more"});
  put("metadata.jsonl", "");
  expect_parts(message_of<DataError>([&] { load(); }), {"6 images without one", "metadata.jsonl"});
}

TEST_F(ImageFolderTest, HostileArchives) {
  EXPECT_THROW(load(tar({{"cat/1.png", png(1, 1, 1)}, {"../evil.png", png(1, 1, 1)}})), FormatError);
  EXPECT_THROW(load(tar({{"/etc/evil.png", png(1, 1, 1)}})), FormatError);
  const fs::path whole = tar({{"cat/1.png", png(1, 1, 1)}, {"cat/2.png", std::string(5000, 'x')}});
  fs::resize_file(whole, 1000);
  EXPECT_THROW(load(whole), FormatError);
}

TEST_F(ImageFolderTest, ArchiveThatUnpacksToFarTooMuch) {
  const fs::path bomb = tar({{"cat/1.png", std::string(size_t{120} << 20, 'x')}}, true);
  ASSERT_LT(fs::file_size(bomb), size_t{1} << 20);
  expect_parts(message_of<FormatError>([&] { load(bomb); }), {"archive"});
}

TEST_F(ImageFolderTest, ADamagedFileOfAZipIsLeftOutAndNamed) {
  const fs::path path = folder_ / "pictures.zip";
  struct archive* writer = archive_write_new();
  archive_write_set_format_zip(writer);
  archive_write_set_options(writer, "zip:compression=store");
  archive_write_open_filename(writer, path.c_str());
  const std::string first = png(1, 2, 3), second = png(4, 5, 6);
  for (const auto& [name, content] : {std::pair("cat/1.png", first), {"cat/2.png", second}}) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_write_header(writer, entry);
    archive_write_data(writer, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  std::string bytes = read_file(path);
  bytes[bytes.find(first) + 50] ^= 1;
  write_file_atomic(path, bytes);
  EXPECT_EQ(load(path).samples().file_names, (Texts{"cat/2.png"}));
  ASSERT_EQ(report_.skipped.size(), 1u);
  expect_parts(load_notes(report_).front(), {"cat/1.png", "damaged", "CRC"});
}

TEST_F(ImageFolderTest, MemoryIsCheckedBeforeItIsTaken) {
  for (int i = 0; i < 3; ++i) put("cat/" + std::to_string(i) + ".png", png(1, 1, 1));
  options_.image_size_px = 1024;
  options_.memory_limit_mb = 8;
  expect_parts(message_of<DataError>([&] { load(); }),
               {"memory_limit_mb = 8 MiB", "3 images of 1024 px = 9 MiB", "965 px would fit"});
}

TEST_F(ImageFolderTest, StopsOnRequestAndReportsProgress) {
  for (int i = 0; i < 70; ++i) put("cat/" + std::to_string(i) + ".png", png(1, 1, 1));
  double last = 0;
  control_.progress = [&](const Progress& progress) { last = progress.done; };
  load();
  EXPECT_EQ(last, 70);
  std::stop_source stop;
  control_.stop = stop.get_token();
  stop.request_stop();
  EXPECT_THROW(load(), Interrupted);
}

TEST(CaptionMetadata, PathsStayInside) {
  EXPECT_EQ(path_inside("a/./b//c.png"), "a/b/c.png");
  EXPECT_EQ(path_inside("a\\b.png"), "a/b.png");
  for (const char* bad : {"", "/a", "../a", "a/../b", "a\\..\\b", "C:\\a", "./C:/a", "\\a/.."}) {
    EXPECT_EQ(path_inside(bad), "") << bad;
  }
}

TEST(CaptionMetadata, BadLinesAreNamed) {
  const std::string good = "{\"file_name\": \"a.png\", \"text\": \"t\"}\n";
  for (const char* bad : {"{", "[1]", "3", "{\"text\": \"t\"}", "{\"file_name\": \"a.png\"}",
                          "{\"file_name\": 3, \"text\": \"t\"}", "{\"file_name\": \"../a.png\", \"text\": \"t\"}",
                          "{\"file_name\": \"/a.png\", \"text\": \"t\"}", "{\"file_name\": \"a.png\", \"text\": []}",
                          "{\"file_name\": \"a.png\", \"text\": [1]}", "{\"file_name\": \"a.png\", \"text\": \" \"}"}) {
    const std::string text = good + bad;
    expect_parts(message_of<FormatError>([&] { parse_metadata_jsonl(text, "m.jsonl"); }), {"m.jsonl:2: expected"});
  }
}

TEST(CaptionMetadata, BadCsv) {
  const auto message = [](const std::string& text) {
    return message_of<FormatError>([&] { parse_metadata_csv(text, "m.csv"); });
  };
  expect_parts(message(""), {"m.csv:1", "header"});
  expect_parts(message("id,text\n"), {"m.csv:1", "file_name", "'id | text'"});
  expect_parts(message("file_name,text\na.png,one, two\n"), {"m.csv:2", "2 fields", "got 3"});
  expect_parts(message("file_name,text\na.png,\"one\nb.png,two\n"), {"m.csv:2", "a quote that ends"});
  expect_parts(message("file_name,text\na.png,\"one\"x\n"), {"m.csv:2", "behind a quoted field"});
  expect_parts(message("file_name,text\na.png,\n"), {"m.csv:2", "caption"});
  const auto rows = parse_metadata_csv("file_name,text\n\"a.png\",\"x\n\ny\"\nb.png,z", "m.csv").rows;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].captions[0], "x\n\ny");
  EXPECT_EQ(rows[1].line, 5);
}

}  // namespace
}  // namespace noisescope
