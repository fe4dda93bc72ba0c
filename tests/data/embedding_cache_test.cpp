#include "noisescope/data/embedding_cache.h"

#include <fstream>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kImages = 11;
constexpr int64_t kCaptions = 7;

/// Image i is filled with the value i / 10; captions are "caption 0", ...
class NumberedDataset : public Dataset {
 public:
  NumberedDataset() {
    for (int64_t i = 0; i < kCaptions; ++i) captions_.push_back("caption " + std::to_string(i));
  }
  std::string name() const override { return "numbered"; }
  int64_t size() const override { return kImages; }
  int64_t image_size_px() const override { return 2; }
  Tensor images(const std::vector<int64_t>& indices) const override {
    const Tensor values = torch::tensor(indices, torch::kInt64).to(torch::kFloat32) / 10;
    return values.view({-1, 1, 1, 1}).expand({-1, 3, 2, 2}).contiguous();
  }
  const std::vector<std::string>& captions() const override { return captions_; }
  std::vector<int64_t> captions_of(int64_t index) const override { return {index % kCaptions}; }
  bool flips_keep_captions() const override { return true; }
  std::string fingerprint() const override { return fingerprint_; }

  std::vector<std::string> captions_;
  std::string fingerprint_ = "data-1";
};

/// Encoders whose results can be told by hand, and that count their calls.
struct Counted {
  int text_calls = 0;
  int image_calls = 0;
  int die_at_call = -1;  // SIGKILL instead of the text call of this number

  Encoders encoders() {
    Encoders made{"weights-1", "preprocessing-1", {}, {}};
    made.text = [this](const std::vector<std::string>& captions) {
      if (text_calls == die_at_call) ::raise(SIGKILL);
      ++text_calls;
      std::vector<float> values;
      for (const std::string& caption : captions) {
        const float digit = static_cast<float>(caption.back() - '0');
        values.insert(values.end(), {digit, digit * digit, 1.0f});
      }
      return torch::tensor(values).view({-1, 3});
    };
    made.image = [this](const Tensor& images) {
      ++image_calls;
      return images.mean({2, 3});
    };
    return made;
  }
};

class EmbeddingCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        fs::path(::testing::TempDir()) / (std::string("embedding_cache_") + test->name() + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path cache() const { return folder_ / "embeddings.safetensors"; }
  fs::path partial() const { return folder_ / "embeddings.safetensors.partial"; }

  Embeddings open(Counted& counted, const EmbeddingCacheOptions& options) {
    return load_or_extract_embeddings(cache(), data_, counted.encoders(), options, {});
  }

  /// The message of the refusal.
  std::string refusal(const Encoders& encoders, EmbeddingCacheOptions options) {
    options.skip_extraction = true;
    try {
      load_or_extract_embeddings(cache(), data_, encoders, options, {});
    } catch (const ModelError& error) {
      return error.what();
    }
    return "accepted";
  }

  fs::path folder_;
  NumberedDataset data_;
};

const EmbeddingCacheOptions kSmall{.images = true, .batch_size = 2, .shard_batches = 2};

TEST_F(EmbeddingCacheTest, HoldsEveryRowAndItsStatistics) {
  Counted counted;
  const Embeddings made = open(counted, kSmall);
  EXPECT_TRUE(made.extracted);
  ASSERT_EQ(made.text.sizes(), torch::IntArrayRef({kCaptions, 3}));
  ASSERT_EQ(made.image.sizes(), torch::IntArrayRef({kImages, 3}));
  for (int64_t i = 0; i < kCaptions; ++i) {
    EXPECT_EQ(made.text[i][1].item<float>(), static_cast<float>(i * i));
  }
  EXPECT_FLOAT_EQ(made.image[kImages - 1][0].item<float>(), 1.0f);
  EXPECT_NEAR(made.text_statistics.mean[0].item<double>(), 3.0, 1e-12);
  EXPECT_NEAR(made.text_statistics.deviation[0].item<double>(), 2.0, 1e-12);  // of 0..6
  EXPECT_NEAR(made.image_statistics.mean[1].item<double>(), 0.5, 1e-6);
  EXPECT_FALSE(fs::exists(partial()));
}

TEST_F(EmbeddingCacheTest, ExtractsOnce) {
  Counted counted;
  const Embeddings made = open(counted, kSmall);
  const int calls = counted.text_calls + counted.image_calls;
  EXPECT_EQ(calls, 4 + 6);
  EmbeddingCacheOptions skip = kSmall;
  skip.skip_extraction = true;
  const Embeddings read = open(counted, skip);
  EXPECT_EQ(counted.text_calls + counted.image_calls, calls);
  EXPECT_FALSE(read.extracted);
  EXPECT_TRUE(torch::equal(read.text, made.text));
  EXPECT_TRUE(torch::equal(read.image, made.image));
  EXPECT_TRUE(torch::equal(read.text_statistics.eigenvectors, made.text_statistics.eigenvectors));
}

// Killed between the last write and the end: nothing is to be done but to clear up.
TEST_F(EmbeddingCacheTest, ShardsBesideAFinishedCacheAreRemoved) {
  Counted counted;
  open(counted, kSmall);
  write_file_atomic(partial() / "captions-0.safetensors", "x");
  EXPECT_FALSE(open(counted, kSmall).extracted);
  EXPECT_FALSE(fs::exists(partial()));
}

