#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/data/image_loader.h"
#include "noisescope/model/shared_network.h"
#include "noisescope/report/sample_run.h"
#include "noisescope/run/train_run.h"

namespace noisescope::cli {
namespace {

struct SampleFlags {
  std::string run;
  std::string out;
  SampleRequest request;
  std::vector<std::string> overrides;
};

void run_sample(const Session& session, SampleFlags flags) {
  const RunFolder folder{flags.run};
  RunConfig config = load_run_config_of(folder, flags.overrides);
  flags.request.seed = session.common.seed.value_or(static_cast<uint64_t>(config.seed));
  if (!flags.out.empty()) flags.request.out = flags.out;
  const TextToImage model = share_network(load_run_model(folder, parse_device(session.common.device),
                                                         [&](const std::string& text) { session.notice(text); }),
                                          session.group);
  std::vector<std::string> texts = flags.request.prompts;
  texts.push_back(flags.request.negative_prompt);
  const int64_t cut = say_of_cut_prompts(session, model.clip().tokenizer(), texts);
  const SampleResult result = sample_run(model, config, folder, flags.request, session.control);
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const auto& file : result.files) {
    session.say("wrote " + file.string());
    files.push_back(file.string());
  }
  if (!result.earlier.empty()) {
    session.notice("beside them lie " + std::to_string(result.earlier.size()) + " files of an earlier call (" +
                   name_examples(result.earlier) + "); choose another --out to keep them apart");
  }
  session.result(
      {{"files", files}, {"seconds", result.seconds}, {"truncated", cut}, {"earlier_files", result.earlier}});
}

}  // namespace

void add_sample(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("sample", "Draw pictures for prompts, with films of the noise");
  add_common(*command, session);
  auto flags = std::make_shared<SampleFlags>();
  command->add_option("run", flags->run, "run folder")->required();
  command->add_option("--prompt", flags->request.prompts, "what to draw; may be given several times")
      ->allow_extra_args(false);
  command
      ->add_option("--image-prompt", flags->request.image_prompts,
                   "PNG or JPEG to draw alike (models trained with condition.image_share above 0)")
      ->check(CLI::ExistingFile)
      ->allow_extra_args(false);
  command->add_option("--pictures,--count", flags->request.count, "pictures of each prompt")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command
      ->add_option("--first", flags->request.first, "number of the first one: --first 7 draws picture 7 again, alone")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  command->add_option("--negative-prompt", flags->request.negative_prompt, "takes the place of the null condition");
  command->add_option("--out", flags->out, "folder of the results; default: RUN/samples");
  command->add_option("--set", flags->overrides, "key=value, e.g. sample.guidance.scale=3")->allow_extra_args(false);
  command->add_option("--film", flags->request.film, "gif, apng or webp")
      ->check(CLI::IsMember({"gif", "apng", "webp"}))
      ->capture_default_str();
  command->add_flag("--no-animation", flags->request.no_animation, "no film");
  command->add_flag("--single", flags->request.single, "also write each picture to its own PNG");
  command->add_option("--array", flags->request.array, "also all pixels: safetensors or npy")
      ->check(CLI::IsMember({"safetensors", "npy"}));
  command
      ->add_option("--record", flags->request.record,
                   "also everything the solver saw, in record.safetensors: run (the branches that "
                   "it evaluated) or full (both branches at every noise level)")
      ->check(CLI::IsMember({"run", "full"}));
  command->footer(
      "Examples:\n"
      "  noisescope sample runs/demo --prompt \"a red square left of a blue disc on dark\"\n"
      "  noisescope sample runs/demo --prompt \"a red disc\" --pictures 16 --set sample.guidance.scale=3 "
      "--seed 7\n"
      "  noisescope sample runs/demo --prompt \"a cross\" --set sample.sampler.solver=ddim "
      "--set sample.grid.steps=50\n"
      "  noisescope sample runs/demo --prompt \"a red disc\" --record full\n"
      "  noisescope sample runs/demo --prompt \"a red disc\" --first 7 --single\n"
      "Picture k of a prompt depends on (seed, k) alone, whatever --pictures is; a single PNG says its k\n"
      "(sample_number). An empty prompt is the null condition.");
  command->callback([&session, flags] { run_sample(session, *flags); });
}

}  // namespace noisescope::cli
