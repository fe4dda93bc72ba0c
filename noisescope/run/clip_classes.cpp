#include "noisescope/run/clip_classes.h"

#include <algorithm>

#include "noisescope/data/captions.h"

namespace noisescope::run {

const std::vector<std::string>& usual_templates() {
  static const std::vector<std::string> templates = {
      "itap of a {}.",         "a bad photo of the {}.", "a origami {}.",           "a photo of the large {}.",
      "a {} in a video game.", "art of the {}.",         "a photo of the small {}."};
  return templates;
}

Tensor embed_texts(const ClipModel& model, const std::vector<std::string>& texts, int64_t batch_size) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> rows;
  const auto step = static_cast<size_t>(batch_size);
  for (size_t first = 0; first < texts.size(); first += step) {
    const size_t last = std::min(texts.size(), first + step);
    rows.push_back(
        model.encode_text({texts.begin() + static_cast<long>(first), texts.begin() + static_cast<long>(last)})
            .to(torch::kCPU));
  }
  return torch::cat(rows);
}

Tensor class_embeddings(const ClipModel& model, const std::vector<std::string>& classes,
                        const std::vector<std::string>& templates) {
  std::vector<Tensor> rows;
  for (const std::string& name : classes) {
    const Tensor mean = embed_texts(model, fill_templates(templates, {name})).mean(0);
    rows.push_back(mean / mean.norm().clamp_min(1e-12));
  }
  return torch::stack(rows);
}

Tensor class_probabilities(const ClipModel& model, const Tensor& images, const Tensor& classes) {
  const torch::NoGradGuard no_grad;
  const Tensor scale = model.logit_scale().to(images.device());
  return at::softmax(scale * at::matmul(images, classes.to(images.device()).t()), 1);
}

}  // namespace noisescope::run
