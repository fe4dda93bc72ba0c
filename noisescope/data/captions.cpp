#include "noisescope/data/captions.h"

#include <algorithm>

#include "noisescope/core/error.h"

namespace noisescope::data {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string tidy_caption(std::string_view caption) {
  std::string tidy;
  for (char c : caption) {
    if (!is_space(c)) {
      tidy += c;
    } else if (!tidy.empty() && tidy.back() != ' ') {
      tidy += ' ';
    }
  }
  if (!tidy.empty() && tidy.back() == ' ') tidy.pop_back();
  return tidy;
}

int64_t CaptionTable::add(std::string_view caption) {
  std::string tidy = tidy_caption(caption);
  if (tidy.empty()) {
    throw DataError("[data.CaptionTable.add] expected a caption with text, got an empty one");
  }
  const auto [entry, added] = row_of_.try_emplace(tidy, static_cast<int64_t>(texts_.size()));
  if (added) texts_.push_back(std::move(tidy));
  return entry->second;
}

std::vector<int64_t> CaptionTable::add_all(const std::vector<std::string>& captions) {
  std::vector<int64_t> rows;
  for (const std::string& caption : captions) {
    const int64_t row = add(caption);
    if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(row);
  }
  return rows;
}

std::vector<std::string> fill_templates(const std::vector<std::string>& templates,
                                        const std::vector<std::string>& names) {
  std::vector<std::string> captions;
  for (const std::string& form : templates) {
    const size_t slot = form.find("{}");
    if (slot == std::string::npos || form.find("{}", slot + 2) != std::string::npos) {
      throw ValueError(
          "[data.fill_templates] expected a template with one {} for the class name, "
          "got '" +
          form + "'; write for example 'a photo of a {}'");
    }
    for (const std::string& name : names) {
      captions.push_back(form.substr(0, slot) + name + form.substr(slot + 2));
    }
  }
  return captions;
}

std::vector<std::string> split_synonyms(std::string_view words) {
  std::vector<std::string> synonyms;
  while (!words.empty()) {
    const size_t comma = words.find(',');
    std::string synonym = tidy_caption(words.substr(0, comma));
    if (!synonym.empty()) synonyms.push_back(std::move(synonym));
    words = comma == std::string_view::npos ? std::string_view{} : words.substr(comma + 1);
  }
  return synonyms;
}

std::string name_from_folder(std::string_view folder) {
  std::string name(folder);
  std::replace(name.begin(), name.end(), '_', ' ');
  return tidy_caption(name);
}

bool mention_sides(const std::vector<std::string>& captions) {
  for (const std::string& caption : captions) {
    for (const std::string& word : caption_words(caption)) {
      if (word == "left" || word == "right") return true;
    }
  }
  return false;
}

std::vector<std::string> caption_words(std::string_view caption) {
  std::vector<std::string> words;
  bool inside = false;
  for (char c : caption) {
    if (is_word(c)) {
      if (!inside) words.emplace_back();
      words.back() += lower(c);
    }
    inside = is_word(c);
  }
  return words;
}

}  // namespace noisescope::data
