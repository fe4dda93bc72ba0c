#include "noisescope/verify/prompt_satisfied.h"

#include "noisescope/world/parser.h"

namespace noisescope::verify {

PictureValue prompt_satisfied(const SceneBatch& batch) {
  std::vector<CaptionMeaning> meanings;
  for (const std::string& caption : batch.captions()) {
    meanings.push_back(batch.grammar.parse(caption));
  }
  return [meanings, parser = WorldParser(batch.world)](const WindowPictures& pictures) {
    check_shape("verify.prompt_satisfied", "pictures", pictures.drawn,
                {static_cast<int64_t>(meanings.size()), -1, -1, -1});
    const std::vector<ParsedScene> read = parser.parse(pictures.drawn);
    std::vector<double> satisfied;
    for (size_t i = 0; i < read.size(); ++i) {
      satisfied.push_back(agreement(read[i], meanings[i]).joint ? 1 : 0);
    }
    return torch::tensor(satisfied, torch::kFloat64);
  };
}

}  // namespace noisescope::verify
