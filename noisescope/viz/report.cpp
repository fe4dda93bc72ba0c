#include "noisescope/viz/report.h"

#include <sstream>

#include "noisescope/core/format.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/viz/svg.h"
#include "noisescope/viz/text.h"

namespace noisescope::viz {
namespace {

constexpr const char* kStyle = R"css(
:root { color-scheme: light dark; --ink: #1f262e; --muted: #5b6673; --paper: #fff; --card: #f5f7f9;
  --rule: #d3d9e0; --accent: #0072b2; --warning: #b3261e; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6eaee; --muted: #9fabb8; --paper: #14181d;
  --card: #1d232a; --rule: #36404b; --accent: #56b4e9; --warning: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main, header, nav { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.35rem; margin: 3rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--rule); }
p { max-width: 44rem; } .warning { color: var(--warning); font-weight: 600; max-width: 44rem; margin: .5rem 0; } .lead { font-size: 1.1rem; color: var(--muted); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; }
a { color: var(--accent); } a:focus-visible, summary:focus-visible { outline: 3px solid var(--accent);
  outline-offset: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: 1rem; background: var(--paper); }
.numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .75rem;
  margin: 1rem 0; padding: 0; }
.number { background: var(--card); border-radius: .5rem; padding: .9rem 1rem; }
.number dt { color: var(--muted); font-size: .85rem; } .number dd { margin: 0; }
.number .value { font-size: 1.55rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.number .detail { font-size: .85rem; font-variant-numeric: tabular-nums; }
.number .meaning { font-size: .85rem; color: var(--muted); margin-top: .35rem; }
figure { margin: 1.5rem 0; } figure img { max-width: 100%; height: auto; border-radius: .25rem;
  background: #fff; image-rendering: auto; } figure svg { width: 100%; max-width: 46rem; height: auto; }
figcaption { color: var(--muted); font-size: .9rem; max-width: 44rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums;
  font-size: .92rem; } caption { text-align: left; color: var(--muted); padding: .25rem 0; }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--rule); }
pre { background: var(--card); padding: 1rem; overflow-x: auto; font-size: .8rem; border-radius: .5rem; }
summary { cursor: pointer; color: var(--accent); margin: .5rem 0; }
footer { max-width: 62rem; margin: 3rem auto; padding: 0 1.25rem; color: var(--muted); font-size: .85rem; }
@media print { nav, .skip { display: none; } h2 { break-after: avoid; } figure { break-inside: avoid; } }
)css";

std::string identifier(size_t number) { return format_text("s{}", number + 1); }

std::string paragraphs(const std::string& prose) {
  std::istringstream lines(prose);
  std::string out, paragraph;
  const auto finish = [&] {
    if (!paragraph.empty()) out += "<p>" + escape_markup(paragraph) + "</p>\n";
    paragraph.clear();
  };
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      finish();
    } else {
      paragraph += (paragraph.empty() ? "" : " ") + line;
    }
  }
  finish();
  return out;
}

std::string div(const char* kind, const std::string& text) {
  if (text.empty()) return "";
  return std::string("<div class=\"") + kind + "\">" + escape_markup(text) + "</div>";
}

std::string numbers(const std::vector<KeyNumber>& list) {
  if (list.empty()) return "";
  std::string out = "<dl class=\"numbers\">\n";
  for (const KeyNumber& n : list) {
    out += "<div class=\"number\"><dt>" + escape_markup(n.label) + "</dt><dd>" + div("value", n.value) +
           div("detail", n.detail) + div("meaning", n.meaning) + "</dd></div>\n";
  }
  return out + "</dl>\n";
}

std::string table(const Table& t) {
  std::string out =
      "<div class=\"scroll\" tabindex=\"0\"><table><caption>" + escape_markup(t.caption) + "</caption>\n<thead><tr>";
  for (const std::string& cell : t.header) {
    out += "<th scope=\"col\">" + escape_markup(cell) + "</th>";
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : t.rows) {
    out += "<tr>";
    for (const std::string& cell : row) out += "<td>" + escape_markup(cell) + "</td>";
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string section(const Section& s, size_t number) {
  std::string out = "<section id=\"" + identifier(number) + "\">\n<h2>" + escape_markup(s.title) + "</h2>\n" +
                    div("warning", s.warning) + paragraphs(s.prose) + numbers(s.numbers);
  for (const Figure& f : s.figures) {
    out += "<figure>\n" + f.markup + "<figcaption>" + escape_markup(f.caption) + "</figcaption>\n</figure>\n";
  }
  for (const Table& t : s.tables) out += table(t);
  if (!s.preformatted.empty()) {
    out += "<details><summary>Show all</summary><pre>" + escape_markup(s.preformatted) + "</pre></details>\n";
  }
  return out + "</section>\n";
}

std::string image_tag(const std::string& mime, const std::string& bytes, const std::string& alt, int64_t width,
                      int64_t height) {
  return format_text("<img src=\"data:{};base64,{}\" alt=\"{}\" width=\"{}\" height=\"{}\">\n", mime, base64(bytes),
                     escape_markup(alt), width, height);
}

}  // namespace

Figure png_figure(const Image& image, const std::string& alt, const std::string& caption) {
  return {image_tag("image/png", encode_png(image), alt, image.width, image.height), caption};
}

Figure film_figure(const Image& still, const std::string& animation, const std::string& mime, const std::string& alt,
                   const std::string& caption) {
  Figure figure = png_figure(still, alt, caption);
  figure.markup += "<details><summary>Play the film</summary>\n<img src=\"data:" + mime + ";base64," +
                   base64(animation) + "\" alt=\"" + escape_markup(alt + ", moving") + "\"></details>\n";
  return figure;
}

Figure svg_figure(const std::string& svg, const std::string& caption) { return {inline_svg(svg), caption}; }

std::string to_html(const Report& report) {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
      "style-src 'unsafe-inline'\">\n<title>" +
      escape_markup(report.title) + "</title>\n<style>" + kStyle + figure_style() +
      "\n</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the results</a>\n"
      "<header><h1>" +
      escape_markup(report.title) + "</h1>\n<p class=\"lead\">" + escape_markup(report.lead) +
      "</p></header>\n<nav aria-label=\"Sections\"><ul>\n";
  for (size_t k = 0; k < report.sections.size(); ++k) {
    out += "<li><a href=\"#" + identifier(k) + "\">" + escape_markup(report.sections[k].title) + "</a></li>\n";
  }
  out += "</ul></nav>\n<main id=\"main\">\n";
  for (size_t k = 0; k < report.sections.size(); ++k) out += section(report.sections[k], k);
  return out +
         "</main>\n<footer>Made by noisescope. This file needs nothing but itself.</footer>\n"
         "</body>\n</html>\n";
}

}  // namespace noisescope::viz
