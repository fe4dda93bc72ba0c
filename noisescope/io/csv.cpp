#include "noisescope/io/csv.h"

#include <algorithm>

#include "noisescope/core/format.h"

namespace noisescope::io {
namespace {

constexpr std::string_view kMark = "\xef\xbb\xbf";  // byte order mark

bool is_spaces(std::string_view field) { return field.find_first_not_of(" \t") == std::string::npos; }

/// One field of spaces that no quote begins.
bool is_empty_line(const CsvRecord& record, char first) {
  return record.fields.size() == 1 && first != '"' && is_spaces(record.fields[0]);
}

/// A cursor over the text that makes fields and records.
class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& name, char separator)
      : text_(text), name_(name), separator_(separator), ends_plain_{separator, '\r', '\n'} {
    if (text_.starts_with(kMark)) position_ = kMark.size();
  }

  std::vector<CsvRecord> read() {
    std::vector<CsvRecord> records;
    while (position_ < text_.size()) {
      if (take_line_end()) continue;
      const size_t start = position_;
      CsvRecord record = take_record();
      if (is_empty_line(record, text_[start])) continue;
      if (!records.empty() && record.fields.size() != records.front().fields.size()) {
        fail(start, record.line, format_text("{} fields as in the first record", records.front().fields.size()),
             format_text("{}; put fields that hold the separator in double quotes", record.fields.size()));
      }
      records.push_back(std::move(record));
    }
    return records;
  }

 private:
  CsvRecord take_record() {
    CsvRecord record{.fields = {}, .line = line_};
    do {
      record.fields.push_back(at('"') ? take_quoted() : take_plain());
    } while (take(separator_));
    if (position_ < text_.size() && !take_line_end()) {
      fail(position_, line_, "a separator or the end of the line behind a quoted field", "other text");
    }
    return record;
  }

  std::string take_plain() {
    const size_t start = position_;
    position_ = std::min(text_.find_first_of(ends_plain_, start), text_.size());
    return std::string(text_.substr(start, position_ - start));
  }

  std::string take_quoted() {
    const size_t start = position_++;
    const int64_t line = line_;
    std::string field;
    while (position_ < text_.size()) {
      if (take('"')) {
        if (!at('"')) return field;
      }
      const size_t piece = position_;
      if (!take_line_end()) ++position_;
      field += text_.substr(piece, position_ - piece);
    }
    fail(start, line, "a quote that ends", "the end of the file");
  }

  bool at(char c) const { return position_ < text_.size() && text_[position_] == c; }
  bool take(char c) {
    if (!at(c)) return false;
    ++position_;
    return true;
  }
  bool take_line_end() {  // LF, CRLF, or CR alone
    const bool carriage_return = take('\r');
    if (!take('\n') && !carriage_return) return false;
    ++line_;
    return true;
  }

  [[noreturn]] void fail(size_t position, int64_t line, const std::string& expected, const std::string& got) const {
    throw FormatError(format_text("{}:{}", name_, line), position,
                      format_text("[io.parse_csv] expected {}, got {}", expected, got));
  }

  std::string_view text_;
  const std::string& name_;
  char separator_;
  std::string ends_plain_;
  size_t position_ = 0;
  int64_t line_ = 1;
};

}  // namespace

std::vector<CsvRecord> parse_csv(std::string_view text, const std::string& name, char separator) {
  return CsvReader(text, name, separator).read();
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line += ',';
    // A lone blank field would read back as an empty line, a byte order mark might be passed over.
    const bool quote = field.find_first_of(",\"\r\n") != std::string::npos ||
                       (is_spaces(field) && fields.size() == 1) || field.starts_with(kMark);
    if (!quote) {
      line += field;
      continue;
    }
    line += '"';
    for (const char c : field) line.append(c == '"' ? 2 : 1, c);
    line += '"';
  }
  return line + "\n";
}

}  // namespace noisescope::io
