#include "apps/noisescope/model_argument.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/error.h"
#include "noisescope/report/rewind_run.h"

namespace noisescope::cli {
namespace {

struct RewindFlags {
  std::string model, record, word, out;
  std::vector<std::string> overrides;
  RewindRequest request;
};

/// "red=green" as a word of the prompt and what takes its place.
void read_word(const std::string& text, RewindRequest& request) {
  if (text.empty()) return;
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
    throw ValueError("[rewind] expected a word and another one as red=green, got '" + text + "'");
  }
  request.word = text.substr(0, equals);
  request.replacement = text.substr(equals + 1);
}

void run_rewind(const Session& session, RewindFlags flags) {
  const OpenedModel opened = open_model(session, flags.model, flags.overrides);
  if (opened.model.network) {
    say_of_cut_prompts(session, opened.model.network->clip().tokenizer(),
                       {flags.request.prompt, flags.request.new_prompt});
  }
  RewindRequest& request = flags.request;
  read_word(flags.word, request);
  request.seed = opened.seed;
  if (!flags.record.empty()) request.record = load_record(flags.record);
  request.out = !flags.out.empty() ? std::filesystem::path(flags.out)
                : opened.folder    ? opened.folder->rewind()
                                   : std::filesystem::path("runs/world/rewind");
  const RewindResult result = rewind_run(opened.model, request, session.control);
  for (const std::string& line : result.lines) session.say(line);
  for (const auto& file : result.files) session.say("wrote " + file.string());
  session.result(result.json);
}

void add_run_flags(CLI::App& command, RewindFlags& flags) {
  RewindRequest& request = flags.request;
  command.add_option("model", flags.model, kModelHelp)->required();
  CLI::Option* record =
      command
          .add_option("--record", flags.record,
                      "rewind a trajectory of 'noisescope sample --record'; its prompt and seed are taken "
                      "from there")
          ->check(CLI::ExistingFile);
  command.add_option("--picture", request.picture, "which picture of the record, from 0")
      ->needs(record)
      ->capture_default_str();
  command.add_option("--prompt", request.prompt, "without a record: draw a trajectory of this prompt first");
  command.add_option("--pictures,--count", request.count, "pictures of that trajectory; the first is shown")
      ->check(CLI::Range(1, 1000))
      ->excludes(record)
      ->capture_default_str();
  CLI::Option* step =
      command.add_option("--step", request.step, "step from which on something is different; 0 is all noise")
          ->check(CLI::Range(0, 100000))
          ->capture_default_str();
  command.add_option("--log-snr", request.log_snr, "instead: the first step at this log-SNR or above")->excludes(step);
}

void add_change_flags(CLI::App& command, RewindFlags& flags) {
  RewindRequest& request = flags.request;
  command.add_option("--word", flags.word, "replace a word of the prompt: red=green, 'red:2=green' for the second");
  command.add_option("--to-prompt", request.new_prompt, "another prompt")->excludes("--word");
  command.add_option("--scale", request.scale, "another guidance scale");
  command
      .add_option("--block", request.block, "TOP,LEFT,HEIGHT,WIDTH in pixels: the noise of this block is drawn anew")
      ->delimiter(',')
      ->expected(4);
  command.add_flag("--new-noise", request.new_noise, "other noise in the steps that remain (stochastic samplers)");
  command.add_option("--noise-seed", request.noise_seed, "seed of the new noise")
      ->check(seed_problem)
      ->capture_default_str();
  command.add_option("--labels", request.labels, "captions of what a picture may show, where no parser reads it")
      ->delimiter(',');
  command.add_option("--out", flags.out, "folder of the results (default: RUN/rewind; of a world runs/world/rewind)");
  command.add_option("--set", flags.overrides, "key=value of a new trajectory, e.g. sample.sampler.solver=ddpm")
      ->allow_extra_args(false);
}

}  // namespace

void add_rewind(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand(
      "rewind", "Go back to a step of a trajectory, change one thing, and see what becomes of the picture");
  add_common(*command, session);
  auto flags = std::make_shared<RewindFlags>();
  add_run_flags(*command, *flags);
  add_change_flags(*command, *flags);
  command->footer(
      "Examples:\n"
      "  noisescope sample runs/demo --prompt \"a red square left of a blue disc on dark\" --record run\n"
      "  noisescope rewind runs/demo --record runs/demo/samples/record.safetensors --step 6 "
      "--word red=green\n"
      "  noisescope rewind runs/demo --prompt \"a red disc\" --log-snr -3 --scale 4\n"
      "  noisescope rewind runs/demo --prompt \"a red disc\" --block 0,16,32,16\n"
      "  noisescope rewind runs/demo --prompt \"a red disc\" --set sample.sampler.solver=ddpm --step 10 "
      "--new-noise\n"
      "All other randomness stays as it was, so the difference of both pictures is the change's effect.\n"
      "Writes before.png, after.png, difference.png, rewind.png, divergence.svg, rewind.safetensors and\n"
      "rewind.json, with the factors of both pictures.");
  command->callback([&session, flags] { run_rewind(session, *flags); });
}

}  // namespace noisescope::cli
