// Times what explanations cost on two threads, on a trained run of the demo's world and on the exact worlds:
//   explain_bench RUN [ROUNDS]
// prints one JSON object: seconds and evaluations a second are medians over rounds; an overhead is the
// time inside an observer over the time of the run without it.
#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>

#include <nlohmann/json.hpp>

#include "noisescope/core/device.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/explain/evidence.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/explain/information_map.h"
#include "noisescope/model/word_contrasts.h"
#include "noisescope/run/train_run.h"
#include "noisescope/world/denoiser.h"
#include "noisescope/world/grammar.h"

namespace noisescope {
namespace {

constexpr const char* kPrompt = "a red square left of a blue disc on dark";

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(const std::function<double()>& figure, int64_t rounds) {
  std::vector<double> values(static_cast<size_t>(rounds));
  std::generate(values.begin(), values.end(), figure);
  std::nth_element(values.begin(), values.begin() + rounds / 2, values.end());
  return values[static_cast<size_t>(rounds / 2)];
}

struct Run {
  RunConfig config;
  TextToImage model;
  WorldGrammar grammar;
  Tensor picture;  // [3, S, S]
};

Run load(const RunFolder& folder) {
  const RunConfig config = load_run_config_of(folder, {});
  const World world(config.data.world);
  return {config, load_run_model(folder, torch::kCPU), WorldGrammar(world),
          world.render({Scene{{0, 0, 3}, {1, 2, 5}, 0}})[0]};
}

/// Of one picture: 64 draws, the whole prompt and four words.
void map_information(const Run& run) {
  std::vector<Tensor> references = {run.model.null_condition(1)};
  for (const PromptContrast& word : word_contrasts(&run.grammar, kPrompt, {"red", "square", "blue", "disc"}, {})) {
    references.push_back(run.model.condition({prompt_without(&run.grammar, word)}));
  }
  information_maps({run.model.denoiser(), run.model.condition({kPrompt})}, {run.picture.unsqueeze(0), {Random(0), {0}}},
                   torch::stack(references), {.draws = 64});
}

/// Of one word in four versions: 8 paths of 100 steps, on the network alone.
void filter_evidence(const Run& run) {
  constexpr int64_t kPaths = 8;
  const PromptContrast word = word_contrasts(&run.grammar, kPrompt, {"red"}, {}).front();
  const Tensor conditions = run.model.condition(word.prompts).unsqueeze(1).expand({-1, kPaths, -1});
  filter_noising_paths(run.model.denoiser(),
                       {run.picture.expand({kPaths, -1, -1, -1}), {Random(0), sample_range(0, kPaths)}},
                       {conditions, torch::full({kPaths}, word.true_version, torch::kInt64)}, {.steps = 100});
}

/// Of drawing 4 pictures in 50 steps with both branches.
double overhead(const Run& run, const SamplerObserver& observer) {
  double inside = 0;
  const SamplerObserver timed = [&](const SamplerStep& step) { inside += seconds_of([&] { observer(step); }); };
  SamplingOptions sample = run.config.sample;
  sample.grid.steps = 50;
  sample.guidance.both_branches = true;
  const double whole = seconds_of([&] {
    sample_pictures(run.model, {std::vector<std::string>(4, kPrompt), "", 0, 0}, sample, timed);
  });
  return inside / (whole - inside);
}

/// Denoiser evaluations a second of an exact world, without prompt.
double exact_rate(const char* member) {
  constexpr int64_t kPictures = 512;
  const WorldDenoiser world{World(world_member(member))};
  const Tensor x = Random(0).normal(Purpose::explain, 0, sample_range(0, kPictures), {3, 32, 32});
  const Tensor sigma = torch::ones({kPictures});
  const Tensor condition = world.null_condition().expand({kPictures, -1});
  return kPictures / seconds_of([&] { world.denoise(x, sigma, condition); });
}

nlohmann::ordered_json measure(const RunFolder& folder, int64_t rounds) {
  const Run run = load(folder);
  const auto seconds = [&](void (*work)(const Run&)) {
    return median([&] { return seconds_of([&] { work(run); }); }, rounds);
  };
  const auto recorder_overhead = [&] {
    TrajectoryRecorder recorder{RecorderOptions{}};
    return overhead(run, recorder.observer());
  };
  const auto information_overhead = [&] {
    GuidanceInformationObserver information(run.config.sample.guidance);
    return overhead(run, information.observer());
  };
  return {{"information_map_seconds", seconds(map_information)},
          {"evidence_seconds", seconds(filter_evidence)},
          {"recorder_overhead", median(recorder_overhead, rounds)},
          {"guidance_information_overhead", median(information_overhead, rounds)},
          {"exact_demo_evaluations_per_second", median([] { return exact_rate("demo"); }, rounds)},
          {"exact_fine_evaluations_per_second", median([] { return exact_rate("fine"); }, rounds)}};
}

}  // namespace
}  // namespace noisescope

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: " << argv[0] << " RUN [ROUNDS]\n";
    return 2;
  }
  noisescope::configure_process(2);
  const int64_t rounds = argc > 2 ? std::stoll(argv[2]) : 5;
  std::cout << noisescope::measure({argv[1]}, rounds).dump(2) << std::endl;
  return 0;
}
