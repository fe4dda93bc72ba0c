#include "noisescope/train/metrics.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

fs::path fresh_folder(const std::string& name) {
  const fs::path folder = fs::path(::testing::TempDir()) / ("noisescope_metrics_" + name);
  fs::remove_all(folder);
  return folder;
}

TEST(Crc32c, EqualsTheVectorsOfRfc3720AppendixB4) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising;
  for (char c = 0; c < 32; ++c) rising += c;
  EXPECT_EQ(crc32c(rising), 0x46dd794eu);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
}

TEST(AppendFile, SaysWhyItCannotWrite) {
  AppendFile full("/dev/full");
  try {
    full.append("x");
    FAIL() << "no error";
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("No space left"), std::string::npos) << error.what();
  }
  EXPECT_THROW(AppendFile("/dev/null/metrics.jsonl"), IoError);
}

TEST(MetricsLog, ResumingDropsWhatCameAfterTheCheckpoint) {
  const fs::path folder = fresh_folder("resume");
  int64_t kept = 0;
  {
    MetricsLog log(folder);
    log.write({{"step", 1}, {"loss", 0.5}});
    kept = log.flush();
    log.write({{"step", 2}, {"loss", 0.25}});
  }
  EXPECT_EQ(static_cast<int64_t>(fs::file_size(folder / "metrics.jsonl")), 2 * kept + 1);
  MetricsLog(folder, kept, 1).write({{"step", 2}, {"loss", 0.125}});
  EXPECT_EQ(read_file(folder / "metrics.jsonl"), "{\"step\":1,\"loss\":0.5}\n{\"step\":2,\"loss\":0.125}\n");
  MetricsLog anew(folder);
  EXPECT_EQ(anew.flush(), 0);
  EXPECT_TRUE(read_metrics(folder / "metrics.jsonl").empty());
}

TEST(MetricsLog, AShortenedFileKeepsItsWholeLines) {
  const fs::path folder = fresh_folder("short");
  write_file_atomic(folder / "metrics.jsonl", "{\"step\":1}\n{\"ste");
  MetricsLog log(folder, 1000, 9);
  EXPECT_EQ(log.flush(), 11);
  log.write({{"step", 10}});
  EXPECT_EQ(log.flush(), 23);
  EXPECT_EQ(read_file(folder / "metrics.jsonl"), "{\"step\":1}\n{\"step\":10}\n");
}

TEST(MetricsCsv, HasAColumnAKeyAndEmptyCells) {
  const fs::path folder = fresh_folder("csv");
  {
    MetricsLog log(folder);
    log.write({{"step", 1}, {"loss", 0.5}});
    log.write({{"step", 2}, {"validation_loss", 0.25}});
  }
  std::ofstream(folder / "metrics.jsonl", std::ios::app) << "{\"step\":3,\"lo";  // killed here
  write_metrics_csv(folder);
  EXPECT_EQ(read_file(folder / "metrics.csv"), "step,loss,validation_loss\n1,0.5,\n2,,0.25\n");
}

// Read back by tests/train/tensorboard_oracle.py, which says where.
TEST(TensorBoardEvents, AreWrittenForTheOracle) {
  const char* where = std::getenv("NOISESCOPE_EVENTS");
  const fs::path folder = where ? fs::path(where) : fresh_folder("events");
  int64_t kept = 0;
  {
    MetricsLog log(folder);
    for (int step = 1; step <= 6; ++step) {
      log.write({{"step", 100 * step}, {"loss", 1.0 / step}, {"note", "no number"}});
      if (step == 4) kept = log.flush();
    }
  }
  MetricsLog log(folder, kept, 400);
  for (int step = 5; step <= 7; ++step) {
    log.write({{"step", 100 * step}, {"loss", 10.0 * step}, {"validation_loss/sigma_2", 0.5}});
  }
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    files += entry.path().filename().string().rfind("events.out.tfevents.", 0) == 0;
  }
  EXPECT_EQ(files, 2);
}

}  // namespace
}  // namespace noisescope