TEST_F(EmbeddingCacheTest, TextAloneNeedsNoImageEncoder) {
  Counted counted;
  Encoders encoders = counted.encoders();
  encoders.image = nullptr;
  const Embeddings made = load_or_extract_embeddings(cache(), data_, encoders, {}, {});
  EXPECT_FALSE(made.image.defined());
  EXPECT_THROW(load_or_extract_embeddings(cache(), data_, encoders, kSmall, {}), ValueError);
}

TEST_F(EmbeddingCacheTest, FirstImagesOnly) {
  Counted counted;
  EmbeddingCacheOptions few = kSmall;
  few.max_images = 3;
  EXPECT_EQ(open(counted, few).image.size(0), 3);
}

TEST_F(EmbeddingCacheTest, RefusalNamesWhatDiffers) {
  Counted counted;
  const Encoders right = counted.encoders();
  EXPECT_NE(refusal(right, kSmall).find("no such file"), std::string::npos);
  open(counted, kSmall);
  EXPECT_EQ(refusal(right, kSmall), "accepted");

  Encoders other = right;
  other.weights = "weights-2";
  EXPECT_NE(refusal(other, kSmall).find("weights differ"), std::string::npos);
  EXPECT_NE(refusal(other, kSmall).find("run once without skipping"), std::string::npos);
  other = right;
  other.preprocessing = "other";
  EXPECT_NE(refusal(other, kSmall).find("preprocessing differ"), std::string::npos);
  EXPECT_NE(refusal(right, {}).find("images differ"), std::string::npos);
  data_.fingerprint_ = "data-2";
  EXPECT_NE(refusal(right, kSmall).find("data differ"), std::string::npos);
  data_.fingerprint_ = "data-1";
  data_.captions_[3] = "caption 9";
  EXPECT_NE(refusal(right, kSmall).find("captions differ"), std::string::npos);
}

TEST_F(EmbeddingCacheTest, StaleCacheIsReplacedWithTheReason) {
  Counted counted;
  open(counted, kSmall);
  data_.captions_[3] = "caption 9";
  const Embeddings made = open(counted, kSmall);
  EXPECT_TRUE(made.extracted);
  EXPECT_NE(made.reason.find("captions differ"), std::string::npos);
  EXPECT_EQ(made.text[3][0].item<float>(), 9.0f);
}

TEST_F(EmbeddingCacheTest, DamagedCacheIsRefused) {
  Counted counted;
  open(counted, kSmall);
  const std::string whole = read_file(cache());
  std::string flipped = whole;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  write_file_atomic(cache(), flipped);
  EXPECT_NE(refusal(counted.encoders(), kSmall).find("checksum"), std::string::npos);
  write_file_atomic(cache(), whole.substr(0, whole.size() / 2));
  EXPECT_NE(refusal(counted.encoders(), kSmall), "accepted");
  EXPECT_TRUE(open(counted, kSmall).extracted);
  EXPECT_EQ(read_file(cache()), whole);
}

TEST_F(EmbeddingCacheTest, KilledExtractionGoesOnAndEndsWithTheSameBits) {
  Counted undisturbed;
  open(undisturbed, kSmall);
  const std::string whole = read_file(cache());
  fs::remove(cache());

  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Counted dying;
    dying.die_at_call = 3;  // in the second shard of captions
    open(dying, kSmall);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_FALSE(fs::exists(cache()));

  Counted resumed;
  open(resumed, kSmall);
  EXPECT_EQ(resumed.text_calls, 2);  // the first shard, two batches, was kept
  EXPECT_EQ(read_file(cache()), whole);
}

TEST_F(EmbeddingCacheTest, DamagedOrForeignShardIsMadeAgain) {
  Counted undisturbed;
  open(undisturbed, kSmall);
  const std::string whole = read_file(cache());
  fs::remove(cache());
  std::stop_source stop;
  Counted stopped;
  Control control{.progress =
                      [&](const Progress& progress) {
                        if (progress.done >= 6) stop.request_stop();
                      },
                  .stop = stop.get_token()};
  EXPECT_THROW(load_or_extract_embeddings(cache(), data_, stopped.encoders(), kSmall, control), Interrupted);
  const fs::path shard = partial() / "captions-0.safetensors";
  ASSERT_TRUE(fs::exists(shard));
  fs::resize_file(shard, fs::file_size(shard) - 1);
  Counted resumed;
  open(resumed, kSmall);
  EXPECT_EQ(resumed.text_calls, 4);
  EXPECT_EQ(read_file(cache()), whole);
}

TEST_F(EmbeddingCacheTest, SecondProcessIsRefused) {
  fs::create_directories(partial());
  const FolderLock lock(partial());
  Counted counted;
  EXPECT_THROW(open(counted, kSmall), IoError);
}

TEST_F(EmbeddingCacheTest, BrokenEncodersAreNamed) {
  Counted counted;
  Encoders encoders = counted.encoders();
  encoders.text = [](const std::vector<std::string>&) { return torch::zeros({1, 3}); };
  EXPECT_THROW(load_or_extract_embeddings(cache(), data_, encoders, kSmall, {}), ShapeError);
  encoders.text = [](const std::vector<std::string>& captions) {
    return torch::full({static_cast<int64_t>(captions.size()), 3}, NAN);
  };
  EXPECT_THROW(load_or_extract_embeddings(cache(), data_, encoders, kSmall, {}), NumericError);
  EXPECT_FALSE(fs::exists(cache()));
}

}  // namespace
}  // namespace noisescope
