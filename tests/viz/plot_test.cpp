#include "noisescope/viz/plot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "markup.h"
#include "noisescope/core/error.h"
#include "noisescope/viz/svg.h"
#include "not_finite.h"

namespace noisescope {
namespace {

using markup::count_text;
using markup::Element;
using markup::named;
using markup::read_xml;
using markup::texts;

constexpr const char* kHostile = "</text><script>alert(\"1\")</script> & 'a' < b > c \x01 \xff";
constexpr const char* kHostileRead = "</text><script>alert(\"1\")</script> & 'a' < b > c \uFFFD \uFFFD";

Plot line_plot() {
  Plot plot;
  plot.title = "Loss by noise level";
  plot.description = "Two curves that fall.";
  plot.x = {.label = "log-SNR"};
  plot.y = {.label = "information", .unit = "nats"};
  plot.series = {{"one", {0, 1, 2, 3}, {4, 3, 2, 1}}, {"two", {0, 1, 2, 3}, {2, 2, 1, 0.5}}};
  return plot;
}

Plot bar_plot() {
  Plot plot;
  plot.title = "Accuracy";
  plot.description = "Bars.";
  plot.y = {.label = "share", .min = 0, .max = 1};
  plot.categories = {"shapes", "colours"};
  plot.series = {{"s = 1", {}, {0.5, 0.25}, {0.4, 0.2}, {0.6, 0.3}}, {"s = 3", {}, {1.0, 0.75}}};
  return plot;
}

/// Every number of path data.
std::vector<double> path_numbers(const std::string& d) {
  std::vector<double> out;
  for (const char* at = d.c_str(); *at != '\0';) {
    char* end = nullptr;
    const double value = std::strtod(at, &end);
    if (end != at) out.push_back(value);
    at = end != at ? end : at + 1;
  }
  return out;
}

/// The document holds coordinates only that a viewer can place.
void expect_finite_coordinates(const std::string& document) {
  const std::set<std::string> coordinates = {"x",  "y", "x1", "x2",    "y1",     "y2",      "cx",
                                             "cy", "r", "d",  "width", "height", "viewBox", "transform"};
  for (const Element& e : read_xml(document)) {
    for (const auto& [key, value] : e.attributes) {
      if (!coordinates.contains(key)) continue;
      EXPECT_EQ(value.find("nan"), std::string::npos) << "<" << e.name << " " << key << "=" << value;
      EXPECT_EQ(value.find("inf"), std::string::npos) << "<" << e.name << " " << key << "=" << value;
    }
  }
}

/// Labels of the numbers below the data area, left to right.
std::vector<Element> ticks(const std::vector<Element>& elements, const char* anchor) {
  std::vector<Element> out;
  for (const Element& e : named(elements, "text", "tick")) {
    if (e.attribute("text-anchor") == anchor) out.push_back(e);
  }
  return out;
}

TEST(PlotSvg, SaysWhatItShowsToThoseWhoDoNotSeeIt) {
  const auto elements = read_xml(render_svg(line_plot()));
  EXPECT_EQ(elements[0].name, "svg");
  EXPECT_EQ(elements[0].attribute("role"), "img");
  EXPECT_EQ(elements[0].attribute("aria-label"), "Loss by noise level");
  EXPECT_EQ(texts(named(elements, "title")), std::vector<std::string>{"Loss by noise level"});
  EXPECT_EQ(texts(named(elements, "desc")), std::vector<std::string>{"Two curves that fall."});
}

TEST(PlotSvg, ShowsTitleAxisLabelsWithUnitsLegendAndNumbers) {
  const auto elements = read_xml(render_svg(line_plot()));
  EXPECT_EQ(texts(named(elements, "text", "title")), std::vector<std::string>{"Loss by noise level"});
  const std::vector<std::string> labels = texts(named(elements, "text", "label"));
  EXPECT_EQ(labels, (std::vector<std::string>{"information (nats)", "log-SNR"}));
  EXPECT_EQ(texts(named(elements, "text", "legend")), (std::vector<std::string>{"one", "two"}));
  EXPECT_GE(ticks(elements, "middle").size(), 3U);
  EXPECT_GE(ticks(elements, "end").size(), 3U);
}

TEST(PlotSvg, EscapesTextOfUsersEverywhere) {
  Plot plot = line_plot();
  plot.title = plot.description = plot.x.label = plot.y.unit = plot.series[0].name = kHostile;
  plot.windows = {{1, 2, kHostile}};
  plot.rules = {{true, 1.5, kHostile}, {false, 2, kHostile}};
  plot.annotations = {{1, 3, kHostile}};
  plot.second_x = SecondAxis{kHostile, "", {{0, 1000}, {3, 0}}};
  const std::string document = render_svg(plot);
  const auto elements = read_xml(document);
  EXPECT_TRUE(named(elements, "script").empty());
  EXPECT_EQ(document.find("<script"), std::string::npos);
  EXPECT_EQ(elements[0].attribute("aria-label"), kHostileRead);
  EXPECT_EQ(named(elements, "desc")[0].text, kHostileRead);
  // title, x label, second axis, legend, window, two rules, annotation, <title>, <desc>
  EXPECT_EQ(count_text(elements, kHostileRead), 10);
  EXPECT_EQ(count_text(elements, std::string("information (") + kHostileRead + ")"), 1);

  Plot bars = bar_plot();
  bars.categories[0] = kHostile;
  EXPECT_EQ(count_text(read_xml(render_svg(bars)), kHostileRead), 1);
}

TEST(PlotSvg, RefersToNothingOutside) {
  for (const Plot& plot : {line_plot(), bar_plot()}) {
    std::string document = render_svg(plot);
    const std::string space = " xmlns=\"http://www.w3.org/2000/svg\"";
    ASSERT_NE(document.find(space), std::string::npos);
    document.erase(document.find(space), space.size());
    for (const char* bad : {"http", "href", "src=", "url(", "@import", "<script", "<use", "<!"}) {
      EXPECT_EQ(document.find(bad), std::string::npos) << bad;
    }
  }
}

TEST(PlotSvg, FollowsLightAndDarkWithReadableColours) {
  const std::string& style = figure_style();
  EXPECT_NE(style.find("@media screen and (prefers-color-scheme:dark)"), std::string::npos);
  for (const char* name : {"--ns-paper:", "--ns-ink:", "--ns-muted:", "--ns-rule:", "--ns-c5:"}) {
    const size_t light = style.find(name);
    ASSERT_NE(light, std::string::npos) << name;
    EXPECT_NE(style.find(name, light + 1), std::string::npos) << name << " has no dark value";
  }
  EXPECT_NE(render_svg(line_plot()).find(style), std::string::npos);
}

TEST(PlotSvg, PutsDataWhereTheNumbersSay) {
  const auto elements = read_xml(render_svg(line_plot()));
  const std::vector<Element> curves = named(elements, "path", "curve");
  const std::vector<double> points = path_numbers(curves[2].attribute("d"));  // 0 and 1: the legend
  ASSERT_EQ(points.size(), 8U);
  // x of the data 0 and 3 is x of the ticks 0 and 3.
  const std::vector<Element> x_ticks = ticks(elements, "middle");
  EXPECT_EQ(x_ticks.front().text, "0.0");
  EXPECT_NEAR(points[0], x_ticks.front().number("x"), 0.02);
  EXPECT_EQ(x_ticks.back().text, "3.0");
  EXPECT_NEAR(points[6], x_ticks.back().number("x"), 0.02);
  int found = 0;
  for (const Element& tick : ticks(elements, "end")) {  // y = 4, 3, 2, 1 at the points
    const size_t at = tick.text == "4" ? 1 : tick.text == "1" ? 7 : 0;
    if (at == 0) continue;
    EXPECT_NEAR(points[at], tick.number("y") - 4, 0.02);
    ++found;
  }
  EXPECT_EQ(found, 2);
}

TEST(PlotSvg, PutsPowersOfTenAtEqualDistancesOnLogAxes) {
  Plot plot = line_plot();
  plot.x.log = plot.y.log = true;
  plot.series = {{"", {1, 10, 100, 1000}, {1e-3, 1e-2, 1e-1, 1}}};
  const auto elements = read_xml(render_svg(plot));
  const std::vector<double> p = path_numbers(named(elements, "path", "curve")[0].attribute("d"));
  ASSERT_EQ(p.size(), 8U);
  for (size_t k = 2; k + 2 < p.size(); k += 2) {
    EXPECT_NEAR(p[k] - p[k - 2], p[k + 2] - p[k], 0.03);
    EXPECT_NEAR(p[k + 1] - p[k - 1], p[k + 3] - p[k + 1], 0.03);
  }
  EXPECT_EQ(count_text(elements, "1000"), 1);
  EXPECT_EQ(count_text(elements, "10\u207b\u00b3"), 1);
}

TEST(PlotSvg, TellsSeriesApartWithoutColour) {
  Plot plot = line_plot();
  plot.series.clear();
  for (int k = 0; k < 6; ++k) {
    plot.series.push_back({"series " + std::to_string(k), {0, 1}, {0.0 + k, 1.0 + k}});
  }
  const auto elements = read_xml(render_svg(plot));
  std::set<std::string> dashes, colors;
  for (const Element& curve : named(elements, "path", "curve")) {
    dashes.insert(curve.attribute("stroke-dasharray"));
    colors.insert(curve.attribute("stroke"));
  }
  EXPECT_EQ(dashes.size(), 6U);
  EXPECT_EQ(colors.size(), 6U);
}

TEST(PlotSvg, LeavesAGapWhereThereIsNoNumber) {
  Plot plot = line_plot();
  plot.series = {{"", {0, 1, 2, 3, 4}, {1, 2, kNan, 2, 1}, {0, 1, kNan, 1, 0}, {2, 3, kNan, 3, 2}}};
  const std::string document = render_svg(plot);
  expect_finite_coordinates(document);
  const auto elements = read_xml(document);
  const auto starts = [&](const char* css_class) {
    const std::string d = named(elements, "path", css_class)[0].attribute("d");
    return std::count(d.begin(), d.end(), 'M');
  };
  EXPECT_EQ(starts("curve"), 2);
  EXPECT_EQ(starts("band"), 2);
}

TEST(PlotSvg, WritesNoCoordinateThatIsNotANumber) {
  Plot plot = line_plot();
  plot.series = {{"a", {0, 1, kNan, kInf}, {1, kInf, 2, 3}, {0, kNan, 1, 2}, {2, kInf, 3, 4}},
                 {"b", {0, 1, kNan, kInf}, {kNan, 1, 1, 1}, {}, {}, false, true}};
  plot.windows = {{kNan, 1, "w"}, {-kInf, 0.5, "left"}};
  plot.rules = {{true, kNan, "r"}, {false, kInf, "r"}};
  plot.annotations = {{kNan, 1, "n"}, {0.5, -kInf, "n"}};
  expect_finite_coordinates(render_svg(plot));

  plot.x.log = true;
  plot.series = {{"a", {1, 10}, {1, 2}}};
  plot.windows = {{-1, 2, "w"}};
  plot.annotations = {{-3, 1, "n"}, {0, 1, "n"}};
  expect_finite_coordinates(render_svg(plot));

  Plot bars = bar_plot();
  bars.series[0].y[1] = kNan;
  bars.series[1].low = {kNan, 0.7};
  bars.series[1].high = {1, kInf};
  expect_finite_coordinates(render_svg(bars));
}

TEST(PlotSvg, DrawsOnePointAndFlatSeries) {
  Plot plot = line_plot();
  plot.series = {{"", {2}, {5}}};
  plot.series[0].markers = true;
  expect_finite_coordinates(render_svg(plot));
  plot.series = {{"", {1, 2}, {0, 0}}};
  expect_finite_coordinates(render_svg(plot));
  plot.y.log = true;
  plot.series = {{"", {1, 2}, {3, 3}}};
  expect_finite_coordinates(render_svg(plot));
}

TEST(PlotSvg, KeepsEverythingInsideOfExplicitEnds) {
  Plot plot = bar_plot();
  plot.y.max = 0.6;  // below the largest bar, whisker and reference value
  plot.rules = {{false, 0.9, "too high"}};
  const auto elements = read_xml(render_svg(plot));
  const double top = named(elements, "svg")[1].number("y");  // 5 px above the data area
  for (const Element& e : elements) {
    EXPECT_FALSE(e.has_class("rule")) << "reference value";
    if (e.name == "rect" && e.number("height") > 12 && e.attributes.contains("rx")) {
      EXPECT_GE(e.number("y"), top) << "bar";
    }
    if (!e.has_class("whisker")) continue;
    for (const double at : path_numbers(e.attribute("d"))) EXPECT_GE(at, 0) << "whisker";
  }
  EXPECT_EQ(count_text(elements, "too high"), 0);

  Plot line = line_plot();
  line.x.max = 2;
  line.rules = {{true, 2.5, "too far"}};
  line.annotations = {{2.9, 1, "too far"}};
  EXPECT_EQ(count_text(read_xml(render_svg(line)), "too far"), 0);
}

TEST(PlotSvg, ShowsASecondReadingOfTheXAxis) {
  Plot plot = line_plot();
  plot.second_x = SecondAxis{"timestep t", "steps", {{0, 1000}, {1.5, 400}, {3, 0}}};
  const auto elements = read_xml(render_svg(plot));
  EXPECT_EQ(count_text(elements, "timestep t (steps)"), 1);
  const std::vector<Element> all = ticks(elements, "middle");
  double at_0 = 0, at_400 = 0, at_1000 = 0, middle = 0;
  for (const Element& tick : all) {
    if (tick.text == "0") at_0 = tick.number("x");
    if (tick.text == "400") at_400 = tick.number("x");
    if (tick.text == "1000") at_1000 = tick.number("x");
    if (tick.text == "1.5") middle = tick.number("x");
  }
  EXPECT_GT(at_0, at_1000);
  EXPECT_NEAR(at_400, middle, 0.02);
}

TEST(PlotSvg, RefusesASecondAxisThatIsNotMonotone) {
  using Pairs = std::vector<std::pair<double, double>>;
  for (const Pairs& bad : {Pairs{}, Pairs{{0, 1}}, Pairs{{0, 1}, {1, 1}}, Pairs{{0, 1}, {0, 2}},
                           Pairs{{0, 1}, {1, 3}, {2, 2}}, Pairs{{0, 1}, {1, kNan}}}) {
    Plot plot = line_plot();
    plot.second_x = SecondAxis{"t", "", bad};
    EXPECT_THROW(render_svg(plot), ValueError) << bad.size();
  }
}

TEST(PlotSvg, DrawsBarsFromZeroWithNamesAndWhiskers) {
  const auto elements = read_xml(render_svg(bar_plot()));
  EXPECT_EQ(count_text(elements, "shapes"), 1);
  EXPECT_EQ(count_text(elements, "colours"), 1);
  EXPECT_EQ(named(elements, "path", "whisker").size(), 2U);
  std::vector<Element> bars;
  for (const Element& e : named(elements, "rect", "f0")) {
    if (e.number("height") > 12.5) bars.push_back(e);  // the legend's are 12 high
  }
  ASSERT_EQ(bars.size(), 2U);
  EXPECT_NEAR(bars[0].number("height"), 2 * bars[1].number("height"), 0.03);
  EXPECT_NEAR(bars[0].number("y") + bars[0].number("height"), bars[1].number("y") + bars[1].number("height"), 0.02);
}

TEST(PlotSvg, RefusesSeriesThatDoNotFit) {
  const auto refuses = [](Plot plot, const Series& bad) {
    plot.series = {bad};
    EXPECT_THROW(render_svg(plot), ValueError) << bad.name;
  };
  refuses(line_plot(), {"fewer y", {0, 1}, {1}});
  refuses(line_plot(), {"descending x", {1, 0}, {1, 2}});
  refuses(line_plot(), {"low without high", {0, 1}, {1, 2}, {1, 2}});
  refuses(line_plot(), {"short bounds", {0, 1}, {1, 2}, {1}, {2}});
  refuses(bar_plot(), {"fewer y than categories", {}, {1}});
  Plot log = line_plot();
  log.y.log = true;
  refuses(log, {"zero on a log axis", {0, 1}, {0, 2}});
  log = line_plot();
  log.x.log = true;
  refuses(log, {"negative on a log axis", {-1, 1}, {1, 2}});
}

TEST(PlotSvg, RefusesToDrawNothingAndSaysSo) {
  const auto message = [](Plot plot, const std::vector<Series>& series) -> std::string {
    plot.series = series;
    try {
      render_svg(plot);
    } catch (const ValueError& error) {
      return error.what();
    }
    return "no error";
  };
  Plot fixed = line_plot();
  fixed.x.min = fixed.y.min = 0;
  Plot framed = fixed;
  framed.x.max = framed.y.max = 1;
  const std::string wanted = "[viz.render_svg] expected at least one finite value, got none";
  for (const Plot& plot : {line_plot(), fixed, framed}) {
    EXPECT_EQ(message(plot, {}), wanted);
    EXPECT_EQ(message(plot, {{"none", {}, {}}}), wanted);
    EXPECT_EQ(message(plot, {{"no numbers", {0, 1}, {kNan, kInf}}}), wanted);
  }
}

TEST(PlotSvg, RefusesAFrameTooSmallForItsTexts) {
  Plot plot = line_plot();
  plot.height_px = 60;
  EXPECT_THROW(render_svg(plot), ValueError);
}

TEST(InlineSvg, IsTheFigureWithoutNamespaceAndStyle) {
  const std::string inside = inline_svg(render_svg(line_plot()));
  const auto elements = read_xml(inside);
  EXPECT_EQ(elements[0].attribute("xmlns"), "");
  EXPECT_TRUE(named(elements, "style").empty());
  EXPECT_EQ(inside.find("http"), std::string::npos);
  EXPECT_EQ(count_text(elements, "log-SNR"), 1);
  EXPECT_EQ(elements[0].attribute("viewBox"), "0 0 720 380");
}

TEST(InlineSvg, TakesEveryPartOfAPlot) {
  Plot plot = line_plot();
  for (int k = 0; k < 7; ++k) plot.series.push_back({"more", {0, 1}, {0.5, 1}, {0, 0}, {2, 2}});
  plot.second_x = SecondAxis{"t", "", {{0, 1000}, {3, 0}}};
  plot.windows = {{1, 2, kHostile}};
  plot.rules = {{true, 1.5, "a"}, {false, 2, "b"}};
  plot.annotations = {{1, 3, "note"}};
  EXPECT_EQ(count_text(read_xml(inline_svg(render_svg(plot))), kHostileRead), 1);
  EXPECT_NO_THROW(inline_svg(render_svg(bar_plot())));
}

TEST(InlineSvg, RefusesWhatDoesMoreThanShow) {
  const auto with = [](const std::string& inside) { return "<svg>" + inside + "</svg>"; };
  EXPECT_NO_THROW(inline_svg(with("<title>ok</title>")));
  for (const std::string& bad :
       {std::string("<p>no svg</p>"), with("<script>x</script>"), with("<SCRIPT>x</SCRIPT>"), with("<foreignObject/>"),
        with("<use href=\"#a\"/>"), with("<image href=\"http://x/y.png\"/>"), with("<image href='//x/y.png'/>"),
        with("<rect onload=\"alert(1)\"/>"), with("<rect fill=\"url(http://x/y)\"/>"),
        with("<style>a</style><style>b</style>"), with("<!-- -->"), with("<a\nhref=\"javascript:x\"/>"),
        with("<rect ONLOAD=\"alert(1)\"/>"), with("<rect fill=\"&#117;rl(//x/y)\"/>"),
        with("<rect style=\"fill:red\"/>"), with("<rect/onload=\"alert(1)\"/>"), with("<rect fill=red/>"),
        with("<rect fill=\"red"), with("<image xlink:href=\"https://x/y.png\"/>")}) {
    EXPECT_THROW(inline_svg(bad), ValueError) << bad;
  }
}

TEST(SvgNumber, HasAtMostTwoDecimalsAndNoNegativeZero) {
  EXPECT_EQ(svg_number(1.005e2), "100.5");
  EXPECT_EQ(svg_number(3), "3");
  EXPECT_EQ(svg_number(-0.001), "0");
  EXPECT_EQ(svg_number(-2.25), "-2.25");
  EXPECT_EQ(svg_number(-1e42), "-10000000");  // not cut off to "-1"
}

}  // namespace
}  // namespace noisescope
