#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/run/preview.h"
#include "noisescope/run/train_run.h"

namespace noisescope::cli {
namespace {

struct TrainFlags {
  ConfigFlags config;
  std::string out;
  bool skip_clip_extraction = false;
  bool no_animation = false;
};

void run_train(const Session& session, const TrainFlags& flags) {
  const RunConfig config = read_config(session, flags.config);
  const RunFolder folder{flags.out};
  TrainRunRequest request;
  request.skip_clip_extraction = flags.skip_clip_extraction;
  request.device = parse_device(session.common.device);
  request.notice = [&](const std::string& text) { session.notice(text); };
  request.preview = [&](const TextToImage& model, const Validation& validation) {
    write_preview(model, config, folder, validation.images);
  };
  const TrainingSummary summary = train_run(config, folder, request, session.control);
  session.say(format_text("trained on {} images; the model is in {}\nnext: noisescope report {}", summary.images,
                          folder.root.string(), folder.root.string()));
  session.result({{"out", folder.root.string()},
                  {"parameters", summary.parameters},
                  {"images", summary.images},
                  {"steps", summary.steps},
                  {"seconds", summary.seconds}});
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("train", "Train CLIP and diffusion model of a run");
  add_common(*command, session);
  auto flags = std::make_shared<TrainFlags>();
  add_config_flags(*command, flags->config);
  command->add_option("--out", flags->out, "run folder; an unfinished run there goes on")->required();
  command->add_flag("--skip-clip-extraction", flags->skip_clip_extraction,
                    "use the embedding cache as it is; refuse if it does not fit");
  command->add_flag("--no-animation", flags->no_animation, "previews without films");
  command->footer(
      "Examples:\n"
      "  noisescope train --config config/shapes.yaml --out runs/shapes\n"
      "  noisescope train --config config/model_small.yaml --set data.path=tiny-imagenet-200.zip \\\n"
      "                   --out runs/tiny\n"
      "  noisescope train --set train.budget=60s --seed 3 --out runs/quick\n"
      "Ctrl-C saves; the same command goes on. 'noisescope config show' lists every key of --set.");
  command->callback([&session, flags] { run_train(session, *flags); });
}

}  // namespace noisescope::cli
