#include "apps/noisescope/cli.h"
#include "apps/noisescope/clip_commands.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/run/clip_stage.h"
#include "noisescope/run/shared_folder.h"

namespace noisescope::cli {
namespace {

struct ClipFlags {
  ConfigFlags config;
  std::string out;
};

void run_clip_train(const Session& session, const ClipFlags& flags) {
  const RunConfig config = read_config(session, flags.config);
  agree_on_settings(*session.group, config);
  const SharedFolder shared(*session.group, RunFolder{flags.out});
  const RunFolder& folder = shared.folder();
  make_folder(folder.root);
  const FolderLock lock(folder.root);
  const RunData data = open_run_data(config, session.control);
  agree(*session.group, "data", {{"fingerprint", data.dataset->fingerprint()}});
  const Notice notice = [&](const std::string& text) { session.notice(text); };
  for (const std::string& note : load_notes(data.report)) notice(note);
  const ClipModel clip =
      clip_of_run({config, data, folder, parse_device(session.common.device), session.group}, session.control, notice);
  if (!session.group->leads()) return;
  const auto report = nlohmann::ordered_json::parse(read_file(folder.clip_report()));
  const auto& zero = report.at("zero_shot");
  session.say(format_text("zero-shot {} over {} captions, {} images", zero.at("value").dump(),
                          zero.at("captions").dump(), zero.at("n").dump()));
  session.say("Hugging Face folder: " + folder.clip().string());
  session.result(report);
}

void add_clip_train(CLI::App& clip, Session& session) {
  CLI::App* train = clip.add_subcommand("train", "Train a small CLIP contrastively");
  add_common(*train, session);
  auto flags = std::make_shared<ClipFlags>();
  add_config_flags(*train, flags->config);
  train->add_option("--out", flags->out, "run folder; a later 'noisescope train' there uses this CLIP")->required();
  train->footer(
      "Examples:\n"
      "  noisescope clip train --out runs/clip --set clip_train.seconds=30\n"
      "  noisescope clip train --config config/model_small.yaml --out runs/tiny --json\n"
      "Writes OUT/clip in Hugging Face layout and OUT/clip.json: zero-shot accuracy, retrieval\n"
      "ranks, modality gap. Ctrl-C saves; rerun the command to resume.");
  train->callback([&session, flags] { run_clip_train(session, *flags); });
}

}  // namespace

void add_clip(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("clip", "The encoder that conditions the model");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  noisescope clip train --out runs/clip\n"
      "  noisescope clip inspect models/ViT-B-32");
  for (auto* add : {add_clip_train, add_clip_inspect, add_clip_embed, add_clip_classify, add_clip_similarity}) {
    add(*command, session);
  }
}

}  // namespace noisescope::cli
