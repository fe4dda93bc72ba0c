#include "noisescope/data/caption_metadata.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

std::string_view without_mark(std::string_view text) {  // the byte order mark of some editors
  return text.substr(0, 3) == "\xef\xbb\xbf" ? text.substr(3) : text;
}

[[noreturn]] void fail(const std::string& name, int64_t line, const std::string& what) {
  throw FormatError("[data.metadata] " + name + ":" + std::to_string(line) + ": " + what);
}

MetadataRow checked_row(const std::string& file_name, std::vector<std::string> captions,
                        const std::string& name, int64_t line) {
  const std::string inside = path_inside(file_name);
  if (inside.empty()) {
    fail(name, line, "expected a file_name inside the folder, got '" + file_name.substr(0, 200) +
                         "'; paths must be relative and without '..'");
  }
  if (captions.empty() || std::any_of(captions.begin(), captions.end(), is_blank)) {
    fail(name, line, "expected a caption of '" + inside + "', got none; fill in 'text'");
  }
  return {inside, std::move(captions), line};
}

std::vector<std::string> captions_of(const nlohmann::json& text, const std::string& name,
                                     int64_t line) {
  if (text.is_string()) return {text.get<std::string>()};
  std::vector<std::string> captions;
  const bool is_list = text.is_array() && std::all_of(text.begin(), text.end(), [](const auto& item) {
    return item.is_string();
  });
  if (!is_list) fail(name, line, "expected 'text' to be a string or a list of strings");
  for (const auto& item : text) captions.push_back(item.template get<std::string>());
  return captions;
}

/// Reads RFC 4180 records one after the other.
class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  int64_t line() const { return record_line_; }

  /// False at the end of the text.
  bool next(std::vector<std::string>& fields) {
    fields.clear();
    if (position_ >= text_.size()) return false;
    record_line_ = line_;
    while (true) {
      fields.push_back(peek() == '"' ? quoted() : plain());
      const char end = peek();
      if (end == ',') {
        ++position_;
        continue;
      }
      if (end == '\r') ++position_;
      if (peek() == '\n') ++position_;
      ++line_;
      return true;
    }
  }

 private:
  char peek() const { return position_ < text_.size() ? text_[position_] : '\n'; }

  std::string plain() {
    const size_t end = std::min(text_.find_first_of(",\r\n", position_), text_.size());
    const std::string_view field = text_.substr(position_, end - position_);
    position_ = end;
    return std::string(field);
  }

  std::string quoted() {
    std::string field;
    for (++position_; position_ < text_.size(); ++position_) {
      const char c = text_[position_];
      if (c == '\n') ++line_;
      if (c != '"') {
        field += c;
      } else if (position_ + 1 < text_.size() && text_[position_ + 1] == '"') {
        field += '"';
        ++position_;
      } else {
        ++position_;
        if (peek() != ',' && peek() != '\r' && peek() != '\n') {
          fail(name_, line_, "expected a comma or the end of the line after a quoted field");
        }
        return field;
      }
    }
    fail(name_, record_line_, "expected a closing quote, got the end of the file");
  }

  std::string_view text_;
  const std::string& name_;
  size_t position_ = 0;
  int64_t line_ = 1;
  int64_t record_line_ = 1;
};

size_t column(const std::vector<std::string>& header, const std::string& wanted,
              const std::string& name) {
  const auto found = std::find(header.begin(), header.end(), wanted);
  if (found == header.end()) {
    fail(name, 1, "expected a header with the columns file_name and text, got none named '" +
                      wanted + "'");
  }
  return static_cast<size_t>(found - header.begin());
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
    rows.push_back(checked_row(file_name->get<std::string>(), captions_of(*captions, name, line),
                               name, line));
  }
  return rows;
}

std::vector<MetadataRow> parse_metadata_csv(std::string_view text, const std::string& name) {
  CsvReader reader(without_mark(text), name);
  std::vector<std::string> fields;
  if (!reader.next(fields)) fail(name, 1, "expected a header line, got an empty file");
  const size_t file_name = column(fields, "file_name", name);
  const size_t caption = column(fields, "text", name);
  const size_t width = fields.size();
  std::vector<MetadataRow> rows;
  while (reader.next(fields)) {
    if (fields.size() == 1 && is_blank(fields[0])) continue;
    if (fields.size() != width) {
      fail(name, reader.line(), "expected " + std::to_string(width) + " fields, got " +
                                    std::to_string(fields.size()) +
                                    "; put captions with commas in double quotes");
    }
    rows.push_back(checked_row(fields[file_name], {fields[caption]}, name, reader.line()));
  }
  return rows;
}

}  // namespace noisescope
