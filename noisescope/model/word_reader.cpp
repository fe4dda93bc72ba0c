#include "noisescope/model/word_reader.h"

#include <ATen/core/grad_mode.h>

#include "noisescope/clip/clip_model.h"
#include "noisescope/core/error.h"
#include "noisescope/world/denoiser.h"
#include "noisescope/world/picture_denoiser.h"

namespace noisescope::model {

WordReader clip_reader(const ClipModel& clip, const std::vector<std::string>& texts) {
  if (texts.empty()) throw ValueError("[model.clip_reader] expected at least one word, got none");
  const at::NoGradGuard no_grad;
  return [clip, words = clip.encode_text(texts)](const Tensor& pictures) {
    const at::NoGradGuard no_grad_inside;
    const Tensor seen = pictures.clamp(-1, 1).to(clip.device(), torch::kFloat32);
    return clip.encode_image(seen).matmul(words.transpose(0, 1));
  };
}

WordReader exact_reader(const WorldDenoiser& truth, const std::vector<std::string>& texts) {
  std::vector<CaptionMeaning> meanings;
  for (const std::string& text : texts) meanings.push_back(truth.grammar().parse(text));
  return [truth, meanings](const Tensor& pictures) {
    const Tensor null = truth.null_condition().expand({pictures.size(0), -1}), seen = pictures.to(null.device());
    const Tensor sigma = torch::ones({pictures.size(0)}, seen.options().dtype(torch::kFloat64));
    const Tensor p = truth.caption_posterior(seen, sigma, null, meanings);
    return p.clamp(1e-12, 1 - 1e-12).logit();
  };
}

WordReader exact_reader(const PictureDenoiser& truth, const std::vector<std::string>& texts) {
  const Tensor said = (truth.condition_of(texts) > 0).to(torch::kFloat64);  // [V, N]
  return [truth, said](const Tensor& pictures) {
    const Tensor sigma = torch::ones({pictures.size(0)}, torch::kFloat64);
    const Tensor p = truth.posterior(pictures, sigma, truth.null_condition().expand({pictures.size(0), -1}));
    return p.matmul(said.t()).clamp(1e-12, 1 - 1e-12).logit();
  };
}

}  // namespace noisescope::model
