// Captions of an image folder, metadata.jsonl and metadata.csv; CSV -> records -> CSV -> records.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "noisescope/data/caption_metadata.h"
#include "noisescope/io/csv.h"
#include "noisescope/io/text_encoding.h"

namespace noisescope {
namespace {

/// `path` names a file below the folder, and says so when asked again.
void check_path(const std::string& path) {
  const std::string padded = "/" + path + "/";
  for (const char* bad : {"/../", "/./", "//", "\\"}) {
    if (padded.find(bad) != std::string::npos) std::abort();
  }
  if (path.find('\0') != std::string::npos || path_inside(path) != path) std::abort();
}

/// Lines go forward and end with the text.
template <class Rows>
void check_lines(const Rows& rows, std::string_view text) {
  int64_t last = 0;
  for (const auto& row : rows) {
    if (row.line <= last) std::abort();
    last = row.line;
  }
  const auto line_ends = std::count_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; });
  if (last > line_ends + 1) std::abort();
}

void check_rows(const std::vector<MetadataRow>& rows, std::string_view text) {
  check_lines(rows, text);
  for (const MetadataRow& row : rows) {
    check_path(row.file_name);
    if (row.captions.empty()) std::abort();
    for (const std::string& caption : row.captions) {
      if (caption.find_first_not_of(" \t\r\n\v\f") == std::string::npos) std::abort();
    }
  }
}

void check_csv(std::string_view text) {
  const std::vector<CsvRecord> records = parse_csv(text, "fuzz");
  check_lines(records, text);
  std::string written;
  for (const CsvRecord& record : records) {
    if (record.fields.size() != records.front().fields.size()) std::abort();
    written += csv_line(record.fields);
  }
  const std::vector<CsvRecord> back = parse_csv(written, "fuzz");
  if (back.size() != records.size()) std::abort();
  for (size_t i = 0; i < back.size(); ++i) {
    if (back[i].fields != records[i].fields) std::abort();
  }
}

/// Runs `parse`; a refusal is as good as a result.
template <class Parse>
void attempt(const Parse& parse) {
  try {
    parse();
  } catch (const FormatError&) {
  }
}

}  // namespace
}  // namespace noisescope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace noisescope;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  attempt([&] { check_rows(parse_metadata_jsonl(text, "fuzz").rows, text); });
  attempt([&] { check_rows(parse_metadata_csv(text, "fuzz").rows, text); });
  attempt([&] { parse_metadata_json(text, "fuzz"); });
  attempt([&] {
    const std::string decoded = decode_text(text, "fuzz").text;
    if (utf8_prefix(decoded) != decoded.size()) std::abort();
  });
  attempt([&] { check_csv(text); });
  if (const std::string inside = path_inside(text); !inside.empty()) check_path(inside);
  return 0;
}
