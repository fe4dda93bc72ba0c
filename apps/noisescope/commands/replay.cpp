#include "noisescope/run/replay.h"
#include "apps/noisescope/cli.h"
#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::cli {
namespace {

struct ReplayFlags {
  std::string run, out, data;
};

void print_replay(const Session& session, const Replay& replay) {
  for (const ReplayedPart& part : replay.parts) {
    session.say(format_text("{:<13} {}", part.name, part.is_equal() ? "equal  " + part.run : part.difference));
  }
  if (replay.is_equal()) {
    session.say("made anew, the run is the same to the bit");
    return;
  }
  session.say(replay.reasons.empty() ? "not the same, though nothing is known that would explain it: please report it"
                                     : "not the same. What may explain it:");
  for (const std::string& reason : replay.reasons) session.say("  " + reason);
}

void run_replay(Session& session, const ReplayFlags& flags) {
  if (session.common.seed) {
    throw ValueError(
        format_text("[replay] expected the seed of the run, got --seed {}; leave it out", *session.common.seed));
  }
  ReplayRequest request{flags.out, flags.data, session.common.threads, parse_device(session.common.device)};
  request.notice = [&](const std::string& text) { session.notice(text); };
  const Replay replay = replay_run({flags.run}, request, session.control);
  print_replay(session, replay);
  session.result(to_json(replay));
  session.exit_code = replay.is_equal() ? 0 : 1;
}

}  // namespace

void add_replay(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("replay", "Train a run anew from its folder, and compare");
  add_common(*command, session);
  auto flags = std::make_shared<ReplayFlags>();
  command->add_option("run", flags->run, "run folder, its training finished")->required();
  command->add_option("--out", flags->out, "folder of the run made anew (default: RUN/replay); goes on there");
  command->add_option("--data", flags->data, "where the data are, if they have moved; they are compared");
  command->footer(
      "Examples:\n"
      "  noisescope replay runs/demo\n"
      "  noisescope replay runs/demo --out runs/again --json\n"
      "  noisescope replay runs/tiny --data tiny-imagenet-200.zip\n"
      "Trains CLIP and model as config.yaml and starts.json say, with as many threads as then (--threads N: other), "
      "and\n"
      "compares checksums of CLIP, embeddings, conditions, metrics without their times, and model. Written to\n"
      "replay.json in the new folder. Budgets in seconds are replayed by the steps that they gave.\n"
      "Exit codes: 0 equal to the bit, 1 different (what may explain it is listed: threads, processor, torch, ...).");
  command->callback([&session, flags] { run_replay(session, *flags); });
}

}  // namespace noisescope::cli
