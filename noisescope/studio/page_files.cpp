#include "noisescope/studio/page_files.h"

#include <array>

extern "C" {
#include "page_symbols.inc"
}

namespace noisescope::studio {
namespace {

struct Entry {
  std::string_view path;
  const char *begin, *end;
};

const Entry kEntries[] = {
#include "page_table.inc"
    {"", nullptr, nullptr}};

constexpr std::array<std::pair<std::string_view, const char*>, 11> kTypes = {{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".json", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
    {".woff2", "font/woff2"},
}};

}  // namespace

std::optional<PageFile> page_file(std::string_view path) {
  for (const Entry& entry : kEntries) {
    if (entry.begin && entry.path == path) {
      return PageFile{{entry.begin, static_cast<size_t>(entry.end - entry.begin)}, type_of(path)};
    }
  }
  return std::nullopt;
}

const char* type_of(std::string_view path) {
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

}  // namespace noisescope::studio
