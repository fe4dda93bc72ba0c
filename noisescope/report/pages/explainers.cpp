#include "noisescope/report/pages/explainers.h"

#include "noisescope/explain/read_out.h"
#include "noisescope/run/word_contrasts.h"

namespace noisescope {

DrawPictures drawer_of(const ExplainContext& context) {
  return picture_drawer({context.model.denoiser(), context.run.null_condition,
                         context.config.sample.guidance, context.sigmas(), context.config.sample.sampler},
                        context.control);
}

RunNoise run_noise(const ExplainContext& context, int64_t count) {
  return {rows_of(context.run.noise, sample_range(0, count)),
          context.run.initial(count).to(context.model.device())};
}

RunNoise seed_noise(const ExplainContext& context, int64_t count) {
  const NoiseSource noise{Random(context.request.seed), sample_range(0, count)};
  return {noise, noise.initial(context.picture.sizes()).to(context.model.device())};
}

ScorePictures word_margins(const ExplainContext& context) {
  std::vector<std::pair<WordReader, int64_t>> words;  // a reader of the versions, and the own one
  for (const PromptContrast& contrast : context.contrasts) {
    words.emplace_back(clip_reader(context.model.clip(), lone_words(context.config, contrast)),
                       contrast.own);
  }
  return [words](const Tensor& pictures) {
    std::vector<Tensor> margins;
    for (const auto& [reader, own] : words) {
      const Tensor scores = reader(pictures);
      const Tensor others = (scores.sum(1) - scores.select(1, own)) / double(scores.size(1) - 1);
      margins.push_back(scores.select(1, own) - others);
    }
    return torch::stack(margins, 1);
  };
}

int64_t branches_of(const ExplainContext& context) {
  return context.config.sample.guidance.scale == 1 ? 1 : 2;
}

std::string interval_text(const Estimate& e) { return text_of("%.3g to %.3g", e.low, e.high); }

KeyNumber key_number(const std::string& label, const Estimate& e, const std::string& unit,
                     const std::string& meaning) {
  return {label, text_of("%.3g", e.value) + (unit.empty() ? "" : " " + unit),
          "95 %: " + interval_text(e) + text_of(", n = %lld", static_cast<long long>(e.n)), meaning};
}

}  // namespace noisescope
