#include "noisescope/viz/report.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

#include "markup.h"
#include "noisescope/core/error.h"
#include "noisescope/viz/animation.h"
#include "noisescope/viz/plot.h"
#include "noisescope/viz/svg.h"
#include "noisescope/viz/text.h"

namespace noisescope {
namespace {

using markup::count_text;
using markup::Element;
using markup::named;
using markup::read_html;

constexpr const char* kHostileMarkup =
    "\"><img src=x onerror=alert(1)></p><script src='https://evil.example/x.js'></script> & <!-- "
    "\x02";
constexpr const char* kHostileMarkupRead =
    "\"><img src=x onerror=alert(1)></p><script src='https://evil.example/x.js'></script> & <!-- "
    "\uFFFD";

Image picture() { return {.width = 2, .height = 1, .channels = 3, .pixels = {1, 2, 3, 4, 5, 6}}; }

std::string drawing(const std::string& title = "Curve") {
  Plot plot;
  plot.title = title;
  plot.description = "A line.";
  plot.series = {{"", {0, 1}, {0, 1}}};
  return render_svg(plot);
}

/// One of everything that a page can hold, every text being `text`.
Report full_report(const std::string& text) {
  Section first{text, text + "\n\n" + text, {}, {}, {}, text};
  first.numbers = {{text, text, text, text}};
  first.figures = {png_figure(picture(), text, text),
                   film_figure(picture(), encode_animation("gif", {picture()}), "image/gif", text, text),
                   svg_figure(drawing(text), text), svg_figure(drawing(text), text)};
  first.tables = {{text, {text, text}, {{text, text}, {text, text}}}};
  return {text, text, {first, {text, text}}};
}

Report plain_report() { return full_report("some words"); }

/// "#rgb" or "#rrggbb" behind `name` in a style sheet, from `start` on.
std::array<double, 3> css_colour(const std::string& style, const std::string& name, size_t start) {
  const size_t at = style.find(name, start);
  EXPECT_NE(at, std::string::npos) << name;
  const size_t hash = style.find('#', at);
  std::string digits = style.substr(hash + 1, style.find_first_of(";}", hash) - hash - 1);
  if (digits.size() == 3) {
    digits = {digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]};
  }
  std::array<double, 3> out{};
  for (size_t c = 0; c < 3; ++c) out[c] = std::stoi(digits.substr(2 * c, 2), nullptr, 16) / 255.0;
  return out;
}

/// Relative luminance of WCAG 2.2.
double luminance(const std::array<double, 3>& rgb) {
  const double weights[] = {0.2126, 0.7152, 0.0722};
  double sum = 0;
  for (size_t c = 0; c < 3; ++c) {
    sum += weights[c] * (rgb[c] <= 0.04045 ? rgb[c] / 12.92 : std::pow((rgb[c] + 0.055) / 1.055, 2.4));
  }
  return sum;
}

/// Contrast of WCAG 2.2 between two variables of a style sheet.
double contrast(const std::string& style, const std::string& a, const std::string& b, size_t start) {
  const double x = luminance(css_colour(style, a, start)), y = luminance(css_colour(style, b, start));
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

TEST(ReportPage, IsWellFormedAndHoldsEveryPart) {
  const auto elements = read_html(to_html(plain_report()));
  EXPECT_EQ(elements[0].name, "html");
  EXPECT_EQ(elements[0].attribute("lang"), "en");
  for (const auto& [name, count] : std::vector<std::pair<std::string, size_t>>{{"title", 3},
                                                                               {"h1", 1},
                                                                               {"h2", 2},
                                                                               {"main", 1},
                                                                               {"nav", 1},
                                                                               {"section", 2},
                                                                               {"figure", 4},
                                                                               {"figcaption", 4},
                                                                               {"table", 1},
                                                                               {"tr", 3},
                                                                               {"th", 2},
                                                                               {"td", 4},
                                                                               {"dt", 1},
                                                                               {"pre", 1},
                                                                               {"img", 3},
                                                                               {"details", 2}}) {
    EXPECT_EQ(named(elements, name).size(), count) << name;
  }
  EXPECT_EQ(named(elements, "p").size(), 1 + 2 + 1U);  // lead, two paragraphs, one
}

TEST(ReportPage, EscapesEveryTextOfUsers) {
  const std::string page = to_html(full_report(kHostileMarkup));
  const auto elements = read_html(page);
  EXPECT_TRUE(named(elements, "script").empty());
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(named(elements, "img").size(), 3U);
  for (const Element& e : elements) {
    for (const auto& [key, value] : e.attributes) {
      EXPECT_NE(key.substr(0, 2), "on") << "<" << e.name << " " << key << "=" << value;
    }
  }
  for (const char* name : {"title", "h1", "h2", "p", "figcaption", "caption", "th", "td", "dt", "pre"}) {
    for (const Element& e : named(elements, name)) EXPECT_EQ(e.text, kHostileMarkupRead) << name;
  }
  EXPECT_EQ(named(elements, "img")[0].attribute("alt"), kHostileMarkupRead);
  EXPECT_EQ(count_text(elements, kHostileMarkupRead),
            count_text(read_html(to_html(plain_report())), "some words") - 2);  // drawn titles wrap
}

TEST(ReportPage, AsksNobodyForAnything) {
  const std::string page = to_html(plain_report());
  for (const char* bad : {"http:", "https:", "url(", "@import", "srcset", "//www", "<script", "<link", "<iframe",
                          "<object", "<embed", "<base"}) {
    EXPECT_EQ(page.find(bad), std::string::npos) << bad;
  }
  for (const Element& e : read_html(page)) {
    const bool leads_out = (e.attributes.contains("src") && !e.attribute("src").starts_with("data:image/")) ||
                           (e.attributes.contains("href") && !e.attribute("href").starts_with("#"));
    EXPECT_FALSE(leads_out) << e.name << " " << e.attribute("src") << e.attribute("href");
    EXPECT_FALSE(e.attributes.contains("style")) << e.name;
  }
  const std::string policy = named(read_html(page), "meta")[2].attribute("content");
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(policy.find("script-src"), std::string::npos);
}

TEST(ReportPage, LinksLeadToItsSections) {
  const auto elements = read_html(to_html(plain_report()));
  std::set<std::string> ids;
  for (const Element& e : elements) {
    if (!e.attributes.contains("id")) continue;
    EXPECT_TRUE(ids.insert(e.attribute("id")).second) << "twice";
  }
  const std::vector<Element> links = named(elements, "a");
  EXPECT_EQ(links.size(), 3U);  // past the navigation, two sections
  for (const Element& link : links) EXPECT_TRUE(ids.contains(link.attribute("href").substr(1)));
}

TEST(ReportPage, SaysWhatItsPicturesShow) {
  const auto elements = read_html(to_html(plain_report()));
  const std::vector<Element> images = named(elements, "img");
  EXPECT_EQ(images[0].attribute("alt"), "some words");
  EXPECT_EQ(images[1].attribute("alt"), "some words");
  EXPECT_EQ(images[2].attribute("alt"), "some words, moving");
  EXPECT_EQ(images[0].attribute("width"), "2");
  EXPECT_EQ(images[0].attribute("height"), "1");
  const Element figure = named(elements, "svg")[0];
  EXPECT_EQ(figure.attribute("role"), "img");
  EXPECT_EQ(figure.attribute("aria-label"), "some words");
}

TEST(ReportPage, MovesNothingUnasked) {
  const auto elements = read_html(to_html(plain_report()));
  const Element film = named(elements, "img")[2];
  EXPECT_TRUE(film.attribute("src").starts_with("data:image/gif;base64,R0lGODlh"));
  const Element folded = elements[static_cast<size_t>(film.parent)];
  EXPECT_EQ(folded.name, "details");
  EXPECT_FALSE(folded.attributes.contains("open"));
}

TEST(ReportPage, IsReadableInLightAndDark) {
  const std::string page = to_html(plain_report());
  const size_t dark = page.find("prefers-color-scheme: dark");
  ASSERT_NE(dark, std::string::npos);
  EXPECT_NE(page.find("color-scheme: light dark"), std::string::npos);
  for (const size_t from : {size_t{0}, dark}) {
    EXPECT_GE(contrast(page, "--ink:", "--paper:", from), 7);
    EXPECT_GE(contrast(page, "--ink:", "--card:", from), 7);
    EXPECT_GE(contrast(page, "--muted:", "--paper:", from), 4.5);
    EXPECT_GE(contrast(page, "--muted:", "--card:", from), 4.5);
    EXPECT_GE(contrast(page, "--accent:", "--paper:", from), 4.5);
  }
}

TEST(ReportPage, DrawsFiguresReadablyInLightAndDark) {
  const std::string page = to_html(plain_report());
  ASSERT_NE(page.find(figure_style()), std::string::npos) << "the page has the style of its figures";
  EXPECT_EQ(page.find(figure_style()), page.rfind(figure_style())) << "once";
  const std::string& style = figure_style();
  for (const size_t from : {size_t{0}, style.find("prefers-color-scheme")}) {
    EXPECT_GE(contrast(style, "--ns-ink:", "--ns-paper:", from), 7);
    EXPECT_GE(contrast(style, "--ns-muted:", "--ns-paper:", from), 4.5);
    for (const char* series : {"--ns-c0:", "--ns-c1:", "--ns-c2:", "--ns-c3:", "--ns-c4:", "--ns-c5:"}) {
      EXPECT_GE(contrast(style, series, "--ns-paper:", from), 3) << series;
    }
  }
}

TEST(ReportPage, PrintsInLight) {
  const std::string page = to_html(plain_report());
  for (size_t at = page.find("(prefers-color-scheme"); at != std::string::npos;
       at = page.find("(prefers-color-scheme", at + 1)) {
    EXPECT_EQ(page.substr(at - 18, 18), "@media screen and ");
  }
  EXPECT_NE(page.find("@media print"), std::string::npos);
}

TEST(ReportPage, MayBeEmpty) {
  const auto elements = read_html(to_html({}));
  EXPECT_TRUE(named(elements, "section").empty());
  EXPECT_EQ(named(elements, "main").size(), 1U);
  EXPECT_NO_THROW(read_html(to_html({"t", "", {Section{}}})));
}

TEST(Figures, RefuseWhatCannotBeShown) {
  EXPECT_THROW(png_figure({.width = 0, .height = 0, .channels = 3, .pixels = {}}, "", ""), ValueError);
  EXPECT_THROW(svg_figure("<svg><script>alert(1)</script></svg>", ""), ValueError);
  EXPECT_THROW(svg_figure("<p>no drawing</p>", ""), ValueError);
}

}  // namespace
}  // namespace noisescope
