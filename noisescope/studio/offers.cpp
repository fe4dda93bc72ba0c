#include "noisescope/studio/offers.h"

#include <algorithm>
#include <set>

#include "noisescope/run/preview.h"

namespace noisescope::studio {
namespace {

constexpr size_t kExamples = 8, kCompletions = 2000;

/// At most `count` of many, evenly spread.
std::vector<std::string> spread(const std::vector<std::string>& all, size_t count) {
  std::vector<std::string> some;
  const size_t every = std::max<size_t>(1, all.size() / count);
  for (size_t i = 0; i < all.size() && some.size() < count; i += every) some.push_back(all[i]);
  return some;
}

std::vector<std::string> captions_of(const GivenPictures& pictures) {
  std::set<std::string> captions;
  for (const auto& of_one : pictures.captions) captions.insert(of_one.begin(), of_one.end());
  return {captions.begin(), captions.end()};
}

void offer_captions(const Model& model, const std::optional<RunFolder>& folder, StudioOptions& options) {
  if (model.world) {
    const std::vector<std::string>& captions = model.world->grammar().captions();
    options.completions.assign(captions.begin(), captions.begin() + int64_t(std::min(captions.size(), kCompletions)));
    options.examples = spread(model.world->grammar().full_captions(SceneSet::seen), kExamples);
  } else if (model.pictures) {
    options.completions = spread(captions_of(model.pictures->pictures()), kCompletions);
    options.examples = spread(options.completions, kExamples);
  } else if (folder && model.network) {
    const RunConfig config = load_run_config_of(*folder);
    options.examples = example_prompts(config, *model.network, kExamples);
    options.completions = example_prompts(config, *model.network, kCompletions);
  }
  if (options.examples.empty()) options.examples = {""};
}

/// An expression that makes the model; "" where a folder of pictures or a function is behind it.
std::string python_of(const Model& model, const std::optional<RunFolder>& folder, const std::string& argument) {
  if (folder) return "ns.load(" + Json(folder->root.string()).dump() + ")";
  if (!model.world || argument.empty()) return "";
  const size_t colon = argument.find(':');
  return "ns.World(" + Json(colon == std::string::npos ? "demo" : argument.substr(colon + 1)).dump() + ")";
}

}  // namespace

StudioOptions studio_options(const Model& model, const std::optional<RunFolder>& folder, const std::string& argument) {
  StudioOptions options;
  options.folder = folder;
  options.argument = argument;
  options.python = python_of(model, folder, argument);
  offer_captions(model, folder, options);
  return options;
}

}  // namespace noisescope::studio
