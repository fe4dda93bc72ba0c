// What a training run writes down while it goes: metrics.jsonl (one object a line), metrics.csv and
// TensorBoard events, all from the same records.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/core/namespaces.h"

namespace noisescope::train {

/// A file that only grows. Errors of the system come as IoError with their reason, at once.
class AppendFile {
 public:
  explicit AppendFile(const std::filesystem::path& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void append(std::string_view bytes);
  /// Returns when everything is on the disk.
  void sync();

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Appends records. On resume everything after `kept_bytes` of metrics.jsonl is dropped first, so a
/// continued run leaves the file that an uninterrupted one leaves (but for its time fields).
/// TensorBoard is told to forget what came after `kept_step`.
class MetricsLog {
 public:
  /// Throws IoError. kept_bytes 0 starts anew. If metrics.jsonl is shorter than kept_bytes (somebody
  /// edited it), its whole lines are kept.
  explicit MetricsLog(const std::filesystem::path& folder, int64_t kept_bytes = 0, int64_t kept_step = 0);

  /// One flat object: "step" and numbers. Throws IoError if it cannot be written (full disk).
  void write(const nlohmann::ordered_json& record);

  /// Length of metrics.jsonl, all of it on the disk.
  int64_t flush();

 private:
  int64_t bytes_;
  AppendFile lines_;
  AppendFile events_;
};

/// Fields of a record that depend on the clock: all others of a continued run equal those of an
/// uninterrupted one.
bool is_time_field(std::string_view key);

/// metrics.csv from metrics.jsonl: one column a key, in order of first use. Atomic.
void write_metrics_csv(const std::filesystem::path& folder);

/// The records of metrics.jsonl; an incomplete last line is left out.
std::vector<nlohmann::ordered_json> read_metrics(const std::filesystem::path& path);

/// CRC-32C (Castagnoli), as TFRecord framing uses it (RFC 3720, appendix B.4).
uint32_t crc32c(std::string_view bytes);

}  // namespace noisescope::train
