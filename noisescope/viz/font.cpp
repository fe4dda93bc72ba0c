#include "noisescope/viz/font.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "noisescope/viz/text.h"

namespace noisescope::viz {
namespace {

constexpr double kEm = 20, kXHeight = 10, kCapHeight = 14, kAscender = 16.5, kDescender = -4.8;
// Small text reads better a little wider and looser than the strokes were drawn.
constexpr double kWiden = 1.07, kTracking = 0.8;
constexpr double kSmall = 0.66;  // size of subscripts and superscripts
constexpr char32_t kBox = 0xFFFD;
constexpr char32_t kHat = 0x0302;
constexpr char32_t kEllipsis = 0x2026;

struct GlyphStrokes {
  char32_t code_point;
  double advance;
  const char* path;
};

constexpr GlyphStrokes kGlyphs[] = {
#include "noisescope/viz/font_glyphs.inc"
};

struct Point {
  double x, y;
};

struct Segment {
  Point from, to;
};

/// Reads the numbers of a glyph path.
struct PathReader {
  const char* at;
  double number() {
    char* end = nullptr;
    const double value = std::strtod(at, &end);
    at = end;
    return value;
  }
  Point point() {
    const double x = number();
    return {x, number()};
  }
};

void add_curve(std::vector<Segment>& out, Point p0, Point p1, Point p2, Point p3) {
  constexpr int kPieces = 10;
  Point last = p0;
  for (int i = 1; i <= kPieces; ++i) {
    const double t = static_cast<double>(i) / kPieces, s = 1 - t;
    const double a = s * s * s, b = 3 * s * s * t, c = 3 * s * t * t, d = t * t * t;
    const Point next{a * p0.x + b * p1.x + c * p2.x + d * p3.x, a * p0.y + b * p1.y + c * p2.y + d * p3.y};
    out.push_back({last, next});
    last = next;
  }
}

Point add_arc(std::vector<Segment>& out, PathReader& reader) {
  const Point center = reader.point(), radius = reader.point();
  const Point angles = reader.point();
  const int pieces = std::max(4, static_cast<int>(std::abs(angles.y - angles.x) / 10));
  const auto at = [&](int i) {
    const double angle = (angles.x + (angles.y - angles.x) * i / pieces) * std::numbers::pi / 180;
    return Point{center.x + radius.x * std::cos(angle), center.y + radius.y * std::sin(angle)};
  };
  for (int i = 0; i < pieces; ++i) out.push_back({at(i), at(i + 1)});
  return at(pieces);
}

std::vector<Segment> parse_path(const char* path) {
  std::vector<Segment> out;
  PathReader reader{path};
  Point pen{0, 0};
  while (*reader.at != '\0') {
    const char command = *reader.at++;
    if (command == 'M') {
      pen = reader.point();
    } else if (command == 'L') {
      const Point to = reader.point();
      out.push_back({pen, to});
      pen = to;
    } else if (command == 'C') {
      const Point p1 = reader.point(), p2 = reader.point(), p3 = reader.point();
      add_curve(out, pen, p1, p2, p3);
      pen = p3;
    } else {
      pen = add_arc(out, reader);
    }
  }
  return out;
}

struct Glyph {
  double advance = 0;
  std::vector<Segment> segments;
};

/// Characters drawn with the strokes of others: curly quotes, no-break space.
char32_t folded(char32_t c) {
  switch (c) {
    case '\t':
    case '\n':
    case '\r':
    case 0x00A0:
    case 0x2009:
    case 0x202F:
      return ' ';
    case 0x2018:
    case 0x2019:
      return '\'';
    case 0x201C:
    case 0x201D:
      return '"';
    case 0x2010:
    case 0x2011:
      return '-';
    default:
      return c;
  }
}

/// The character that a subscript or superscript shrinks, 0 for none; `raise` in units of the em.
char32_t shrunk_from(char32_t c, double& raise) {
  raise = -3.2;
  if (c >= 0x2080 && c <= 0x2089) return U'0' + (c - 0x2080);
  if (c == 0x209C) return U't';
  raise = 5.6;
  if (c >= 0x2074 && c <= 0x2079) return U'4' + (c - 0x2074);
  switch (c) {
    case 0x2070:
      return U'0';
    case 0x00B9:
      return U'1';
    case 0x00B2:
      return U'2';
    case 0x00B3:
      return U'3';
    case 0x207B:
      return 0x2212;
    default:
      return 0;
  }
}

Glyph find_glyph(char32_t c) {
  for (const GlyphStrokes& glyph : kGlyphs) {
    if (glyph.code_point != c) continue;
    Glyph found{glyph.advance * kWiden + (glyph.advance > 0 ? kTracking : 0), parse_path(glyph.path)};
    for (Segment& s : found.segments) {
      const double shift = glyph.advance > 0 ? kTracking / 2 : 0;
      s.from.x = s.from.x * kWiden + shift;
      s.to.x = s.to.x * kWiden + shift;
    }
    return found;
  }
  return c == kBox ? Glyph{} : find_glyph(kBox);
}

Glyph load_glyph(char32_t c) {
  double raise = 0;
  const char32_t base = shrunk_from(c, raise);
  if (base == 0) return find_glyph(folded(c));
  Glyph glyph = find_glyph(base);
  glyph.advance *= kSmall;
  for (Segment& s : glyph.segments) {
    s = {{s.from.x * kSmall, s.from.y * kSmall + raise}, {s.to.x * kSmall, s.to.y * kSmall + raise}};
  }
  return glyph;
}

/// Pixels of a coordinate, bent so that `anchors` (units) fall where strokes are crisp.
class GridFit {
 public:
  GridFit(std::vector<double> anchors, double scale, double stroke_px) : scale_(scale) {
    std::sort(anchors.begin(), anchors.end());
    // A stroke of odd width is crisp when centred in a pixel, one of even width on an edge.
    const double offset = std::lround(stroke_px) % 2 == 1 ? 0.5 : 0.0;
    for (const double anchor : anchors) {
      const double px = std::round(anchor * scale - offset) + offset;
      if (!from_.empty() && (anchor - from_.back() < 0.6 || px <= to_.back())) continue;
      from_.push_back(anchor);
      to_.push_back(px);
    }
  }

