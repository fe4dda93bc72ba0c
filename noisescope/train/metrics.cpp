#include "noisescope/train/metrics.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <sstream>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"

namespace noisescope::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// TensorBoard events are protocol-buffer messages in TFRecord frames. Only four small messages are
// needed, so they are put together by hand:
//   Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5;
//             SessionLog session_log = 7; }
//   Summary { repeated Value value = 1; }   Value { string tag = 1; float simple_value = 2; }
//   SessionLog { enum { START = 1; } status = 1; }

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

constexpr std::string_view kEventPrefix = "events.out.tfevents.";

/// A name that sorts after those of earlier parts of the run: TensorBoard reads them in that order.
fs::path event_path(const fs::path& folder) {
  auto time = static_cast<int64_t>(unix_seconds());
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(kEventPrefix, 0) != 0) continue;
    time = std::max<int64_t>(time, std::atoll(name.c_str() + kEventPrefix.size()) + 1);
  }
  std::array<char, 256> host{"localhost"};
  gethostname(host.data(), host.size() - 1);
  std::ostringstream name;
  name << kEventPrefix << time << '.' << host.data() << '.' << getpid() << ".0";
  return folder / name.str();
}

/// The head of an event file. A session start makes TensorBoard forget everything from `step` on.
std::string events_head(int64_t step) {
  std::string version = event(unix_seconds(), 0);
  put_bytes(version, 3, "brain.Event:2");
  std::string start = event(unix_seconds(), step), session;
  put_varint(session, 1 << 3 | 0);
  put_varint(session, 1);
  put_bytes(start, 7, session);
  return frame(version) + frame(start);
}

/// Cuts metrics.jsonl after `kept` bytes, or after its last whole line before; the new length.
int64_t cut_lines(const fs::path& path, int64_t kept) {
  if (!fs::exists(path)) return 0;
  int64_t length = kept;
  if (static_cast<int64_t>(fs::file_size(path)) < kept) {
    length = static_cast<int64_t>(read_file(path).rfind('\n') + 1);  // npos + 1 = 0
  }
  fs::resize_file(path, static_cast<uintmax_t>(length));
  return length;
}

/// The folder, ready to be logged into; the length of metrics.jsonl that stays.
int64_t prepare(const fs::path& folder, int64_t kept_bytes) {
  make_folder(folder);
  try {
    return cut_lines(folder / "metrics.jsonl", kept_bytes);
  } catch (const fs::filesystem_error& error) {
    throw IoError(format_text("[train.MetricsLog] expected to write {}, got '{}'; check the rights of the file",
                              (folder / "metrics.jsonl").string(), error.code().message()));
  }
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

AppendFile::AppendFile(const fs::path& path)
    : path_(path), descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) {
    throw IoError("[train.AppendFile] expected to open " + path_.string(), errno);
  }
}

AppendFile::~AppendFile() { ::close(descriptor_); }

void AppendFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      throw IoError("[train.AppendFile] expected to append to " + path_.string(), errno);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void AppendFile::sync() {
  while (::fsync(descriptor_) != 0) {
    if (errno == EINVAL) return;  // a file system that cannot: there is nothing to wait for
    if (errno != EINTR) throw IoError("[train.AppendFile] expected to sync " + path_.string(), errno);
  }
}

MetricsLog::MetricsLog(const fs::path& folder, int64_t kept_bytes, int64_t kept_step)
    : bytes_(prepare(folder, kept_bytes)), lines_(folder / "metrics.jsonl"), events_(event_path(folder)) {
  events_.append(events_head(kept_step + 1));
  sync_folder(folder);
}

void MetricsLog::write(const ordered_json& record) {
  const std::string line = record.dump() + "\n";
  lines_.append(line);
  events_.append(frame(scalar_event(record, record.at("step").get<int64_t>())));
  bytes_ += static_cast<int64_t>(line.size());
}

int64_t MetricsLog::flush() {
  lines_.sync();
  return bytes_;
}

bool is_time_field(std::string_view key) { return key == "seconds" || key == "images_per_second"; }

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

}  // namespace noisescope::train
