#include "noisescope/data/caption_metadata.h"

#include <algorithm>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/options.h"
#include "noisescope/data/captions.h"
#include "noisescope/io/csv.h"
#include "noisescope/io/text_encoding.h"

namespace noisescope::data {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kPlainImage = "file_name";
constexpr const char* kPlainCaption = "text";
const std::vector<std::string> kImageNames = {"file_name", "filename",   "file",     "image",     "image_path", "path",
                                              "img",       "image_file", "filepath", "file_path", "image_name"};
const std::vector<std::string> kCaptionNames = {"text", "caption", "captions", "description", "prompt", "texts"};

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }

/// Without blanks around it, in lower case: how names of columns are compared.
std::string plain_name(std::string_view name) {
  const size_t begin = name.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return "";
  std::string plain(name.substr(begin, name.find_last_not_of(" \t") + 1 - begin));
  for (char& c : plain) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return plain;
}

[[noreturn]] void fail(const std::string& name, int64_t line, const std::string& what) {
  throw FormatError(format_text("[data.metadata] {}:{}: {}", name, line, what));
}

MetadataRow checked_row(const std::string& file_name, std::vector<std::string> captions, const std::string& name,
                        int64_t line) {
  const std::string inside = path_inside(file_name);
  if (inside.empty()) {
    fail(name, line,
         "expected a file name inside the folder, got " + in_quotes(file_name) +
             "; paths must be relative to this file and without '..'");
  }
  if (captions.empty() || std::any_of(captions.begin(), captions.end(), is_blank)) {
    fail(name, line, "expected a caption of " + in_quotes(inside) + ", got none; fill it in, or remove the line");
  }
  for (const std::string& caption : captions) {
    if (caption.size() <= kMaxCaptionBytes) continue;
    fail(name, line,
         format_text("expected captions of at most {} bytes, got one of {} of {}; shorten it, or give several",
                     kMaxCaptionBytes, caption.size(), in_quotes(inside)));
  }
  return {inside, std::move(captions), line};
}

/// Where the two columns stand among `names`; nothing if one is not there.
struct Places {
  size_t image = 0;
  size_t caption = 0;
};
std::optional<size_t> place_of(const std::vector<std::string>& names, const std::string& asked,
                               const std::vector<std::string>& usual) {
  for (const std::string& wanted : asked.empty() ? usual : std::vector<std::string>{plain_name(asked)}) {
    const auto found = std::find_if(names.begin(), names.end(), [&](const auto& n) { return plain_name(n) == wanted; });
    if (found != names.end()) return static_cast<size_t>(found - names.begin());
  }
  return std::nullopt;
}
std::optional<Places> places_of(const std::vector<std::string>& names, const CaptionColumns& columns) {
  const auto image = place_of(names, columns.image, kImageNames);
  const auto caption = place_of(names, columns.caption, kCaptionNames);
  if (!image || !caption) return std::nullopt;
  return Places{*image, *caption};
}

std::string wanted_columns(const CaptionColumns& columns) {
  const std::string image = columns.image.empty() ? join(kImageNames) : columns.image;
  const std::string caption = columns.caption.empty() ? join(kCaptionNames) : columns.caption;
  return "a picture (" + image + ") and its caption (" + caption + ")";
}

constexpr const char* kColumnHint =
    "; name the columns with data.image_column and data.caption_column, or rename them to file_name and text";

/// "pictures from 'image', captions from 'caption'", "" for the plain names.
std::string columns_remark(const std::string& image, const std::string& caption) {
  if (image == kPlainImage && caption == kPlainCaption) return "";
  return "pictures from '" + image + "', captions from '" + caption + "'";
}

void add_remark(CaptionRows& metadata, const std::string& remark) {
  if (remark.empty() || metadata.remark.find(remark) != std::string::npos) return;
  metadata.remark += (metadata.remark.empty() ? "" : ", ") + remark;
}

std::vector<std::string> texts_of(const Json& text, const std::string& name, int64_t line) {
  if (text.is_string()) return {text.get<std::string>()};
  std::vector<std::string> captions;
  const bool is_list =
      text.is_array() && std::all_of(text.begin(), text.end(), [](const auto& item) { return item.is_string(); });
  if (!is_list) {
    fail(name, line, "expected a string or a list of strings as caption, got " + in_quotes(text.dump(-1, ' ', true)));
  }
  for (const auto& item : text) captions.push_back(item.template get<std::string>());
  return captions;
}

/// Is this one {"file_name": ..., "text": ...}, not an object of file names?
bool is_row(const Json& json, const CaptionColumns& columns) {
  if (!json.is_object()) return false;
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  const auto places = places_of(keys, columns);
  return places && json.at(keys[places->image]).is_string();
}

