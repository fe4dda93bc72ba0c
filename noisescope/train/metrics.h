// What a training run writes down while it goes: metrics.jsonl (one object a line), metrics.csv and
// TensorBoard events, all from the same records.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace noisescope {

/// Appends records. On resume everything after `kept_bytes` of metrics.jsonl is dropped first, so a
/// continued run leaves the file that an uninterrupted one leaves (but for its time fields); the CSV
/// is written anew from it.
class MetricsLog {
 public:
  /// Throws IoError. kept_bytes 0 starts anew.
  MetricsLog(const std::filesystem::path& folder, int64_t kept_bytes);
  ~MetricsLog();

  /// One flat object: "step" and numbers. Throws IoError if it cannot be written (full disk).
  void write(const nlohmann::ordered_json& record);

  /// Length of metrics.jsonl, all of it on disk.
  int64_t flush();

 private:
  void write_events(const nlohmann::ordered_json& record);

  std::filesystem::path folder_;
  std::ofstream lines_;
  std::ofstream events_;
  int64_t bytes_ = 0;
};

/// metrics.csv from metrics.jsonl: one column a key, in order of first use. Atomic.
void write_metrics_csv(const std::filesystem::path& folder);

/// The records of metrics.jsonl; an incomplete last line is left out.
std::vector<nlohmann::ordered_json> read_metrics(const std::filesystem::path& path);

/// CRC-32C (Castagnoli), as TFRecord framing uses it (RFC 3720, appendix B.4).
uint32_t crc32c(std::string_view bytes);

}  // namespace noisescope
