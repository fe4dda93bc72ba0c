#include "noisescope/data/caption_metadata.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/csv.h"

namespace noisescope::data {
namespace {

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }

std::string_view without_mark(std::string_view text) {  // the byte order mark of some editors
  return text.substr(0, 3) == "\xef\xbb\xbf" ? text.substr(3) : text;
}

[[noreturn]] void fail(const std::string& name, int64_t line, const std::string& what) {
  throw FormatError(format_text("[data.metadata] {}:{}: {}", name, line, what));
}

MetadataRow checked_row(const std::string& file_name, std::vector<std::string> captions, const std::string& name,
                        int64_t line) {
  const std::string inside = path_inside(file_name);
  if (inside.empty()) {
    fail(name, line,
         "expected a file_name inside the folder, got '" + file_name.substr(0, 200) +
             "'; paths must be relative and without '..'");
  }
  if (captions.empty() || std::any_of(captions.begin(), captions.end(), is_blank)) {
    fail(name, line, "expected a caption of '" + inside + "', got none; fill in 'text'");
  }
  return {inside, std::move(captions), line};
}

std::vector<std::string> captions_of(const nlohmann::json& text, const std::string& name, int64_t line) {
  if (text.is_string()) return {text.get<std::string>()};
  std::vector<std::string> captions;
  const bool is_list =
      text.is_array() && std::all_of(text.begin(), text.end(), [](const auto& item) { return item.is_string(); });
  if (!is_list) fail(name, line, "expected 'text' to be a string or a list of strings");
  for (const auto& item : text) captions.push_back(item.template get<std::string>());
  return captions;
}

size_t column(const CsvRecord& header, const std::string& wanted, const std::string& name) {
  const auto found = std::find(header.fields.begin(), header.fields.end(), wanted);
  if (found == header.fields.end()) {
    fail(name, header.line, "expected a header with the columns file_name and text, got none named '" + wanted + "'");
  }
  return static_cast<size_t>(found - header.fields.begin());
}

}  // namespace

std::string path_inside(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\0') != std::string_view::npos) return "";
  std::string inside;
  while (!path.empty()) {
    const size_t end = std::min(path.find_first_of("/\\"), path.size());
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part == "..") return "";
    if (part.empty() || part == ".") continue;
    inside.append(inside.empty() ? "" : "/").append(part);
  }
  const bool has_drive = inside.size() > 1 && inside[1] == ':';  // "./C:/a" has one too
  return has_drive ? "" : inside;
}

std::vector<MetadataRow> parse_metadata_jsonl(std::string_view text, const std::string& name) {
  text = without_mark(text);
  std::vector<MetadataRow> rows;
  for (int64_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (is_blank(content)) continue;
    const auto json = nlohmann::json::parse(content, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) {
      fail(name, line, R"(expected {"file_name": "...", "text": "..."}, got something else)");
    }
    const auto file_name = json.find("file_name");
    if (file_name == json.end() || !file_name->is_string()) {
      fail(name, line, "expected a string 'file_name', got none");
    }
    const auto captions = json.find("text");
    if (captions == json.end()) fail(name, line, "expected 'text', got none");
    rows.push_back(checked_row(file_name->get<std::string>(), captions_of(*captions, name, line), name, line));
  }
  return rows;
}

std::vector<MetadataRow> parse_metadata_csv(std::string_view text, const std::string& name) {
  const std::vector<CsvRecord> records = parse_csv(text, name);
  if (records.empty()) fail(name, 1, "expected a header line, got an empty file");
  const size_t file_name = column(records[0], "file_name", name);
  const size_t caption = column(records[0], "text", name);
  std::vector<MetadataRow> rows;
  for (size_t i = 1; i < records.size(); ++i) {
    const auto& [fields, line] = records[i];
    rows.push_back(checked_row(fields[file_name], {fields[caption]}, name, line));
  }
  return rows;
}

}  // namespace noisescope::data
