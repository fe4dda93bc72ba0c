#include "noisescope/viz/svg.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::viz {
namespace {

constexpr std::string_view kNamespace = " xmlns=\"http://www.w3.org/2000/svg\"";
constexpr std::string_view kFontStack = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";

/// Okabe and Ito's colours in the order in which series take them; yellow is left out, it does not
/// show on white. In the dark the darker ones are lifted.
constexpr struct {
  const char* light;
  const char* dark;
} kSeriesColours[] = {{"#0072b2", "#56b4e9"}, {"#d55e00", "#f28e4b"}, {"#009e73", "#3ecfa0"},
                      {"#b0568a", "#e0a0c6"}, {"#b87d00", "#f0c04a"}, {"#333a42", "#d5dae0"}};

std::string make_style() {
  std::string light, dark;
  for (size_t i = 0; i < std::size(kSeriesColours); ++i) {
    const std::string name = format_text("--ns-c{}:", i);
    light += name + kSeriesColours[i].light + ";";
    dark += name + kSeriesColours[i].dark + ";";
  }
  std::string style = ".ns-fig{" + light +
                      "--ns-paper:#fff;--ns-ink:#1f262e;--ns-muted:#5b6673;--ns-rule:#dfe4ea;--ns-window:#8a94a0;"
                      "color:var(--ns-ink);font-family:" +
                      std::string(kFontStack) +
                      ";font-variant-numeric:tabular-nums;max-width:100%;height:auto}"
                      "@media screen and (prefers-color-scheme:dark){.ns-fig{" +
                      dark +
                      "--ns-paper:#15191e;--ns-ink:#e8ebef;--ns-muted:#9aa5b1;--ns-rule:#2c343d;--ns-window:#7a8591}}"
                      ".ns-fig .bg{fill:var(--ns-paper)}.ns-fig text{fill:currentColor}"
                      ".ns-fig .title{font-size:15px;font-weight:650}.ns-fig .label{font-size:12.5px}"
                      ".ns-fig .tick,.ns-fig .note{font-size:11.5px}.ns-fig .legend{font-size:12px}"
                      ".ns-fig text.tick,.ns-fig text.note{fill:var(--ns-muted)}"
                      ".ns-fig .halo{paint-order:stroke;stroke:var(--ns-paper);stroke-width:3px;stroke-linejoin:round}"
                      ".ns-fig .grid{stroke:var(--ns-rule);stroke-width:1}"
                      ".ns-fig .axis{stroke:var(--ns-muted);stroke-width:1}"
                      ".ns-fig .rule{stroke:var(--ns-muted);stroke-width:1.2;stroke-dasharray:2 3}"
                      ".ns-fig .window{fill:var(--ns-window);fill-opacity:.13;stroke:none}"
                      ".ns-fig .curve{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:butt}"
                      ".ns-fig .band{stroke:none;fill-opacity:.18}"
                      ".ns-fig .whisker{stroke-width:1.4;fill:none}.ns-fig .pixels{image-rendering:pixelated}";
  for (size_t i = 0; i < std::size(kSeriesColours); ++i) {
    style += format_text(".ns-fig .s{0}{{stroke:var(--ns-c{0})}}.ns-fig .f{0}{{fill:var(--ns-c{0})}}", i);
  }
  return style;
}

std::string value_text(const SvgValue& value) {
  if (const double* number = std::get_if<double>(&value)) return svg_number(*number);
  return escape_markup(std::get<std::string>(value));
}

/// What is wrong with the attributes of a start tag, which begin at `at`; empty if nothing. Moves to
/// the end of the tag.
std::string check_attributes(std::string_view text, size_t& at) {
  static constexpr std::array<std::string_view, 26> kAttributes = {"aria-label",
                                                                   "class",
                                                                   "cx",
                                                                   "cy",
                                                                   "d",
                                                                   "fill",
                                                                   "fill-opacity",
                                                                   "height",
                                                                   "href",
                                                                   "preserveAspectRatio",
                                                                   "r",
                                                                   "role",
                                                                   "rx",
                                                                   "stroke",
                                                                   "stroke-dasharray",
                                                                   "stroke-width",
                                                                   "text-anchor",
                                                                   "transform",
                                                                   "viewBox",
                                                                   "width",
                                                                   "x",
                                                                   "x1",
                                                                   "x2",
                                                                   "y",
                                                                   "y1",
                                                                   "y2"};
  while (text.substr(at, 1) == " ") {
    const size_t equals = text.find("=\"", at);
    const size_t end = equals == text.npos ? text.npos : text.find('"', equals + 2);
    if (end == text.npos) return "an attribute without quotes";
    const std::string_view key = text.substr(at + 1, equals - at - 1);
    const std::string_view value = text.substr(equals + 2, end - equals - 2);
    const bool known = std::find(kAttributes.begin(), kAttributes.end(), key) != kAttributes.end();
    const bool reference = key == "href" && !value.starts_with("data:image/png;base64,");
    const bool hidden = key != "aria-label" && value.find_first_of("&<(") != value.npos &&
                        !(key == "transform" && value.starts_with("rotate("));
    if (!known || reference || hidden) {
      return "the attribute " + std::string(text.substr(at + 1, end - at));
    }
    at = end + 1;
  }
  if (text.substr(at, 1) != ">" && text.substr(at, 2) != "/>") return "an open tag";
  return "";
}

/// What a document holds that SvgWriter does not write for a figure; empty if nothing.
std::string find_foreign(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kNames = {"svg",  "title",  "desc", "rect", "line",
                                                             "path", "circle", "text", "image"};
  for (size_t at = text.find('<'); at != text.npos; at = text.find('<', at)) {
    const bool closes = text.substr(++at, 1) == "/";
    if (closes) ++at;
    const size_t end = std::min(text.find_first_of(" />\n\t\r\f", at), text.size());
    const std::string_view name = text.substr(at, end - at);
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) {
      return "the element " + std::string(name);
    }
    at = end;
    if (const std::string wrong = closes ? "" : check_attributes(text, at); !wrong.empty()) {
      return wrong;
    }
  }
  return "";
}

}  // namespace

