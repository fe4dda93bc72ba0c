// The page of a method: its section of the explanation report, its numbers and its arrays, made from its answer.
#pragma once

#include <functional>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "noisescope/explain/method.h"
#include "noisescope/io/image.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/viz/report.h"

namespace noisescope::report {

struct PageContext {
  const Subject& subject;
  const Answer& answer;
  const ConfigNode& settings;  // of the method
  /// The answer of another method to the same subject; nullptr where it cannot be asked. Computed once a report.
  std::function<const Answer*(const std::string& id)> other;
  Control control;
};

struct Page {
  Section section;
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  std::map<std::string, std::string> files = {};  // figures by name: PNG, SVG or GIF
  std::vector<std::string> warnings = {};         // what a reader must know before the numbers

  void add_png(const std::string& name, const Image& image, const std::string& alt, const std::string& caption);
  void add_svg(const std::string& name, const std::string& svg, const std::string& caption);
  /// A GIF after a still.
  void add_film(const std::string& name, const Image& still, const std::string& gif, const std::string& alt,
                const std::string& caption);
};

/// The page of a method: one of its own (report/pages/), else standard_page. Its JSON holds "answer" besides, the
/// described numbers as answer_json gives them.
Page page_of(const Method& method, const PageContext& context);

/// Question; curves of what is described over positions, maps of what is described over pixels, and a table of all
/// quantities with mean and interval.
Page standard_page(const Method& method, const PageContext& context);

/// Numbers and texts as they are; of arrays over pictures the mean with interval and n, where there are at most 64
/// of them; others by their shape. By part where the answer has parts.
nlohmann::ordered_json answer_json(const Answer& answer);

nlohmann::ordered_json value_json(const Valued& valued);

/// All arrays of an answer: "quantity", or "part.quantity".
TensorFile answer_tensors(const Answer& answer);

}  // namespace noisescope::report
