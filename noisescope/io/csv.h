// Comma-separated values as RFC 4180 has them. No torch here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "noisescope/core/error.h"

namespace noisescope::io {

/// One record and the line of the file on which it begins (1-based).
struct CsvRecord {
  std::vector<std::string> fields;
  int64_t line = 0;
};

/// All records, the header among them. Quoted fields may hold separators, line breaks and doubled quotes;
/// LF, CRLF and CR end records; blank lines and a byte order mark are passed over. `name` is for messages.
/// Throws FormatError with line and byte offset for a quote that does not end or text behind one, and for a
/// record whose number of fields is not that of the first.
std::vector<CsvRecord> parse_csv(std::string_view text, const std::string& name, char separator = ',');

/// One record with its line end; fields are quoted where they must be.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace noisescope::io
