#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/io/writable_folder.h"
#include "noisescope/model/shared_network.h"
#include "noisescope/run/calibrate_run.h"
#include "noisescope/run/train_run.h"

namespace noisescope::cli {
namespace {

void print_weights(const Session& session, const Calibration& c, const std::string& what,
                   const EvidenceWeights& weights) {
  session.say(format_text("{}: log score of pictures left out of the fit {:+.4f} nats [{:.4f}, {:.4f}], n {}", what,
                          weights.gain.value, weights.gain.low, weights.gain.high, weights.questions));
  for (const double log_snr : {c.log_snr_min, (c.log_snr_min + c.log_snr_max) / 2, c.log_snr_max}) {
    const double weight = c.fitted_at(log_snr, weights), half = 1.96 * c.error_at(log_snr, weights);
    session.say(
        format_text("  log-SNR {:5.1f}   {:.2f}  [{:.2f}, {:.2f}]", log_snr, weight, weight - half, weight + half));
  }
}

void print_calibration(const Session& session, const Calibration& c) {
  session.say("what a step's evidence counts (1: as the model claims it; below 1: it claims too much)");
  print_weights(session, c, "all words", c.common);
  for (const auto& [kind, weights] : c.kinds) print_weights(session, c, kind, weights);
}

void run_calibrate(const Session& session, const std::string& run, const std::vector<std::string>& overrides) {
  const RunFolder folder{run};
  RunConfig config = load_run_config_of(folder, overrides);
  check_writable(folder.root);
  const RunData data = open_run_data(config, session.control);  // the split is that of the run's own seed
  if (session.common.seed) config.seed = static_cast<int64_t>(*session.common.seed);
  const TextToImage model = share_network(load_run_model(folder, parse_device(session.common.device),
                                                         [&](const std::string& text) { session.notice(text); }),
                                          session.group);
  const Calibration calibration = calibrate_run(model, config, data, folder, session.control);
  print_calibration(session, calibration);
  session.say(calibration.is_needed()
                  ? "explanations use these weights (--set evidence.calibrated=false: not)"
                  : "the gain over all words is not certain, so evidence stays as the model claims it");
  session.say("written to " + folder.calibration().string());
  session.result(calibration_json(calibration));
}

}  // namespace

void add_calibrate(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("calibrate", "Measure how much of a run's evidence to believe");
  add_common(*command, session);
  auto run = std::make_shared<std::string>();
  auto overrides = std::make_shared<std::vector<std::string>>();
  command->add_option("run", *run, "run folder")->required();
  command->add_option("--set", *overrides, "key=value, e.g. calibration.pictures=256")->allow_extra_args(false);
  command->footer(
      "Examples:\n"
      "  noisescope calibrate runs/demo\n"
      "  noisescope calibrate runs/demo --set calibration.pictures=256 --json\n"
      "Asks a word of each of some held-out pictures' captions against its alternatives and weighs the evidence of\n"
      "every kind of word and noise level so that the probabilities come true. Training ends with it; this does it\n"
      "again, or with more pictures. Written to RUN/calibration.json.");
  command->callback([&session, run, overrides] { run_calibrate(session, *run, *overrides); });
}

}  // namespace noisescope::cli
