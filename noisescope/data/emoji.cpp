#include "noisescope/data/emoji.h"

#include <chrono>
#include <map>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/families.h"
#include "noisescope/io/codec/colour_font.h"
#include "noisescope/io/file.h"
#include "noisescope/io/image_tensor.h"
#include "noisescope/io/resize.h"

namespace noisescope::data {
namespace {

constexpr uint64_t kMaxListBytes = 16 << 20;
constexpr int64_t kReportEmoji = 256;
constexpr size_t kMaxSequence = 32;
constexpr const char *kFontPackage = "fonts-noto-color-emoji", *kListPackage = "unicode-data";

[[noreturn]] void fail_emoji(const std::string& name, int64_t line, const std::string& expected, std::string_view got) {
  throw FormatError(
      format_text("[data.parse_emoji_list] {}:{}: expected {}, got '{}'; emoji-test.txt of the Debian "
                  "package unicode-data has it",
                  name, line, expected, got.substr(0, 80)));
}

/// Without spaces at the ends.
std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
}

/// Cuts `text` behind the first `mark`: what stood before it; all of it where there is none.
std::string_view take_until(std::string_view& text, char mark) {
  const size_t end = std::min(text.find(mark), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

/// "1F44B 1F3FF" -> code points; empty if it is none.
std::u32string code_points(std::string_view text) {
  std::u32string points;
  text = trimmed(text);
  while (!text.empty()) {
    const std::string_view word = take_until(text, ' ');
    uint32_t value = 0;
    if (word.size() < 2 || word.size() > 6) return {};
    for (const char c : word) {
      const bool digit = c >= '0' && c <= '9';
      if (!digit && !(c >= 'A' && c <= 'F')) return {};
      value = value * 16 + static_cast<uint32_t>(digit ? c - '0' : c - 'A' + 10);
    }
    if (value > 0x10FFFF || points.size() == kMaxSequence) return {};
    points.push_back(static_cast<char32_t>(value));
  }
  return points;
}

/// "# 👋🏿 E1.0 waving hand: dark skin tone" without the '#': the name, empty if it has another form.
std::string_view name_of(std::string_view comment) {
  comment = trimmed(comment);
  take_until(comment, ' ');  // the emoji itself
  const std::string_view version = take_until(comment, ' ');
  return version.starts_with('E') ? trimmed(comment) : std::string_view{};
}

void replace_every(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// Lower-case hexadecimal joined by '-'.
std::string sequence_name(const std::u32string& sequence) {
  std::string name;
  for (const char32_t point : sequence) {
    name += (name.empty() ? "" : "-") + format_text("{:x}", static_cast<uint32_t>(point));
  }
  return name;
}

void require_file(const std::string& path, const std::string& key, const std::string& package) {
  if (std::filesystem::is_regular_file(path)) return;
  throw DataError("[data.load_emoji] expected the file " + path + " (" + key +
                  "), got none; it is part of the Debian " + "package " + package +
                  ": run tools/setup.sh, or apt-get install " + package + ", or set " + key + " to where it lies");
}

/// Centred on a white square, scaled to `side`.
Image squared(const Image& picture, int64_t side) {
  const int64_t longest = std::max(picture.width, picture.height);
  Image square{longest, longest, 3, std::vector<uint8_t>(static_cast<size_t>(3 * longest * longest), 255)};
  const int64_t left = (longest - picture.width) / 2, top = (longest - picture.height) / 2;
  for (int64_t y = 0; y < picture.height; ++y) {
    std::copy_n(picture.at(y, 0), 3 * picture.width, square.at(top + y, left));
  }
  return resize_bicubic(square, side, side);
}

/// Collects what can be drawn.
class EmojiCollector {
 public:
  EmojiCollector(const EmojiOptions& options, const ImageLoadOptions& load, LoadReport& report)
      : flags_(options.flags), side_(load.image_size_px), font_(options.font), report_(report) {}

  void add(const EmojiEntry& entry) {
    if (!flags_ && entry.group == "Flags") {
      ++flags_left_out_;
      return;
    }
    const std::string name = sequence_name(entry.sequence);
    const std::optional<Image> drawn = font_.draw_on_white(entry.sequence);
    if (!drawn) {
      report_.skipped.push_back({name, "the font has no picture of '" + entry.caption + "'"});
      return;
    }
    ++report_.source_sizes[{drawn->width, drawn->height}];
    pictures_.push_back(image_to_bytes(squared(*drawn, side_)));
    samples_.file_names.push_back(name);
    samples_.caption_rows.push_back({samples_.captions.add(entry.caption)});
    samples_.parts.push_back(Part::train);
    samples_.labels.push_back(label_of(entry.subgroup));
  }

  ImageSamples finish() {
    if (pictures_.empty()) throw DataError("[data.load_emoji] expected emoji that the font draws, got none");
    if (flags_left_out_ > 0) {
      report_.remarks.push_back(
          format_text("{} flags left out; data.emoji_flags=true takes them, too", flags_left_out_));
    }
    report_.loaded = static_cast<int64_t>(pictures_.size());
    samples_.pixels = torch::stack(pictures_);
    return std::move(samples_);
  }

 private:
  int64_t label_of(const std::string& subgroup) {
    const auto [entry, is_new] = labels_.try_emplace(subgroup, static_cast<int64_t>(samples_.class_names.size()));
    if (is_new) samples_.class_names.push_back(subgroup);
    return entry->second;
  }

  bool flags_;
  int64_t side_;
  ColourFont font_;
  LoadReport& report_;
  std::vector<Tensor> pictures_;
  ImageSamples samples_;
  std::map<std::string, int64_t> labels_;
  int64_t flags_left_out_ = 0;
};

}  // namespace

std::string emoji_caption(std::string_view name) {
  std::string caption(name);
  replace_every(caption, ": ", ", ");
  replace_every(caption, "\u2019", "'");
  replace_every(caption, "\u201c", "\"");
  replace_every(caption, "\u201d", "\"");
  return caption;
}

std::vector<EmojiEntry> parse_emoji_list(std::string_view text, const std::string& name) {
  constexpr std::string_view kGroup = "# group:", kSubgroup = "# subgroup:";
  std::vector<EmojiEntry> entries;
  std::string group, subgroup;
  for (int64_t number = 1; !text.empty(); ++number) {
    const std::string_view line = trimmed(take_until(text, '\n'));
    if (line.starts_with(kGroup)) group = trimmed(line.substr(kGroup.size()));
    if (line.starts_with(kSubgroup)) subgroup = trimmed(line.substr(kSubgroup.size()));
    if (line.empty() || line.front() == '#') continue;
    std::string_view rest = line;
    const std::string_view points = take_until(rest, ';');
    if (rest.empty()) fail_emoji(name, number, "'code points; status # emoji E1.0 name'", line);
    const std::string_view status = trimmed(take_until(rest, '#'));
    if (status != "fully-qualified") continue;  // the same emoji in other spellings, and parts of others
    EmojiEntry entry{code_points(points), emoji_caption(name_of(rest)), group, subgroup};
    if (entry.sequence.empty()) fail_emoji(name, number, "code points in hexadecimal", line);
    if (entry.caption.empty()) fail_emoji(name, number, "'# emoji E1.0 name' at the end", line);
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) {
    throw DataError("[data.parse_emoji_list] expected fully-qualified emoji in " + name +
                    ", got none; give emoji-test.txt of the Debian package unicode-data");
  }
  return entries;
}

std::string missing_emoji_package(const EmojiOptions& options) {
  if (!std::filesystem::exists(options.font)) return kFontPackage;
  return std::filesystem::exists(options.list) ? "" : kListPackage;
}

ImageDataset load_emoji(const EmojiOptions& options, const ImageLoadOptions& load, uint64_t seed,
                        const Control& control, LoadReport& report) {
  const auto start = std::chrono::steady_clock::now();
  require_file(options.font, "data.emoji_font", kFontPackage);
  require_file(options.list, "data.emoji_list", kListPackage);
  const std::vector<EmojiEntry> entries = parse_emoji_list(read_file(options.list, kMaxListBytes), options.list);
  EmojiCollector collector(options, load, report);
  for (size_t i = 0; i < entries.size(); ++i) {
    control.throw_if_stopped("data.load_emoji");
    if (i % kReportEmoji == 0) control.report({"load", double(i), double(entries.size()), "images", ""});
    collector.add(entries[i]);
  }
  ImageSamples samples = collector.finish();
  samples.name = options.flags ? "emoji with flags" : "emoji";
  const std::vector<Family> families = find_families(samples);
  const std::vector<int64_t> held = hold_out_members(families, options.held_out, seed);
  for (const int64_t sample : held) samples.parts[static_cast<size_t>(sample)] = Part::test;
  const std::string found = format_text("{} families of pictures that differ by one word", families.size());
  report.remarks.push_back(
      held.empty()
          ? found
          : format_text("{}; {} of their members held out of all training, by composition", found, held.size()));
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return ImageDataset(std::move(samples));
}

}  // namespace noisescope::data
