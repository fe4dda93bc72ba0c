#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/run/preview.h"
#include "noisescope/run/train_run.h"

namespace noisescope::cli {
namespace {

struct TrainFlags {
  ConfigFlags config;
  std::string out, from;
  bool skip_clip_extraction = false;
  bool no_animation = false;
};

/// The configuration of a run that starts from the weights of another: that one's, with what is asked for otherwise.
RunConfig config_from(const Session& session, const TrainFlags& flags) {
  const RunFolder start{std::filesystem::absolute(flags.from).lexically_normal()};
  if (!std::filesystem::exists(start.model())) {
    throw ModelError("[train] expected a finished run as --from, got " + flags.from + " without model.safetensors");
  }
  RunConfig config = load_run_config_of(start, flags.config.overrides);
  config.start_from = start.root.string();
  config.clip_folder = start.clip().string();
  if (session.common.seed) config.seed = static_cast<int64_t>(*session.common.seed);
  return config;
}

void run_train(const Session& session, const TrainFlags& flags) {
  const RunConfig config = flags.from.empty() ? read_config(session, flags.config) : config_from(session, flags);
  const RunFolder folder{flags.out};
  TrainRunRequest request;
  request.group = session.group;
  request.skip_clip_extraction = flags.skip_clip_extraction;
  request.device = parse_device(session.common.device);
  std::vector<std::string> notes;
  request.notice = [&](const std::string& text) {
    session.notice(text);
    notes.push_back(text);
  };
  request.preview = [&](const TextToImage& model, const Validation& validation) {
    write_preview(model, config, folder, validation.images);
  };
  const TrainingSummary summary = train_run(config, folder, request, session.control);
  if (!session.group->leads()) return;
  session.say(format_text("trained on {} images; the model is in {}\nnext: noisescope report {}", summary.images,
                          folder.root.string(), folder.root.string()));
  session.result({{"out", folder.root.string()},
                  {"parameters", summary.parameters},
                  {"images", summary.images},
                  {"steps", summary.steps},
                  {"seconds", summary.seconds},
                  {"notes", notes}});
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("train", "Train CLIP and diffusion model of a run");
  add_common(*command, session);
  auto flags = std::make_shared<TrainFlags>();
  add_config_flags(*command, flags->config);
  command->add_option("--out", flags->out, "run folder; resumes an unfinished run")->required();
  command
      ->add_option("--from", flags->from,
                   "start from the weights and with the encoder of this finished run, in its configuration (--set over "
                   "it), on other or more pictures")
      ->check(CLI::ExistingDirectory)
      ->excludes("--config");
  command->add_flag("--skip-clip-extraction", flags->skip_clip_extraction,
                    "use the embedding cache as it is; refuse if it does not fit");
  command->add_flag("--no-animation", flags->no_animation, "previews without films");
  command->footer(
      "Examples:\n"
      "  noisescope train --config config/shapes.yaml --out runs/shapes\n"
      "  noisescope train --config config/model_small.yaml --set data.path=tiny-imagenet-200.zip \\\n"
      "                   --out runs/tiny\n"
      "  noisescope train --set train.budget=60s --seed 3 --out runs/quick\n"
      "  noisescope train --from runs/tiny --set data.path=more-pictures --out runs/more\n"
      "  torchrun --nproc-per-node 2 build/noisescope train --config config/shapes.yaml --out runs/shared\n"
      "Ctrl-C saves; rerun the command to resume. 'noisescope config show' lists every key of --set.");
  command->callback([&session, flags] { run_train(session, *flags); });
}

}  // namespace noisescope::cli
