#include "noisescope/run/preview.h"

#include <algorithm>

#include "noisescope/core/format.h"
#include "noisescope/data/data_options.h"
#include "noisescope/evaluate/scene_accuracy.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/viz/image_grid.h"

namespace noisescope::run {
namespace {

constexpr int64_t kPreviewPrompts = 8;
constexpr uint64_t kPreviewStream = 2;  // 0 scores, 1 sweeps

}  // namespace

std::vector<std::string> example_prompts(const RunConfig& config, const TextToImage& model, int64_t count) {
  if (config.data.kind == DataKind::world) {
    const WorldGrammar grammar{World(config.data.world)};
    return draw_scene_prompts(grammar, Random(static_cast<uint64_t>(config.seed)), kPreviewStream, count, SceneSet::all)
        .captions;
  }
  if (config.data.kind == DataKind::emoji) {
    const std::vector<std::string> prompts = {"red heart",     "waving hand, dark skin tone",
                                              "fox",           "three o'clock",
                                              "grinning face", "woman, red hair",
                                              "rainbow",       "pizza"};
    return {prompts.begin(), prompts.begin() + std::min<std::ptrdiff_t>(count, std::ssize(prompts))};
  }
  const std::vector<std::string> words = model.clip().tokenizer().known_words();
  std::vector<std::string> prompts;
  for (int64_t k = 0; k < count && !words.empty(); ++k) {
    prompts.push_back(words[static_cast<size_t>(k) * words.size() / static_cast<size_t>(count)]);
  }
  return prompts;
}

void write_preview(const TextToImage& model, const RunConfig& config, const RunFolder& folder, int64_t images_seen) {
  const std::vector<std::string> prompts = example_prompts(config, model, kPreviewPrompts);
  if (prompts.empty()) return;
  const Tensor pictures = sample_pictures(model, {prompts, "", static_cast<uint64_t>(config.seed), 0}, config.sample);
  write_png(folder.samples() / format_text("preview-{:08}.png", images_seen), image_grid(pictures, prompts),
            {{"noisescope", format_text("preview after {} images", images_seen)}});
}

}  // namespace noisescope::run