std::string svg_number(double value) {
  // Far outside of any figure is far enough.
  std::string out = format_text("{:.2f}", std::clamp(value, -1e7, 1e7));
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out == "-0" ? "0" : out;
}

double estimated_text_width(std::string_view utf8, double size_px) {
  double em = 0;
  for (const char32_t c : text_code_points(utf8)) {
    const bool narrow =
        c < 128 && std::string_view("iIjltf.,:;'|!()[] ").find(static_cast<char>(c)) != std::string_view::npos;
    const bool wide = c == 'm' || c == 'w' || c == 'M' || c == 'W' || c == '@' || c == '%';
    em += narrow ? 0.32 : wide ? 0.88 : c >= 'A' && c <= 'Z' ? 0.68 : 0.58;
  }
  return em * size_px;
}

const std::string& figure_style() {
  static const std::string style = make_style();
  return style;
}

SvgWriter::SvgWriter(double width, double height, std::string_view title, std::string_view description) {
  out_ = "<svg" + std::string(kNamespace) + " class=\"ns-fig\" role=\"img\" viewBox=\"0 0 " + svg_number(width) + " " +
         svg_number(height) + "\" width=\"" + svg_number(width) + "\" height=\"" + svg_number(height) +
         "\" aria-label=\"" + escape_markup(title) + "\">\n";
  open_.push_back("svg");
  out_ += "<title>" + escape_markup(title) + "</title><desc>" + escape_markup(description) + "</desc>\n";
  out_ += "<style>" + figure_style() + "</style>\n";
  // The attribute serves programs that read no style sheets.
  element("rect", {{"class", "bg"}, {"width", width}, {"height", height}, {"fill", "#fff"}});
}

void SvgWriter::start_tag(const char* name, SvgAttributes attributes) {
  out_ += std::string("<") + name;
  for (const auto& [key, value] : attributes) {
    out_ += std::string(" ") + key + "=\"" + value_text(value) + "\"";
  }
}

SvgWriter& SvgWriter::open(const char* name, SvgAttributes attributes) {
  start_tag(name, attributes);
  out_ += ">\n";
  open_.emplace_back(name);
  return *this;
}

SvgWriter& SvgWriter::close() {
  out_ += "</" + open_.back() + ">\n";
  open_.pop_back();
  return *this;
}

SvgWriter& SvgWriter::element(const char* name, SvgAttributes attributes) {
  start_tag(name, attributes);
  out_ += "/>\n";
  return *this;
}

SvgWriter& SvgWriter::text(double x, double y, std::string_view content, const char* css_class, SvgAnchor anchor) {
  start_tag("text", {{"class", css_class}, {"x", x}, {"y", y}, {"text-anchor", anchor.name}});
  if (anchor.rotate_degrees != 0) {
    out_ +=
        " transform=\"rotate(" + svg_number(anchor.rotate_degrees) + " " + svg_number(x) + " " + svg_number(y) + ")\"";
  }
  out_ += ">" + escape_markup(content) + "</text>\n";
  return *this;
}

SvgWriter& SvgWriter::line(double x1, double y1, double x2, double y2, const char* css_class) {
  return element("line", {{"class", css_class}, {"x1", x1}, {"y1", y1}, {"x2", x2}, {"y2", y2}});
}

std::string SvgWriter::finish() {
  while (!open_.empty()) close();
  return std::move(out_);
}

std::string inline_svg(const std::string& document) {
  const auto refuse = [](const std::string& got) -> std::string {
    throw ValueError("[viz.inline_svg] expected an SVG document of this library, got " + got +
                     "; render it with render_svg()");
  };
  if (document.rfind("<svg", 0) != 0) return refuse("text that does not start with <svg");
  std::string out = document;
  const size_t space = out.find(kNamespace);
  if (space != std::string::npos) out.erase(space, kNamespace.size());
  const size_t style = out.find("<style>"), style_end = out.find("</style>\n");
  if (style != std::string::npos && style_end != std::string::npos) {
    out.erase(style, style_end + 9 - style);
  }
  const std::string foreign = find_foreign(out);
  return foreign.empty() ? out : refuse("one with " + foreign);
}

}  // namespace noisescope::viz
