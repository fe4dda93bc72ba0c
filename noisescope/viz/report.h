// One self-contained HTML file: no request to anywhere, no script, light and dark, readable by
// keyboard and screen reader, printable.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "noisescope/io/image.h"

namespace noisescope::viz {

/// A measured number and what it means.
struct KeyNumber {
  std::string label;
  std::string value;    // with its unit
  std::string detail;   // interval and n; may be empty
  std::string meaning;  // one sentence
};

/// A picture (PNG), film or plot with its words.
struct Figure {
  std::string markup;     // <img> or <svg>, made by the functions below
  std::string caption;    // what is seen, and how to read it
  std::string file = {};  // that holds the same beside the report; "": none
};

/// Throw what the encoders throw. `alt` says what is to be seen to those who do not see it.
Figure png_figure(const Image& image, const std::string& alt, const std::string& caption);
/// The bytes of an animation ("image/gif", "image/apng", "image/webp"), in a <details> that opens on
/// demand, after a still: nothing moves unasked.
Figure film_figure(const Image& still, const std::string& animation, const std::string& mime, const std::string& alt,
                   const std::string& caption);
/// A document of render_svg(), as inline_svg() gives it. Throws ValueError for anything else.
Figure svg_figure(const std::string& svg, const std::string& caption);

struct Table {
  std::string caption;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

struct Section {
  std::string title;
  std::string prose;  // paragraphs separated by empty lines
  std::vector<KeyNumber> numbers = {};
  std::vector<Figure> figures = {};
  std::vector<Table> tables = {};
  std::string preformatted = {};  // a configuration, say; folded away
  std::string warning = {};       // what must be known before anything else here, in red
};

struct Report {
  std::string title;
  std::string lead;
  std::vector<Section> sections;
};

/// Everything but Figure::markup is escaped.
std::string to_html(const Report& report);

}  // namespace noisescope::viz
