#include <optional>

#include "apps/noisescope/cli.h"
#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/data/data_options.h"
#include "noisescope/io/codec/yaml.h"
#include "noisescope/io/file.h"
#include "noisescope/model/shared_network.h"
#include "noisescope/report/verify_page.h"
#include "noisescope/run/train_run.h"
#include "noisescope/verify/pictures/picture_check.h"
#include "noisescope/verify/power.h"
#include "noisescope/verify/verify.h"

namespace noisescope::cli {
namespace {

constexpr int64_t kFewPictures = 64;

struct VerifyFlags {
  VerifyOptions options;
  std::string model, data;
  std::vector<std::string> overrides;  // of the data
  std::string out;
  bool list = false, power = false;
};

using Json = nlohmann::ordered_json;

Json checks_json(const Session& session, const VerifyFlags& flags) {
  std::vector<std::string> ids;
  if (!flags.data.empty()) {
    for (const PictureCheck& check : picture_checks()) ids.push_back(check.id);
  } else {
    for (const Check& check : checks()) ids.push_back(check.id);
  }
  for (const std::string& id : ids) session.say(id);
  return ids;
}

Json defects_json(const Session& session) {
  Json json = Json::array();
  for (const Defect& defect : defects()) {
    session.say(format_text("{}: {}; brings down {}: {}", defect.name, defect.what, defect.check, join(defect.falls)));
    json.push_back({{"name", defect.name},
                    {"what", defect.what},
                    {"check", defect.check},
                    {"falls", defect.falls},
                    {"spares", defect.spares}});
  }
  return json;
}

void list_all(const Session& session, const VerifyFlags& flags) {
  session.say("Checks (--checks ID,ID):");
  const Json all_checks = checks_json(session, flags);
  if (!flags.data.empty()) return session.result({{"checks", all_checks}});
  session.say("\nDefects (--break NAME):");
  session.result({{"checks", all_checks}, {"defects", defects_json(session)}});
}

std::optional<Model> subject_of(const Session& session, const std::string& run) {
  if (run.empty()) return std::nullopt;
  const RunFolder folder{run};
  const RunConfig config = load_run_config_of(folder, {});
  if (config.data.kind != DataKind::world || !(config.data.world == world_member("demo"))) {
    throw ModelError(
        "[verify] expected a run on the demo world (data.kind: world), got another; only "
        "there the truth is known");
  }
  const TextToImage model = share_network(load_run_model(folder, parse_device(session.common.device),
                                                         [&](const std::string& text) { session.notice(text); }),
                                          session.group);
  Model subject = run_model(model, config, folder);
  subject.name = "trained " + World(config.data.world).name();
  return subject;
}

void run_power(Session& session, const VerifyFlags& flags, const Model* trained) {
  if (!flags.options.defect.empty()) {
    throw ValueError("[verify] expected --power or --break, got both; --power plants errors of its own");
  }
  const std::vector<Power> powers =
      measure_power(flags.options, trained, session.control, [&](const std::string& text) { session.say(text); });
  for (const Power& p : powers) {
    session.say(format_text("{:4}  {:21} {:14} {:58} {}: {}", p.ok() ? "ok" : "", p.method, p.subject, p.figure, p.kind,
                            p.smallest ? format_text("{:.2g}", *p.smallest) : "not seen"));
  }
  const std::filesystem::path path = std::filesystem::path(flags.out) / "power.json";
  std::filesystem::create_directories(flags.out);
  write_file_atomic(path, to_json(powers).dump(2));
  session.say("written to " + path.string());
  session.result(to_json(powers));
}

/// Pictures are asked alone: what else could be asked for says nothing about them.
void check_data_flags(const VerifyFlags& flags) {
  const auto refuse = [](const std::string& flag, const std::string& why) {
    throw ValueError("[verify] expected --data without " + flag + ", got both; " + why);
  };
  if (!flags.model.empty()) {
    refuse("--model",
           "a network is held against a truth of its pictures' words, which only the two-object world has; "
           "'noisescope report RUN' shows where a network departs from the exact model of its pictures");
  }
  if (!flags.options.defect.empty()) {
    refuse("--break", "defects are planted in the checks of the two-object worlds");
  }
  if (flags.power) refuse("--power", "errors of every size are planted in the checks of the two-object worlds");
}

/// All pictures that --data names.
std::shared_ptr<const ImageDataset> opened_data(const Session& session, const VerifyFlags& flags) {
  DataOptions data = data_named(flags.data);
  read_options(parse_overrides(flags.overrides), [&](Describer& d) { d.section("data", data, "the pictures"); });
  data.emoji.held_out = 0;  // nothing is trained
  LoadReport report;
  const OpenedData opened = open_dataset(data, session.control, report);
  for (const std::string& note : load_notes(report)) session.notice(note);
  auto pictures = std::dynamic_pointer_cast<const ImageDataset>(opened.dataset);
  if (!pictures) throw ValueError("[verify] expected --data of pictures, got data.kind=world");
  if (pictures->size() < kFewPictures) {
    session.notice(format_text(
        "{} pictures: rows that rest on few of them may fall by chance; another --seed tells, or {} pictures and more",
        pictures->size(), kFewPictures));
  }
  return pictures;
}

Verification verified(const Session& session, const VerifyFlags& flags, const Model* trained) {
  const auto say = [&](const std::string& check, const std::vector<VerifyRow>& rows, double seconds) {
    session.say(format_text("{}{}: {:.1f} s", to_table(rows), check, seconds));
  };
  if (flags.data.empty()) return run_checks(flags.options, trained, session.control, say);
  return run_picture_checks(flags.options, opened_data(session, flags), {}, session.control, say);
}

void run_verify(Session& session, VerifyFlags flags) {
  if (!flags.data.empty()) check_data_flags(flags);
  if (flags.list) return list_all(session, flags);
  if (flags.options.defect == "list") return session.result(defects_json(session));
  if (flags.options.checks == std::vector<std::string>{"list"}) return session.result(checks_json(session, flags));
  flags.options.seed = session.common.seed.value_or(0);
  const std::optional<Model> trained = subject_of(session, flags.model);
  if (flags.power) return run_power(session, flags, trained ? &*trained : nullptr);
  const Verification verification = verified(session, flags, trained ? &*trained : nullptr);
  const nlohmann::ordered_json json = to_json(verification);
  const std::filesystem::path path = std::filesystem::path(flags.out) / "verify.json";
  std::filesystem::create_directories(flags.out);
  write_file_atomic(path, json.dump(2));
  write_file_atomic(path.parent_path() / "verify.html", verify_page(verification, session.command_line));
  session.say(format_text("{} rows in {:.0f} s: {}; written to {}", verification.rows.size(), verification.seconds,
                          verification.pass() ? "all hold" : "NOT all hold", path.string()));
  session.result(json);
  if (!verification.pass()) session.exit_code = 1;
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("verify", "Check every method on the exact world");
  add_common(*command, session);
  auto flags = std::make_shared<VerifyFlags>();
  command->add_option("--model", flags->model, "also check this run folder, of a model of the demo world");
  command->add_option(
      "--data", flags->data,
      "instead: check on the exact model of captioned pictures, a folder or 'emoji'; nothing is trained");
  command->add_option("--set", flags->overrides, "an option of the data, with --data: data.image_size_px=64")
      ->allow_extra_args(false)
      ->needs("--data");
  command->add_flag("--full", flags->options.full, "full sample sizes (up to 20 minutes)");
  command->add_flag("--list", flags->list, "the checks and the defects that can be planted");
  command->add_option("--checks", flags->options.checks, "only these, by method id, separated by commas (--list)")
      ->delimiter(',');
  command->add_option("--break", flags->options.defect, "plant a named defect and see its checks fail (--list)");
  command->add_flag(
      "--power", flags->power,
      "instead: plant errors of every size and see the smallest that each row catches (power.json; an hour "
      "for all checks, choose some)");
  command->add_option("--out", flags->out, "folder for verify.json and verify.html")->default_val("runs/verify");
  command->footer(
      "Examples:\n"
      "  noisescope verify\n"
      "  noisescope verify --model runs/demo --full\n"
      "  noisescope verify --checks u_turn,read_out\n"
      "  noisescope verify --data emoji --out out/verify\n"
      "  noisescope verify --data photos --set data.image_size_px=64 --out out/verify\n"
      "  noisescope verify --break shifted-prompt      (must fail)\n"
      "  noisescope verify --power --out runs/power\n"
      "  noisescope verify --list --json\n"
      "Each row: verdict, method, subject, figure, bar, value [95 % interval] n. The exit status is 1 when a\n"
      "row falls short.");
  command->callback([&session, flags] { run_verify(session, *flags); });
}

}  // namespace noisescope::cli
