#include "noisescope/train/metrics.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <sstream>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// TensorBoard events are protocol-buffer messages in TFRecord frames. Only three small messages are
// needed, so they are put together by hand:
//   Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
//   Summary { repeated Value value = 1; }   Value { string tag = 1; float simple_value = 2; }

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

template <class T>
void put_fixed(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_bytes(std::string& out, int field, const std::string& bytes) {
  put_varint(out, static_cast<uint64_t>(field << 3 | 2));
  put_varint(out, bytes.size());
  out += bytes;
}

std::string event(double wall_time, int64_t step) {
  std::string out;
  put_varint(out, 1 << 3 | 1);
  put_fixed(out, wall_time);
  put_varint(out, 2 << 3 | 0);
  put_varint(out, static_cast<uint64_t>(step));
  return out;
}

uint32_t masked_crc(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

std::string frame(const std::string& message) {
  std::string length, out;
  put_fixed(length, static_cast<uint64_t>(message.size()));
  out = length;
  put_fixed(out, masked_crc(length));
  out += message;
  put_fixed(out, masked_crc(message));
  return out;
}

std::string scalar_event(const ordered_json& record, int64_t step) {
  std::string summary;
  for (const auto& [key, value] : record.items()) {
    if (key == "step" || !value.is_number()) continue;
    std::string scalar;
    put_bytes(scalar, 1, key);
    put_varint(scalar, 2 << 3 | 5);
    put_fixed(scalar, value.get<float>());
    put_bytes(summary, 1, scalar);
  }
  std::string out = event(unix_seconds(), step);
  put_bytes(out, 5, summary);
  return out;
}

fs::path event_path(const fs::path& folder) {
  char host[256] = "localhost";
  gethostname(host, sizeof host - 1);
  std::ostringstream name;
  name << "events.out.tfevents." << static_cast<int64_t>(unix_seconds()) << '.' << host << '.'
       << getpid() << ".0";
  return folder / name.str();
}

std::string csv_row(const std::vector<std::string>& columns, const ordered_json& record) {
  std::string row;
  for (const std::string& column : columns) {
    if (!row.empty() || column != columns.front()) row += ',';
    if (record.contains(column)) row += record.at(column).dump();
  }
  return row + "\n";
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> entries{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
      entries[i] = value;
    }
    return entries;
  }();
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = table[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ crc >> 8;
  return ~crc;
}

MetricsLog::MetricsLog(const fs::path& folder, int64_t kept_bytes) : folder_(folder) {
  make_folder(folder);
  const fs::path path = folder / "metrics.jsonl";
  if (fs::exists(path) && static_cast<int64_t>(fs::file_size(path)) >= kept_bytes) {
    fs::resize_file(path, static_cast<uintmax_t>(kept_bytes));
    bytes_ = kept_bytes;
  }
  lines_.open(path, std::ios::app | std::ios::binary);
  events_.open(event_path(folder), std::ios::app | std::ios::binary);
  if (!lines_ || !events_) {
    throw IoError("[train.MetricsLog] expected to write metrics into " + folder.string(), errno);
  }
  std::string version = event(unix_seconds(), 0);
  put_bytes(version, 3, "brain.Event:2");
  events_ << frame(version);
}

MetricsLog::~MetricsLog() = default;

void MetricsLog::write(const ordered_json& record) {
  const std::string line = record.dump() + "\n";
  lines_ << line;
  events_ << frame(scalar_event(record, record.at("step").get<int64_t>()));
  bytes_ += static_cast<int64_t>(line.size());
  flush();
}

int64_t MetricsLog::flush() {
  lines_.flush();
  events_.flush();
  if (!lines_ || !events_) {
    throw IoError("[train.MetricsLog] expected to append to the metrics in " + folder_.string() +
                  ", got an error of the disk; is it full?");
  }
  return bytes_;
}

std::vector<ordered_json> read_metrics(const fs::path& path) {
  std::vector<ordered_json> records;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    ordered_json record = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (record.is_object()) records.push_back(std::move(record));
  }
  return records;
}

void write_metrics_csv(const fs::path& folder) {
  const std::vector<ordered_json> records = read_metrics(folder / "metrics.jsonl");
  std::vector<std::string> columns;
  for (const ordered_json& record : records) {
    for (const auto& [key, value] : record.items()) {
      if (std::find(columns.begin(), columns.end(), key) == columns.end()) columns.push_back(key);
    }
  }
  std::string text;
  for (const std::string& column : columns) text += (text.empty() ? "" : ",") + column;
  text += "\n";
  for (const ordered_json& record : records) text += csv_row(columns, record);
  write_file_atomic(folder / "metrics.csv", text);
}

}  // namespace noisescope