/// The row of {"file_name": ..., "text": ...}.
void add_object(const Json& object, const std::string& name, int64_t line, const CaptionColumns& columns,
                CaptionRows& metadata) {
  if (!object.is_object()) {
    const std::string got = object.is_discarded() ? "a line that is no whole JSON" : "something else";
    fail(name, line, R"(expected {"file_name": "...", "text": "..."}, got )" + got);
  }
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  const auto places = places_of(keys, columns);
  if (!places) {
    fail(name, line,
         "expected " + wanted_columns(columns) + ", got the members " + in_quotes(join(keys)) + kColumnHint);
  }
  const std::string &image = keys[places->image], &caption = keys[places->caption];
  if (!object.at(image).is_string()) fail(name, line, "expected a string as " + in_quotes(image));
  metadata.rows.push_back(
      checked_row(object.at(image).get<std::string>(), texts_of(object.at(caption), name, line), name, line));
  add_remark(metadata, columns_remark(image, caption));
}

/// Records of the first separator whose header has both columns; those of a comma if none has.
std::vector<CsvRecord> separated(std::string_view text, const std::string& name, const CaptionColumns& columns,
                                 char& separator) {
  for (const char candidate : {',', ';', '\t', '|'}) {
    const std::string_view header = text.substr(0, text.find_first_of("\r\n"));
    const std::vector<CsvRecord> records = parse_csv(header, name, candidate);
    if (records.empty() || !places_of(records.front().fields, columns)) continue;
    separator = candidate;
    return parse_csv(text, name, candidate);
  }
  separator = ',';
  return parse_csv(text, name, separator);
}

}  // namespace

bool is_metadata_name(std::string_view file) {
  static const std::set<std::string, std::less<>> kNames = {"metadata.jsonl", "metadata.json",  "metadata.csv",
                                                            "metadata.tsv",   "captions.jsonl", "captions.json",
                                                            "captions.csv",   "captions.tsv",   "captions.txt"};
  return kNames.contains(file);
}

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

CaptionRows parse_metadata(std::string_view bytes, const std::string& name, const CaptionColumns& columns) {
  const DecodedText decoded = decode_text(bytes, name);
  CaptionRows metadata = name.ends_with(".jsonl")  ? parse_metadata_jsonl(decoded.text, name, columns)
                         : name.ends_with(".json") ? parse_metadata_json(decoded.text, name, columns)
                                                   : parse_metadata_csv(decoded.text, name, columns);
  if (decoded.was_utf16) add_remark(metadata, "in UTF-16");
  return metadata;
}

CaptionRows parse_metadata_jsonl(std::string_view text, const std::string& name, const CaptionColumns& columns) {
  CaptionRows metadata;
  for (int64_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (is_blank(content)) continue;
    add_object(Json::parse(content, nullptr, /*allow_exceptions=*/false), name, line, columns, metadata);
  }
  return metadata;
}

CaptionRows parse_metadata_json(std::string_view text, const std::string& name, const CaptionColumns& columns) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() && Json::parse(text.substr(0, text.find('\n')), nullptr, false).is_object()) {
    CaptionRows lines = parse_metadata_jsonl(text, name, columns);
    add_remark(lines, "an object a line");
    return lines;
  }
  if (!json.is_array() && !json.is_object()) {
    fail(name, 1, R"(expected a list of {"file_name": "...", "text": "..."}, got something else)");
  }
  CaptionRows metadata;
  if (is_row(json, columns)) {
    add_object(json, name, 1, columns, metadata);
    return metadata;
  }
  int64_t entry = 0;
  for (const auto& [key, value] : json.items()) {
    ++entry;
    if (json.is_array()) {
      add_object(value, name, entry, columns, metadata);
      continue;
    }
    std::vector<std::string> keys;
    if (value.is_object()) {
      for (const auto& [member, content] : value.items()) keys.push_back(member);
    }
    const auto caption = place_of(keys, columns.caption, kCaptionNames);
    const Json& texts = caption ? value.at(keys[*caption]) : value;
    metadata.rows.push_back(checked_row(key, texts_of(texts, name, entry), name, entry));
  }
  return metadata;
}

CaptionRows parse_metadata_csv(std::string_view text, const std::string& name, const CaptionColumns& columns) {
  char separator = ',';
  const std::vector<CsvRecord> records = separated(text, name, columns, separator);
  if (records.empty()) fail(name, 1, "expected a header line, got an empty file");
  const std::vector<std::string>& header = records.front().fields;
  const auto places = places_of(header, columns);
  if (!places) {
    fail(name, records.front().line,
         "expected a header line with " + wanted_columns(columns) + ", got the columns " +
             in_quotes(join(header, " | ")) + kColumnHint);
  }
  if (records.size() == 1) fail(name, 1, "expected a line a picture below the header, got none; fill in the captions");
  CaptionRows metadata;
  for (size_t i = 1; i < records.size(); ++i) {
    const auto& [fields, line] = records[i];
    const std::string& file = fields[places->image];
    const size_t begin = std::min(file.find_first_not_of(" \t"), file.size());
    metadata.rows.push_back(checked_row(file.substr(begin, file.find_last_not_of(" \t") + 1 - begin),
                                        {fields[places->caption]}, name, line));
  }
  if (separator != ',')
    add_remark(metadata, separator == '\t' ? "separated by tabs" : format_text("separated by '{}'", separator));
  add_remark(metadata, columns_remark(plain_name(header[places->image]), plain_name(header[places->caption])));
  return metadata;
}

}  // namespace noisescope::data
