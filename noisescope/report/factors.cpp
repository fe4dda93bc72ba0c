#include "noisescope/report/factors.h"

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/world/parser.h"

namespace noisescope {
namespace {

std::vector<int64_t> values_of(const ParsedScene& read) {
  if (read.rejected) return {-1, -1, -1, -1, -1};
  const Scene& s = read.scene;
  return {s.left.shape, s.left.colour, s.right.shape, s.right.colour, s.background};
}

}  // namespace

FactorReader world_factors(const WorldOptions& options) {
  const WorldParser parser{World(options)};
  return {{{"left shape", options.shapes},
           {"left colour", options.colours},
           {"right shape", options.shapes},
           {"right colour", options.colours},
           {"background", options.backgrounds}},
          "the exact parser of the world",
          [parser](const Tensor& pictures) {
            std::vector<Tensor> rows;
            for (const ParsedScene& read : parser.parse(pictures.to(torch::kCPU))) {
              rows.push_back(torch::tensor(values_of(read), torch::kInt64));
            }
            return torch::stack(rows);
          }};
}

FactorReader zero_shot_factors(const TextToImage& model, const std::vector<std::string>& labels) {
  if (labels.size() < 2) {
    throw ValueError("[report.zero_shot_factors] expected at least two labels, got " +
                     std::to_string(labels.size()));
  }
  model.condition(labels);  // refuses unknown words
  const torch::NoGradGuard no_grad;
  const ClipModel clip = model.clip();
  const Tensor text = clip.encode_text(labels);
  return {{{"label", labels}},
          "the run's own CLIP, zero-shot",
          [clip, text](const Tensor& pictures) {
            const torch::NoGradGuard inside;
            const Tensor images =
                clip.encode_image(pictures.clamp(-1, 1).to(clip.device(), torch::kFloat32));
            return images.matmul(text.t()).argmax(1, true).to(torch::kCPU);
          }};
}

FactorReader factors_of(const TextToImage& model, const RunConfig& config,
                        const std::vector<std::string>& labels) {
  if (!labels.empty()) return zero_shot_factors(model, labels);
  if (config.data.kind == DataKind::world) return world_factors(config.data.world);
  return {};
}

}  // namespace noisescope
