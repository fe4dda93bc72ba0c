#include <optional>

#include "apps/noisescope/cli.h"
#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/run/train_run.h"
#include "noisescope/report/verify_page.h"
#include "noisescope/verify/verify.h"

namespace noisescope::cli {
namespace {

struct VerifyFlags {
  VerifyOptions options;
  std::string model;
  std::string out;
};

void list_checks(const Session& session) {
  std::vector<std::string> names;
  for (const Check& check : checks()) {
    session.say(check.name);
    names.push_back(check.name);
  }
  session.result(names);
}

void list_defects(const Session& session) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Defect& defect : defects()) {
    session.say(format_text("{}: {}; brings down {}: {}", defect.name, defect.what, defect.check,
                            join(defect.falls)));
    json.push_back({{"name", defect.name},
                    {"what", defect.what},
                    {"check", defect.check},
                    {"falls", defect.falls},
                    {"spares", defect.spares}});
  }
  session.result(json);
}

std::optional<Model> subject_of(const Session& session, const std::string& run) {
  if (run.empty()) return std::nullopt;
  const RunFolder folder{run};
  const RunConfig config = load_run_config_of(folder, {});
  if (config.data.kind != DataKind::world || !(config.data.world == world_member("demo"))) {
    throw ModelError("[verify] expected a run on the demo world (data.kind: world), got another; only "
                     "there the truth is known");
  }
  const TextToImage model =
      load_run_model(folder, parse_device(session.common.device),
                     [&](const std::string& text) { session.notice(text); });
  const World world(config.data.world);
  return network_model(model, "trained " + world.name(), config.sample, cleanest_trained_log_snr(config), world);
}

void run_verify(Session& session, VerifyFlags flags) {
  if (flags.options.defect == "list") return list_defects(session);
  if (flags.options.checks == std::vector<std::string>{"list"}) return list_checks(session);
  flags.options.seed = session.common.seed.value_or(0);
  const std::optional<Model> trained = subject_of(session, flags.model);
  const Verification verification =
      verify(flags.options, trained ? &*trained : nullptr, session.control,
             [&](const std::string& check, const std::vector<VerifyRow>& rows, double seconds) {
               session.say(format_text("{}{}: {:.1f} s", to_table(rows), check, seconds));
             });
  const nlohmann::ordered_json json = to_json(verification);
  const std::filesystem::path path = std::filesystem::path(flags.out) / "verify.json";
  std::filesystem::create_directories(flags.out);
  write_file_atomic(path, json.dump(2));
  write_file_atomic(path.parent_path() / "verify.html",
                    verify_page(verification, session.command_line));
  session.say(format_text("{} rows in {:.0f} s: {}; written to {}", verification.rows.size(), verification.seconds,
                          verification.pass() ? "all hold" : "NOT all hold", path.string()));
  session.result(json);
  if (!verification.pass()) session.exit_code = 1;
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand(
      "verify", "Hold every explanation method against the world where the truth is known");
  add_common(*command, session);
  auto flags = std::make_shared<VerifyFlags>();
  command->add_option("--model", flags->model, "run folder of a demo model, to be verified too");
  command->add_flag("--full", flags->options.full, "the n of the bars (up to 20 minutes)");
  command->add_option("--checks", flags->options.checks,
                      "only these checks, separated by commas; 'list' names them")
      ->delimiter(',');
  command->add_option("--break", flags->options.defect,
                      "plant a named defect and see its row fail; 'list' names them");
  command->add_option("--out", flags->out, "folder for verify.json and verify.html")
      ->default_val("runs/verify");
  command->footer(
      "Examples:\n"
      "  noisescope verify\n"
      "  noisescope verify --model runs/demo --full\n"
      "  noisescope verify --checks \"u-turn,word read-out\"\n"
      "  noisescope verify --break shifted-prompt      must fail\n"
      "Each row: verdict, method, subject, figure, bar, value [95 % interval] n. Exit status 1 when a\n"
      "row falls short.");
  command->callback([&session, flags] { run_verify(session, *flags); });
}

}  // namespace noisescope::cli
