#include "noisescope/report/page.h"

#include <algorithm>
#include <sstream>

#include "noisescope/io/codec/image_file.h"
#include "noisescope/report/estimate_text.h"
#include "noisescope/report/pages/pages.h"
#include "noisescope/stats/estimate.h"

namespace noisescope::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMostNumbers = 64;  // of an array that JSON spells out

/// The place of "picture" among the dimensions; -1: not there.
int64_t picture_dim(const Quantity& quantity) {
  const std::vector<std::string> dims = dims_of(quantity);
  const auto at = std::find(dims.begin(), dims.end(), "picture");
  return at == dims.end() ? -1 : at - dims.begin();
}

/// Mean over pictures [n], the finite ones.
Json mean_of_pictures(const Tensor& values) {
  const Tensor finite = values.masked_select(values.isfinite());
  if (finite.size(0) >= 2) return to_json(mean_estimate(finite));
  if (finite.size(0) == 0) return {{"value", nullptr}, {"n", 0}};
  return {{"value", finite.item<double>()}, {"n", 1}};
}

/// Nested lists of means (pictures first) or of numbers.
Json nested(const Tensor& rest, bool over_pictures) {
  if (over_pictures && rest.dim() == 1) return mean_of_pictures(rest);
  if (!over_pictures && rest.dim() == 0) {
    const double value = rest.item<double>();
    return std::isfinite(value) ? Json(value) : Json(nullptr);
  }
  Json list = Json::array();
  for (const Tensor& one : rest.unbind(over_pictures ? 1 : 0)) list.push_back(nested(one, over_pictures));
  return list;
}

Json tensor_json(const Quantity& quantity, const Tensor& tensor) {
  if (!tensor.defined()) return nullptr;
  const int64_t at = picture_dim(quantity);
  const int64_t pictures = at >= 0 ? std::max<int64_t>(tensor.size(at), 1) : 1;
  if (tensor.numel() / pictures > kMostNumbers || tensor.dim() != int64_t(dims_of(quantity).size())) {
    return {{"shape", tensor.sizes().vec()}};
  }
  const Tensor numbers = tensor.to(torch::kCPU, torch::kFloat64);
  return at >= 0 ? nested(numbers.movedim(at, 0), true) : nested(numbers, false);
}

}  // namespace

Json value_json(const Valued& valued) {
  if (const Tensor* tensor = std::get_if<Tensor>(&valued.value)) return tensor_json(valued.quantity, *tensor);
  return std::visit(
      [](const auto& value) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Tensor>) {
          return nullptr;
        } else {
          return value;
        }
      },
      valued.value);
}

void Page::add_png(const std::string& name, const Image& image, const std::string& alt, const std::string& caption) {
  files[name] = encode_png(image);
  section.figures.push_back(png_figure(image, alt, caption));
  section.figures.back().file = name;
}

void Page::add_svg(const std::string& name, const std::string& svg, const std::string& caption) {
  files[name] = svg;
  section.figures.push_back(svg_figure(svg, caption));
  section.figures.back().file = name;
}

void Page::add_film(const std::string& name, const Image& still, const std::string& gif, const std::string& alt,
                    const std::string& caption) {
  files[name] = gif;
  section.figures.push_back(film_figure(still, gif, "image/gif", alt, caption));
  section.figures.back().file = name;
}

nlohmann::ordered_json answer_json(const Answer& answer) {
  Json json = Json::object();
  for (const Valued& valued : values_of(answer)) {
    Json& place = valued.part.empty() ? json : json[valued.part];
    place[valued.quantity.name] = value_json(valued);
  }
  return json;
}

TensorFile answer_tensors(const Answer& answer) {
  TensorFile file;
  for (const Valued& valued : values_of(answer)) {
    std::string key = valued.part.empty() ? valued.quantity.name : valued.part + "." + valued.quantity.name;
    std::replace(key.begin(), key.end(), '/', '_');
    if (const Tensor* tensor = std::get_if<Tensor>(&valued.value)) {
      if (tensor->defined()) file.tensors[key] = tensor->to(torch::kCPU).contiguous();
    } else if (const auto* numbers = std::get_if<std::vector<double>>(&valued.value)) {
      file.tensors[key] = torch::tensor(*numbers, torch::kFloat64);
    } else if (const auto* integers = std::get_if<std::vector<int64_t>>(&valued.value)) {
      file.tensors[key] = torch::tensor(*integers, torch::kInt64);
    } else if (const auto* names = std::get_if<std::vector<std::string>>(&valued.value)) {
      file.metadata[key] = join(*names);
    } else if (const auto* text = std::get_if<std::string>(&valued.value)) {
      file.metadata[key] = *text;
    }
  }
  return file;
}

Page page_of(const Method& method, const PageContext& context) {
  const PageMaker maker = page_maker(method.id);
  Page page = maker ? maker(context) : standard_page(method, context);
  page.json["answer"] = answer_json(context.answer);
  return page;
}

}  // namespace noisescope::report
