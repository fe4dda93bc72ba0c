#include "noisescope/data/tiny_imagenet.h"

#include <charconv>
#include <map>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/captions.h"
#include "noisescope/io/codec/archive.h"
#include "noisescope/io/text_encoding.h"

namespace noisescope::data {
namespace {

constexpr const char* kTinyWhere = "[data.load_tiny_imagenet] ";

/// The tables of the layout, read in one pass; paths without the top folder.
struct Tables {
  std::string root;                         // "" or "tiny-imagenet-200/"
  std::map<std::string, std::string> text;  // path -> content

  const std::string& at(const std::string& path) const {
    const auto found = text.find(path);
    if (found == text.end()) {
      throw DataError(
          format_text("{}expected '{}' of the Tiny ImageNet layout, got none; "
                      "give the folder, .zip or .tar as published",
                      kTinyWhere, path));
    }
    return found->second;
  }
};

std::string root_of(const FileSource& source) {
  for (const std::string& name : source.names()) {
    if (name == "wnids.txt") return "";
    if (name.ends_with("/wnids.txt")) return name.substr(0, name.size() - 9);
  }
  throw DataError(
      format_text("{}expected Tiny ImageNet (wnids.txt, words.txt, train/) in {}, got no wnids.txt; "
                  "for other pictures use data.kind folder",
                  kTinyWhere, source.path().string()));
}

Tables read_tables(const FileSource& source) {
  Tables tables;
  tables.root = root_of(source);
  const auto wanted = [&](const std::string& name) { return name.starts_with(tables.root) && name.ends_with(".txt"); };
  source.visit(wanted, [&](const std::string& name, std::string content) {
    tables.text[name.substr(tables.root.size())] = decode_text(content, name).text;
  });
  return tables;
}

/// Calls visit(fields, line number) for every line that is not blank, split at tabs.
template <class Visit>
void for_lines(std::string_view text, const Visit& visit) {
  for (int64_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view rest = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
    if (rest.empty()) continue;
    std::vector<std::string_view> fields;
    while (true) {
      const size_t tab = std::min(rest.find('\t'), rest.size());
      fields.push_back(rest.substr(0, tab));
      if (tab == rest.size()) break;
      rest.remove_prefix(tab + 1);
    }
    visit(fields, line);
  }
}

[[noreturn]] void fail_line(const std::string& path, int64_t line, const std::string& expected) {
  throw FormatError(format_text("{}{}:{}: expected {}", kTinyWhere, path, line, expected));
}

/// left, top, right, bottom, inclusive, in fields[first...].
BoundingBox parse_box(const std::vector<std::string_view>& fields, size_t first, const std::string& path,
                      int64_t line) {
  int64_t value[4] = {};
  bool good = fields.size() == first + 4;
  for (size_t i = 0; good && i < 4; ++i) {
    const std::string_view field = fields[first + i];
    const char* end = field.data() + field.size();
    const auto [stop, error] = std::from_chars(field.data(), end, value[i]);
    good = error == std::errc() && stop == end && value[i] >= 0 && value[i] < (1 << 24);
  }
  if (!good || value[2] < value[0] || value[3] < value[1]) {
    fail_line(path, line, "a box of left, top, right and bottom in pixels after tabs");
  }
  return {double(value[0]), double(value[1]), double(value[2] + 1), double(value[3] + 1)};
}

struct Classes {
  std::vector<std::string> ids;                    // in the order of wnids.txt
  std::vector<std::vector<std::string>> synonyms;  // of each
  std::map<std::string, int64_t, std::less<>> label_of;
};

Classes read_classes(const Tables& tables) {
  Classes classes;
  for_lines(tables.at("wnids.txt"), [&](const auto& fields, int64_t line) {
    const std::string id(fields[0]);
    if (fields.size() != 1 || id.find_first_of("/\\. ") != std::string::npos) {
      fail_line("wnids.txt", line, "one WordNet id");
    }
    if (!classes.label_of.emplace(id, static_cast<int64_t>(classes.ids.size())).second) {
      fail_line("wnids.txt", line, "each id once, got '" + id + "' again");
    }
    classes.ids.push_back(id);
  });
  if (classes.ids.empty()) throw DataError(kTinyWhere + std::string("expected ids in wnids.txt, got none"));
  classes.synonyms.resize(classes.ids.size());
  for_lines(tables.at("words.txt"), [&](const auto& fields, int64_t line) {
    if (fields.size() != 2) fail_line("words.txt", line, "an id, a tab and names");
    const auto found = classes.label_of.find(fields[0]);
    if (found == classes.label_of.end()) return;
    classes.synonyms[static_cast<size_t>(found->second)] = split_synonyms(fields[1]);
  });
  for (size_t i = 0; i < classes.ids.size(); ++i) {
    if (classes.synonyms[i].empty()) {
      throw DataError(
          format_text("{}expected a name of every class in words.txt, got none of '{}'", kTinyWhere, classes.ids[i]));
    }
  }
  return classes;
}

/// What the tables say of an image.
struct Note {
  int64_t label = -1;
  std::optional<BoundingBox> box;
};
using Notes = std::map<std::string, Note>;  // by path below the root

Notes train_boxes(const Tables& tables, const Classes& classes) {
  Notes notes;
  for (size_t i = 0; i < classes.ids.size(); ++i) {
    const std::string& id = classes.ids[i];
    const std::string path = "train/" + id + "/" + id + "_boxes.txt";
    const auto found = tables.text.find(path);
    if (found == tables.text.end()) continue;
    for_lines(found->second, [&](const auto& fields, int64_t line) {
      notes["train/" + id + "/images/" + std::string(fields[0])] = {static_cast<int64_t>(i),
                                                                    parse_box(fields, 1, path, line)};
    });
  }
  return notes;
}

Notes validation_notes(const Tables& tables, const Classes& classes) {
  const std::string path = "val/val_annotations.txt";
  Notes notes;
  const auto found = tables.text.find(path);
  if (found == tables.text.end()) return notes;
  for_lines(found->second, [&](const auto& fields, int64_t line) {
    const auto label = fields.size() > 1 ? classes.label_of.find(fields[1]) : classes.label_of.end();
    if (label == classes.label_of.end()) fail_line(path, line, "a file, an id of wnids.txt and a box");
    notes["val/images/" + std::string(fields[0])] = {label->second, parse_box(fields, 2, path, line)};
  });
  return notes;
}

std::string file_name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// The class of "<part>/<id>/images/<file>" or "<part>/<id>/<file>", or -1.
int64_t folder_label(const Classes& classes, std::string_view path, std::string_view part) {
  if (!path.starts_with(part)) return -1;
  path.remove_prefix(part.size());
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos) return -1;
  const std::string_view rest = path.substr(slash + 1);
  const bool in_place = rest.find('/') == std::string_view::npos || rest.starts_with("images/");
  const auto found = classes.label_of.find(path.substr(0, slash));
  return found == classes.label_of.end() || !in_place ? -1 : found->second;
}

struct Gathered {
  std::vector<std::vector<ImageEntry>> train;  // by label
  std::vector<ImageEntry> validation;
  std::vector<std::string> unknown;  // images that no table explains
  int64_t rearranged = 0;            // pictures of val/ in class folders
};

/// Takes a picture of val/: by its line of the annotations, or by the class folder that it was moved into.
void take_validation(const std::string& name, const std::string& below, const Classes& classes, Notes& notes,
                     Gathered& gathered) {
  const int64_t folder = folder_label(classes, below, "val/");
  const auto note = notes.find(folder < 0 ? below : "val/images/" + file_name_of(below));
  const bool noted = note != notes.end();
  if (folder < 0 && !noted) {
    gathered.unknown.push_back(below);
    return;
  }
  if (folder >= 0 && noted && note->second.label != folder) {
    throw DataError(
        format_text("{}expected {} in the class of val_annotations.txt, {}, got it in another folder; move it",
                    kTinyWhere, below, classes.ids[static_cast<size_t>(note->second.label)]));
  }
  if (folder >= 0) ++gathered.rearranged;
  gathered.validation.push_back(
      {name, {}, Part::validation, noted ? note->second.label : folder, noted ? note->second.box : std::nullopt});
  if (noted) notes.erase(note);
}

Gathered gather(const FileSource& source, const Tables& tables, const Classes& classes, LoadReport& report) {
  Gathered gathered;
  gathered.train.resize(classes.ids.size());
  const Notes boxes = train_boxes(tables, classes);
  Notes validation = validation_notes(tables, classes);
  for (const std::string& name : source.names()) {
    const std::string below = name.substr(std::min(tables.root.size(), name.size()));
    if (!name.starts_with(tables.root) || !has_image_extension(name)) {
      if (!name.ends_with(".txt")) count_ignored(name, report);
    } else if (below.starts_with("test/")) {
      ++report.unlabelled;
    } else if (below.starts_with("val/")) {
      take_validation(name, below, classes, validation, gathered);
    } else if (const int64_t label = folder_label(classes, below, "train/"); label >= 0) {
      const std::string& id = classes.ids[static_cast<size_t>(label)];
      const auto box = boxes.find("train/" + id + "/images/" + file_name_of(below));
      gathered.train[static_cast<size_t>(label)].push_back(
          {name, {}, Part::train, label, box == boxes.end() ? std::nullopt : box->second.box});
    } else {
      gathered.unknown.push_back(below);
    }
  }
  if (gathered.rearranged > 0) {
    report.remarks.push_back(format_text("val/ is arranged in class folders: {} pictures", gathered.rearranged));
  }
  std::vector<std::string> absent;
  for (const auto& [path, note] : validation) absent.push_back(path);
  if (!absent.empty()) {
    throw DataError(
        format_text("{}expected an image for every line of val_annotations.txt, got none for {}: {}; "
                    "the archive is incomplete",
                    kTinyWhere, absent.size(), name_examples(absent)));
  }
  return gathered;
}

std::vector<ImageEntry> entries_of(Gathered gathered, const Classes& classes, const ClassCaptions& captions) {
  const auto& [templates, synonyms] = captions;
  if (!gathered.unknown.empty()) {
    throw DataError(
        format_text("{}expected every image in train/ID/images/, val/images/ (with val_annotations.txt) or val/ID/, ID "
                    "one of wnids.txt, got {} others: {}; move them away",
                    kTinyWhere, gathered.unknown.size(), name_examples(gathered.unknown)));
  }
  std::vector<ImageEntry> entries;
  for (size_t label = 0; label < classes.ids.size(); ++label) {
    if (gathered.train[label].empty()) {
      throw DataError(format_text("{}expected training images of every class, got none of {} (train/{}/images/)",
                                  kTinyWhere, classes.ids[label], classes.ids[label]));
    }
    for (ImageEntry& entry : gathered.train[label]) entries.push_back(std::move(entry));
  }
  for (ImageEntry& entry : gathered.validation) entries.push_back(std::move(entry));
  for (ImageEntry& entry : entries) {
    const std::vector<std::string>& all = classes.synonyms[static_cast<size_t>(entry.label)];
    entry.captions =
        synonyms == Synonyms::all ? fill_templates(templates, all) : fill_templates(templates, {all.front()});
  }
  return entries;
}

}  // namespace

ImageDataset load_tiny_imagenet(const std::filesystem::path& path, const ClassCaptions& captions,
                                const ImageLoadOptions& options, const Control& control, LoadReport& report) {
  const std::unique_ptr<FileSource> source = open_file_source(path);
  const Tables tables = read_tables(*source);
  const Classes classes = read_classes(tables);
  const std::vector<ImageEntry> entries = entries_of(gather(*source, tables, classes, report), classes, captions);
  ImageSamples samples = load_images(*source, entries, options, control, report);
  samples.name = "tiny_imagenet " + path.string();
  for (const std::vector<std::string>& names : classes.synonyms) {
    samples.class_names.push_back(names.front());
  }
  return ImageDataset(std::move(samples));
}

}  // namespace noisescope::data
