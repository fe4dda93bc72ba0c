#include <algorithm>

#include "noisescope/core/format.h"
#include "noisescope/report/estimate_text.h"
#include "noisescope/report/figures.h"
#include "noisescope/report/page.h"
#include "noisescope/viz/panels.h"

namespace noisescope::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMostCurves = 8;

/// A number, or an estimate with its interval; else what it is.
std::string cell_of(const Valued& valued) {
  const Json json = value_json(valued);
  if (json.is_object() && json.contains("low")) return estimate_text(estimate_of_json(json));
  if (json.is_object() && json.contains("shape")) return "array " + json.at("shape").dump();
  if (json.is_number()) return number_text(json.get<double>());
  if (json.is_string()) return json.get<std::string>();
  const std::string text = json.dump();
  return text.size() > 60 ? "list of " + std::to_string(json.size()) : text;
}

/// The numbers along the first dimension: positions, the middles of edges, or 0, 1, ...
std::vector<double> positions_of(const Valued& valued, const std::vector<Valued>& all, int64_t count) {
  for (const Valued& other : all) {
    const auto* numbers = std::get_if<std::vector<double>>(&other.value);
    if (!numbers || other.part != valued.part || other.quantity.name != valued.quantity.notes.x) continue;
    const auto size = static_cast<int64_t>(numbers->size());
    if (size == count) return *numbers;
    std::vector<double> middles;
    for (int64_t i = 0; size == count + 1 && i < count; ++i) {
      middles.push_back(((*numbers)[size_t(i)] + (*numbers)[size_t(i) + 1]) / 2);
    }
    if (!middles.empty()) return middles;
  }
  std::vector<double> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(double(i));
  return numbers;
}

Series plain_series(const std::vector<double>& x, const Tensor& values) {
  const Tensor y = values.to(torch::kFloat64).contiguous();
  return {"", x, {y.const_data_ptr<double>(), y.const_data_ptr<double>() + y.numel()}};
}

/// Curves of [position], [position, picture] or [position, picture, series]; none of anything else.
std::vector<Series> curves_of(const Valued& valued, const std::vector<Valued>& all) {
  const std::vector<std::string> dims = dims_of(valued.quantity);
  Tensor values;
  if (const auto* tensor = std::get_if<Tensor>(&valued.value)) values = *tensor;
  if (const auto* numbers = std::get_if<std::vector<double>>(&valued.value)) {
    values = torch::tensor(*numbers, torch::kFloat64);
  }
  if (!*valued.quantity.notes.x || !values.defined() || values.dim() != int64_t(dims.size())) return {};
  const std::vector<double> x = positions_of(valued, all, values.size(0));
  if (values.dim() == 1) return {plain_series(x, values)};
  if (dims[1] != "picture" || values.size(1) < 2 || values.dim() > 3) return {};
  if (values.dim() == 2) return {mean_series("", x, values)};
  std::vector<Series> series;
  for (int64_t k = 0; k < std::min(values.size(2), kMostCurves); ++k) {
    series.push_back(mean_series(format_text("{} {}", dims[2], k), x, values.select(2, k)));
  }
  return series;
}

std::string curve_plot(const Valued& valued, std::vector<Series> series, const ScheduleOptions& schedule) {
  const Quantity& quantity = valued.quantity;
  Plot plot;
  plot.title = valued.part.empty() ? quantity.name : valued.part + ": " + quantity.name;
  plot.description = quantity.help;
  plot.x.label = quantity.notes.x;
  plot.y.label = quantity.name;
  plot.y.unit = quantity.unit;
  if (std::string_view(quantity.notes.x) == "log_snrs") {
    plot.x.label = kLogSnrLabel;
    plot.second_x = timestep_axis(schedule);
  }
  if (std::isfinite(quantity.notes.null)) plot.rules = {{false, quantity.notes.null, "null"}};
  plot.series = std::move(series);
  return render_svg(plot);
}

/// [picture, y, x] as the map of the first picture beside its picture.
bool is_map(const Valued& valued) {
  const auto* tensor = std::get_if<Tensor>(&valued.value);
  return valued.quantity.dims == "picture y x" && tensor && tensor->defined() && tensor->dim() == 3 &&
         tensor->is_floating_point();
}

Panel map_of(const Valued& valued) {
  const Tensor map = std::get<Tensor>(valued.value)[0].cpu();
  const Quantity& quantity = valued.quantity;
  return quantity.notes.is_signed ? signed_panel(map, quantity.name, quantity.unit)
                                  : map_panel(map, quantity.name, quantity.unit);
}

Table table_of(const Method& method, const std::vector<Valued>& values) {
  Table table{"Means over pictures with 95 % intervals; arrays stand in " + method.id + ".safetensors.",
              {"quantity", "value", "unit", "what it is"},
              {}};
  if (method.is_named) table.header.insert(table.header.begin(), "of");
  for (const Valued& valued : values) {
    std::vector<std::string> row = {valued.quantity.name, cell_of(valued), valued.quantity.unit, valued.quantity.help};
    if (method.is_named) row.insert(row.begin(), valued.part);
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

Page standard_page(const Method& method, const PageContext& context) {
  Page page{{method.question, "", {}, {}, {}, {}}};
  const std::vector<Valued> values = values_of(context.answer);
  std::vector<PanelRow> maps;
  for (const Valued& valued : values) {
    if (std::vector<Series> curves = curves_of(valued, values); !curves.empty()) {
      const std::string name = valued.part.empty() ? valued.quantity.name : valued.part + "_" + valued.quantity.name;
      page.add_svg(method.id + "_" + name + ".svg",
                   curve_plot(valued, std::move(curves), context.subject.model.schedule), valued.quantity.help + ".");
    }
    if (is_map(valued)) {
      maps.push_back({valued.part, {picture_panel(context.subject.picture, "the picture"), map_of(valued)}});
    }
  }
  if (!maps.empty()) {
    page.add_png(method.id + ".png", panel_rows(maps), "Maps of " + method.id, "Of the first picture.");
  }
  page.section.tables.push_back(table_of(method, values));
  return page;
}

}  // namespace noisescope::report
