#include "noisescope/model/factors.h"

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/world/parser.h"

namespace noisescope::model {
namespace {

std::vector<int64_t> values_of(const ParsedScene& read) {
  if (read.rejected) return {-1, -1, -1, -1, -1};
  const Scene& s = read.scene;
  return {s.left.shape, s.left.colour, s.right.shape, s.right.colour, s.background};
}

}  // namespace

FactorReader world_factors(const World& world) {
  const WorldOptions& options = world.options();
  return {{{"left shape", options.shapes},
           {"left colour", options.colours},
           {"right shape", options.shapes},
           {"right colour", options.colours},
           {"background", options.backgrounds}},
          "the exact parser of the world",
          [parser = WorldParser(world)](const Tensor& pictures) {
            std::vector<Tensor> rows;
            for (const ParsedScene& read : parser.parse(pictures.to(torch::kCPU))) {
              rows.push_back(torch::tensor(values_of(read), torch::kInt64));
            }
            return torch::stack(rows);
          }};
}

FactorReader zero_shot_factors(const Model& model, const std::vector<std::string>& labels) {
  if (labels.size() < 2 || !model.reader) {
    throw ValueError(
        format_text("[model.zero_shot_factors] expected at least two labels and a model that reads pictures, got {}{}",
                    labels.size(), (model.reader ? "" : " and one that does not")));
  }
  model.condition(labels);  // refuses unknown words
  return {{{"label", labels}},
          model.network ? "the run's own CLIP, zero-shot" : "the model's reader, zero-shot",
          [reader = model.reader(labels)](const Tensor& pictures) {
            return reader(pictures).argmax(1, true).to(torch::kCPU);
          }};
}

FactorReader factors_of(const Model& model, const std::vector<std::string>& labels) {
  if (!labels.empty()) return zero_shot_factors(model, labels);
  if (model.world) return world_factors(model.world->world());
  return {};
}

}  // namespace noisescope::model
