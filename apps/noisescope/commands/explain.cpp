#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/image_tensor.h"
#include "noisescope/report/explain_page.h"
#include "noisescope/run/train_run.h"
#include "noisescope/train/options.h"

namespace noisescope::cli {
namespace {

struct ExplainFlags {
  std::string run;
  std::vector<std::string> prompts;
  std::string image, record, budget;
  ExplainRequest request;
  std::vector<std::string> overrides;
  bool list = false;
};

std::string estimate_text(const nlohmann::ordered_json& e) {
  return format_text("{:.2f} [{:.2f}, {:.2f}] (n {})", e.at("value").get<double>(), e.at("low").get<double>(),
                     e.at("high").get<double>(), e.at("n").get<int64_t>());
}

void print_evidence(const Session& session, const nlohmann::ordered_json& json) {
  for (const auto& word : json.at("words")) {
    std::string line = format_text("  {:<12} {} of {:.2f} nats", word.at("word").get<std::string>(),
                                   estimate_text(word.at("total_nats")), word.at("most_nats").get<double>());
    if (word.contains("half_point_log_snr")) {
      line += format_text(", half way at log-SNR {:.2f}", word.at("half_point_log_snr").at("value").get<double>());
    }
    session.say(line);
  }
}

void print_information(const Session& session, const nlohmann::ordered_json& json) {
  for (const auto& question : json.at("questions")) {
    std::string line = format_text("  {:<20} {} nats", question.at("what").get<std::string>(),
                                   estimate_text(question.at("information_nats")));
    if (question.at("exceeds_bound").get<bool>()) {
      line += format_text(", above the {:.2f} that are possible", question.at("bound_nats").get<double>());
    }
    session.say(line);
  }
}

void print_part(const Session& session, const std::string& method,
                const nlohmann::ordered_json& json) {
  session.say(method);
  if (method == "evidence") print_evidence(session, json);
  if (method == "information") print_information(session, json);
  if (method == "guidance_information") {
    for (const auto& prompt : json.at("prompts")) {
      session.say(format_text("  {} {}: {}", estimate_text(prompt.at("total")), json.at("unit").get<std::string>(),
                              prompt.at("prompt").get<std::string>()));
      if (prompt.contains("warning")) session.notice(prompt.at("warning").get<std::string>());
    }
  }
}

double seconds_of(const std::string& budget) {
  if (budget.empty()) return 0;
  const Budget parsed = parse_budget(budget);
  if (parsed.unit == BudgetUnit::seconds) return parsed.amount;
  throw ValueError("[explain] expected a budget in time such as 60s or 5m, got '" + budget + "'");
}

void list_methods(const Session& session) {
  for (const Explainer& explainer : explainers()) {
    session.say(format_text("{:<22} {:<9} {}", explainer.name, explainer.needs.run ? "a run" : "a picture",
                            explainer.question));
  }
}

void run_explain(const Session& session, ExplainFlags flags) {
  if (flags.list) return list_methods(session);
  if (flags.run.empty() || (flags.prompts.empty() && flags.record.empty())) {
    throw ValueError("[explain] expected a run folder and --prompt, or --record; see 'noisescope explain "
                     "--help'");
  }
  const RunFolder folder{flags.run};
  const RunConfig config = load_run_config_of(folder, flags.overrides);
  ExplainRequest& request = flags.request;
  if (!flags.prompts.empty()) {
    request.prompt = flags.prompts.front();
    request.compared.assign(flags.prompts.begin() + 1, flags.prompts.end());
  }
  if (!flags.record.empty()) request.record = load_run_record(flags.record);
  request.seed = session.common.seed.value_or(static_cast<uint64_t>(config.seed));
  request.budget_seconds = seconds_of(flags.budget);
  request.command_line = session.command_line;
  if (!flags.image.empty()) request.picture = image_to_tensor(read_image(flags.image));
  const TextToImage model =
      load_run_model(folder, parse_device(session.common.device),
                     [&](const std::string& text) { session.notice(text); });
  const ExplanationReport report =
      explain_run(model, config, folder, request, session.control,
                  [&](const std::string& method, const nlohmann::ordered_json& json) {
                    print_part(session, method, json);
                  });
  for (const LeftOut& out : report.left_out) session.notice(out.method + " left out: " + out.reason);
  session.say("now open " + (folder.explain() / "report.html").string());
  session.result(report.json);
}

void add_flags(CLI::App& command, ExplainFlags& flags) {
  ExplainRequest& request = flags.request;
  command.add_option("run", flags.run, "run folder");
  command.add_option("--prompt", flags.prompts,
                     "what the picture shows; further ones are compared by guidance information")
      ->allow_extra_args(false);
  command.add_option("--methods", request.methods, "what to run (default: all; --list names them)")
      ->delimiter(',');
  command.add_flag("--list", flags.list, "name the methods, what each takes and answers");
  command.add_option("--budget", flags.budget, "leave out what would take longer, e.g. 60s");
  command.add_option("--word", request.words,
                     "word or phrase of the prompt, 'red:2' for the second; may be given several times "
                     "(default: all whose alternatives the data knows)")
      ->allow_extra_args(false);
  command.add_option("--alternatives", request.alternatives,
                     "what the word might have been (default: from the data)")
      ->delimiter(',');
  command.add_option("--labels", request.labels,
                     "captions of what a picture may show, where no parser reads it: zero-shot labels")
      ->delimiter(',');
  command.add_option("--image", flags.image,
                     "explain this picture, PNG or JPEG of the model's size, not a drawn one; methods "
                     "that look at a run find runs that end in it by inversion")
      ->check(CLI::ExistingFile);
  CLI::Option* record =
      command.add_option("--record", flags.record,
                         "explain a run of 'noisescope sample --record full', not a new one; its prompt "
                         "is taken from there")
          ->check(CLI::ExistingFile)
          ->excludes("--image");
  command.add_option("--picture", request.recorded, "which picture of the record, from 0")
      ->needs(record)
      ->capture_default_str();
  command.add_option("--pictures", request.pictures,
                     "drawn for the prompt: the first is explained, all give intervals; beside the "
                     "only picture of a prompt in a record, one less is drawn")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  command.add_option("--paths", request.paths, "noising paths of the picture; runs by inversion of --image")
      ->check(CLI::Range(2, 10000))
      ->capture_default_str();
  command.add_option("--steps", request.steps, "noise levels of a path")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_flag("--npz", request.npz, "arrays also as NumPy's .npz, beside .safetensors");
  command.add_option("--set", flags.overrides, "key=value, e.g. draw.grid.steps=50")
      ->allow_extra_args(false);
}

}  // namespace

void add_explain(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand(
      "explain", "What the noise of one picture says: an explanation report of many methods");
  add_common(*command, session);
  auto flags = std::make_shared<ExplainFlags>();
  add_flags(*command, *flags);
  command->footer(
      "Examples:\n"
      "  noisescope explain runs/demo --prompt \"a red square left of a blue disc on dark\"\n"
      "  noisescope explain --list\n"
      "  noisescope explain runs/demo --budget 60s --prompt \"a red disc left of a blue disc\"\n"
      "  noisescope explain runs/demo --methods evidence --word square --image mine.png \\\n"
      "    --prompt \"a red square left of a blue disc on dark\"\n"
      "  noisescope explain runs/demo --record runs/demo/samples/record.safetensors --picture 3\n"
      "  noisescope explain runs/tiny --prompt \"a photo of a goldfish\" --word goldfish \\\n"
      "    --alternatives \"king penguin,pizza,sports car\" \\\n"
      "    --labels \"a photo of a goldfish,a photo of a pizza\"\n"
      "Writes RUN/explain: report.html, and for each method <method>.json, <method>.safetensors and its\n"
      "figures as PNG, SVG or GIF.");
  command->callback([&session, flags] { run_explain(session, *flags); });
}

}  // namespace noisescope::cli