  double operator()(double x) const {
    if (from_.empty()) return x * scale_;
    if (x <= from_.front()) return to_.front() + (x - from_.front()) * scale_;
    if (x >= from_.back()) return to_.back() + (x - from_.back()) * scale_;
    const auto upper = std::upper_bound(from_.begin(), from_.end(), x) - from_.begin();
    const double share = (x - from_[upper - 1]) / (from_[upper] - from_[upper - 1]);
    return to_[upper - 1] + share * (to_[upper] - to_[upper - 1]);
  }

 private:
  double scale_;
  std::vector<double> from_, to_;
};

double stroke_width(const TextStyle& style) {
  return std::max(style.bold ? 1.7 : 1.12, style.size_px * (style.bold ? 0.115 : 0.077));
}

/// The strokes in pixels relative to the pen, y upwards from the baseline.
std::vector<Segment> fit_glyph(const Glyph& glyph, const TextStyle& style) {
  const double scale = style.size_px / kEm, stroke = stroke_width(style);
  std::vector<double> stems, bars = {0, kXHeight, kCapHeight};
  for (const Segment& s : glyph.segments) {
    if (std::abs(s.from.x - s.to.x) < 1e-6 && std::abs(s.from.y - s.to.y) > 3) {
      stems.push_back(s.from.x);
    }
    if (std::abs(s.from.y - s.to.y) < 1e-6 && std::abs(s.from.x - s.to.x) > 3) {
      bars.push_back(s.from.y);
    }
  }
  const GridFit x(std::move(stems), scale, stroke), y(std::move(bars), scale, stroke);
  std::vector<Segment> out;
  for (const Segment& s : glyph.segments) {
    out.push_back({{x(s.from.x), y(s.from.y)}, {x(s.to.x), y(s.to.y)}});
  }
  return out;
}

double distance(Point p, const Segment& s) {
  const double dx = s.to.x - s.from.x, dy = s.to.y - s.from.y;
  const double length2 = dx * dx + dy * dy;
  double t = length2 > 0 ? ((p.x - s.from.x) * dx + (p.y - s.from.y) * dy) / length2 : 0;
  t = std::clamp(t, 0.0, 1.0);
  return std::hypot(p.x - s.from.x - t * dx, p.y - s.from.y - t * dy);
}

/// Adds one stroke: coverage falls linearly over the pixel that the edge crosses.
void draw_segment(TextMask& mask, const Segment& s, double radius) {
  const auto x0 = static_cast<int64_t>(std::floor(std::min(s.from.x, s.to.x) - radius - 1));
  const auto x1 = static_cast<int64_t>(std::ceil(std::max(s.from.x, s.to.x) + radius + 1));
  const auto y0 = static_cast<int64_t>(std::floor(std::min(s.from.y, s.to.y) - radius - 1));
  const auto y1 = static_cast<int64_t>(std::ceil(std::max(s.from.y, s.to.y) + radius + 1));
  for (int64_t y = std::max<int64_t>(0, y0); y < std::min(mask.height, y1); ++y) {
    for (int64_t x = std::max<int64_t>(0, x0); x < std::min(mask.width, x1); ++x) {
      const double d = distance({x + 0.5, y + 0.5}, s);
      const double coverage = std::clamp(radius + 0.5 - d, 0.0, 1.0);
      uint8_t& cell = mask.coverage[y * mask.width + x];
      cell = std::max(cell, static_cast<uint8_t>(std::lround(255 * coverage)));
    }
  }
}

int64_t advance_px(const Glyph& glyph, const TextStyle& style) {
  const double bold = style.bold && glyph.advance > 0 ? 0.45 : 0;
  return std::lround((glyph.advance + bold) * style.size_px / kEm);
}

int64_t width_of(const std::vector<char32_t>& text, const TextStyle& style) {
  int64_t width = 0;
  for (const char32_t c : text) width += advance_px(load_glyph(c), style);
  return width;
}

std::string ellipsised(std::vector<char32_t> text, const TextStyle& style, int64_t max_width) {
  if (width_of(text, style) <= max_width) return encode_utf8(text);
  text.push_back(kEllipsis);
  while (text.size() > 1 && width_of(text, style) > max_width) {
    text.erase(text.end() - 2);
    while (text.size() > 1 && text[text.size() - 2] == ' ') text.erase(text.end() - 2);
  }
  return encode_utf8(text);
}

}  // namespace

int64_t text_width(std::string_view utf8, const TextStyle& style) { return width_of(text_code_points(utf8), style); }

int64_t line_height(const TextStyle& style) { return std::lround(style.size_px * 1.35); }

TextMask render_text(std::string_view utf8, const TextStyle& style) {
  const std::vector<char32_t> text = text_code_points(utf8);
  const double scale = style.size_px / kEm, radius = stroke_width(style) / 2;
  TextMask mask;
  mask.width = width_of(text, style) + 2;  // a slanted last stroke may lean out
  mask.baseline_px = static_cast<int64_t>(std::ceil(kAscender * scale));
  mask.height = mask.baseline_px + static_cast<int64_t>(std::ceil(-kDescender * scale));
  mask.coverage.assign(mask.width * mask.height, 0);
  int64_t pen = 0, previous = 0;
  for (const char32_t c : text) {
    const Glyph glyph = load_glyph(c);
    const double x = c == kHat ? pen - previous / 2.0 : static_cast<double>(pen);
    for (const Segment& s : fit_glyph(glyph, style)) {
      const auto placed = [&](Point p) { return Point{x + p.x, mask.baseline_px - p.y}; };
      draw_segment(mask, {placed(s.from), placed(s.to)}, radius);
    }
    previous = advance_px(glyph, style);
    pen += previous;
  }
  return mask;
}

std::string ellipsise(std::string_view utf8, const TextStyle& style, int64_t max_width) {
  return ellipsised(text_code_points(utf8), style, max_width);
}

std::vector<std::string> wrap_text(std::string_view utf8, const TextStyle& style, int64_t max_width,
                                   int64_t max_lines) {
  std::vector<char32_t> rest = text_code_points(utf8);
  for (char32_t& c : rest) c = folded(c);
  std::vector<std::string> lines;
  while (!rest.empty() && static_cast<int64_t>(lines.size()) < max_lines) {
    rest.erase(rest.begin(), std::find_if(rest.begin(), rest.end(), [](char32_t c) { return c != ' '; }));
    if (rest.empty()) break;
    if (static_cast<int64_t>(lines.size()) + 1 == max_lines) {
      lines.push_back(ellipsised(rest, style, max_width));
      break;
    }
    size_t fits = 0, break_at = 0;
    for (int64_t width = 0; fits < rest.size(); ++fits) {
      width += advance_px(load_glyph(rest[fits]), style);
      if (width > max_width) break;
      if (rest[fits] == ' ') break_at = fits;
    }
    const bool overflow = fits < rest.size();
    const bool at_word_end = overflow && rest[fits] == ' ';
    size_t end = !overflow || at_word_end || break_at == 0 ? fits : break_at;
    end = std::max<size_t>(end, 1);
    std::vector<char32_t> line(rest.begin(), rest.begin() + static_cast<int64_t>(end));
    while (!line.empty() && line.back() == ' ') line.pop_back();
    lines.push_back(encode_utf8(line));
    rest.erase(rest.begin(), rest.begin() + static_cast<int64_t>(end));
  }
  return lines;
}

}  // namespace noisescope::viz
