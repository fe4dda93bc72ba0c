#include "apps/noisescope/cli.h"
#include "apps/noisescope/model_argument.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/image_tensor.h"
#include "noisescope/io/resize.h"
#include "noisescope/io/writable_folder.h"
#include "noisescope/report/explain_report.h"
#include "noisescope/run/run_config.h"
#include "noisescope/train/options.h"

namespace noisescope::cli {
namespace {

struct ExplainFlags {
  std::string model;
  std::vector<std::string> prompts;
  std::string image, record, budget, out;
  ExplainRequest request;
  std::vector<std::string> overrides;
  bool list = false;
};

/// The key numbers and tables of a page as lines.
void print_page(const Session& session, const Method& method, const Page& page) {
  session.say(method.id + ": " + method.question);
  for (const KeyNumber& number : page.section.numbers) {
    session.say("  " + number.label + ": " + number.value + (number.detail.empty() ? "" : " (" + number.detail + ")") +
                "  " + number.meaning);
  }
  for (const Table& table : page.section.tables) {
    session.say("  " + join(table.header, " | "));
    for (const std::vector<std::string>& row : table.rows) session.say("    " + join(row, " | "));
  }
  for (const std::string& warning : page.warnings) session.notice(warning);
}

double seconds_of(const std::string& budget) {
  if (budget.empty()) return 0;
  const Budget parsed = parse_budget(budget);
  if (parsed.unit == BudgetUnit::seconds) return parsed.amount;
  throw ValueError("[explain] expected a budget in time such as 60s or 5m, got '" + budget + "'");
}

/// Options of a method on one line: "steps=100 log_snr_min=-8".
std::string option_text(const nlohmann::ordered_json& method) {
  std::vector<std::string> options;
  for (const auto& option : method.at("options")) {
    options.push_back(option.at("name").get<std::string>() + "=" + option.at("default").dump());
  }
  return join(options, " ");
}

void print_methods(const Session& session) {
  const nlohmann::ordered_json list = list_methods();
  for (const auto& method : list.at("methods")) {
    const auto id = method.at("id").get<std::string>();
    session.say(id + "\n    " + method.at("question").get<std::string>());
    if (!method.at("needs").empty())
      session.say("    needs: " + join(method.at("needs").get<std::vector<std::string>>()));
    if (!method.at("options").empty()) session.say("    options: " + option_text(method));
    std::vector<std::string> fields;
    for (const auto& field : method.at("fields")) fields.push_back(field.at("name").get<std::string>());
    session.say("    answers: " + join(fields));
  }
  session.result(list);
}

/// The picture in the model's size, cropped and scaled as training does it.
Tensor fitted_picture(const Session& session, const std::string& path, const OpenedModel& opened) {
  const Image image = read_image(path);
  const int64_t side = opened.model.side();
  if (image.width == side && image.height == side) return image_to_tensor(image);
  const bool crops = !opened.folder || load_run_config_of(*opened.folder).data.load.resize == ResizeMode::crop;
  session.notice(path + " has " + std::to_string(image.width) + " x " + std::to_string(image.height) +
                 " px: " + (crops ? "its middle is scaled" : "it is scaled") + " to the " + std::to_string(side) +
                 " x " + std::to_string(side) + " of the model, as in training");
  return image_to_tensor(crops ? resize_and_crop(image, side) : resize_bicubic(image, side, side));
}

void run_explain(const Session& session, ExplainFlags flags) {
  if (flags.list) return print_methods(session);
  if (flags.model.empty() || (flags.prompts.empty() && flags.record.empty())) {
    throw ValueError(
        "[explain] expected a model (a run folder, or 'world') and --prompt or --record; see 'noisescope "
        "explain --help'");
  }
  OpenedModel opened = open_model(session, flags.model, flags.overrides);
  if (opened.model.network) {
    say_of_cut_prompts(session, opened.model.network->clip().tokenizer(), flags.prompts);
  }
  ExplainRequest& request = flags.request;
  if (!flags.prompts.empty()) {
    request.subject.prompt = flags.prompts.front();
    request.subject.compared.assign(flags.prompts.begin() + 1, flags.prompts.end());
  }
  if (!flags.record.empty()) request.subject.record = load_record(flags.record);
  if (!flags.image.empty()) request.subject.picture = fitted_picture(session, flags.image, opened);
  request.subject.seed = opened.seed;
  request.settings = std::move(opened.settings);
  request.budget_seconds = seconds_of(flags.budget);
  request.command_line = session.command_line;
  request.out = !flags.out.empty() ? std::filesystem::path(flags.out)
                : opened.folder    ? opened.folder->explain()
                                   : std::filesystem::path("runs/world/explain");
  const ResultFolder folder(request.out);
  const ExplanationReport report =
      explanation_report(opened.model, request, session.control,
                         [&](const Method& method, const Page& page) { print_page(session, method, page); });
  for (const LeftOut& out : report.left_out) session.notice(out.method + " left out: " + out.reason);
  session.say("now open " + (request.out / "report.html").string());
  session.result(report.json);
}

void add_flags(CLI::App& command, ExplainFlags& flags) {
  SubjectRequest& request = flags.request.subject;
  command.add_option("model", flags.model, kModelHelp);
  command
      .add_option("--prompt", flags.prompts,
                  "what the picture shows; further ones are compared by guidance information")
      ->allow_extra_args(false);
  command.add_option("--methods", flags.request.methods, "what to run (default: all; --list names them)")
      ->delimiter(',');
  command.add_flag("--list", flags.list, "the methods: what each asks, needs, takes and answers (--json: all of it)");
  command.add_option("--budget", flags.budget, "leave out what would take longer, e.g. 60s");
  command
      .add_option("--word", request.words,
                  "word or phrase of the prompt, 'red:2' for the second; may be given several times "
                  "(default: all whose alternatives the data knows)")
      ->allow_extra_args(false);
  command.add_option("--alternatives", request.alternatives, "what the word might have been (default: from the data)")
      ->delimiter(',');
  command
      .add_option("--labels", request.labels,
                  "captions of what a picture may show, where no parser reads it: zero-shot labels")
      ->delimiter(',');
  command
      .add_option("--image", flags.image,
                  "explain this picture, not a drawn one, cropped and scaled as training does; methods "
                  "that look at a trajectory find some that end in it by inversion")
      ->check(CLI::ExistingFile);
  CLI::Option* record =
      command
          .add_option("--record", flags.record,
                      "explain a trajectory of 'noisescope sample --record full', not a new one; its prompt "
                      "is taken from there")
          ->check(CLI::ExistingFile)
          ->excludes("--image");
  command.add_option("--picture", request.recorded, "which picture of the record, from 0")
      ->needs(record)
      ->capture_default_str();
  command
      .add_option("--pictures", request.pictures,
                  "drawn for the prompt: the first is explained, all give intervals; beside the "
                  "only picture of a prompt in a record, one less is drawn")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  command.add_option("--paths", request.paths, "noising paths of the picture; trajectories by inversion of --image")
      ->check(CLI::Range(2, 10000))
      ->capture_default_str();
  command.add_option("--out", flags.out, "folder of the report (default: RUN/explain; of a world runs/world/explain)");
  command.add_flag("--npz", flags.request.npz, "arrays also as NumPy's .npz, beside .safetensors");
  command
      .add_option("--set", flags.overrides,
                  "an option of a method or of the configuration: evidence.steps=320, sample.grid.steps=50")
      ->allow_extra_args(false);
}

}  // namespace

void add_explain(CLI::App& app, Session& session) {
  CLI::App* command =
      app.add_subcommand("explain", "What the noise of one picture says: an explanation report of many methods");
  add_common(*command, session);
  auto flags = std::make_shared<ExplainFlags>();
  add_flags(*command, *flags);
  command->footer(
      "Examples:\n"
      "  noisescope explain runs/demo --prompt \"a red square left of a blue disc on dark\"\n"
      "  noisescope explain world --prompt \"a red square left of a blue disc on dark\" --out out/world\n"
      "  noisescope explain data:emoji --prompt \"waving hand, dark skin tone\" --methods evidence --out out/hand\n"
      "  noisescope explain --list\n"
      "  noisescope explain runs/demo --methods evidence --set evidence.steps=320 \\\n"
      "    --prompt \"a red square left of a blue disc on dark\"\n"
      "  noisescope explain runs/demo --budget 60s --prompt \"a red disc left of a blue disc\"\n"
      "  noisescope explain runs/demo --methods evidence --word square --image mine.png \\\n"
      "    --prompt \"a red square left of a blue disc on dark\"\n"
      "  noisescope explain runs/demo --record runs/demo/samples/record.safetensors --picture 3\n"
      "  noisescope explain runs/tiny --prompt \"a photo of a goldfish\" --word goldfish \\\n"
      "    --alternatives \"king penguin,pizza,sports car\" \\\n"
      "    --labels \"a photo of a goldfish,a photo of a pizza\"\n"
      "Writes report.html, growing while it runs, and for each method <method>.json, <method>.safetensors and\n"
      "its figures as PNG, SVG or GIF.");
  command->callback([&session, flags] { run_explain(session, *flags); });
}

}  // namespace noisescope::cli
