#include <cstdio>

#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/image_tensor.h"
#include "noisescope/run/explain_evidence.h"
#include "noisescope/run/explain_run.h"
#include "noisescope/run/train_run.h"

namespace noisescope::cli {
namespace {

struct ExplainFlags {
  std::string run;
  ExplainRequest request;
  EvidenceRequest evidence;
  std::string image;
  std::vector<std::string> methods = {"evidence", "guidance_information"};
  std::vector<std::string> overrides;

  bool asks_for(const char* method) const {
    return std::find(methods.begin(), methods.end(), method) != methods.end();
  }
};

void print_explanation(const Session& session, const nlohmann::ordered_json& json) {
  for (const auto& prompt : json.at("prompts")) {
    const auto& total = prompt.at("total");
    char text[256];
    std::snprintf(text, sizeof text, "  %.2f %s [%.2f, %.2f], half of it above log-SNR %.2f (n %lld)",
                  total.at("value").get<double>(), json.at("unit").get<std::string>().c_str(),
                  total.at("low").get<double>(), total.at("high").get<double>(),
                  prompt.at("half_point_log_snr").get<double>(),
                  static_cast<long long>(total.at("n").get<int64_t>()));
    session.say("\"" + prompt.at("prompt").get<std::string>() + "\"\n" + text);
    if (prompt.contains("warning")) session.notice(prompt.at("warning").get<std::string>());
  }
}

void print_evidence(const Session& session, const nlohmann::ordered_json& json) {
  session.say("evidence for the words of \"" + json.at("prompt").get<std::string>() + "\"");
  for (const auto& word : json.at("words")) {
    const auto& total = word.at("total_nats");
    char text[256];
    int length = std::snprintf(
        text, sizeof text, "  %-12s %.2f of %.2f nats [%.2f, %.2f]",
        word.at("word").get<std::string>().c_str(), total.at("value").get<double>(),
        word.at("most_nats").get<double>(), total.at("low").get<double>(),
        total.at("high").get<double>());
    if (word.contains("half_point_log_snr")) {
      std::snprintf(text + length, sizeof text - size_t(length), ", half way at log-SNR %.2f (n %lld)",
                    word.at("half_point_log_snr").at("value").get<double>(),
                    static_cast<long long>(total.at("n").get<int64_t>()));
    }
    session.say(text);
  }
}

void run_explain(const Session& session, ExplainFlags flags) {
  const RunFolder folder{flags.run};
  const RunConfig config = load_run_config_of(folder, flags.overrides);
  const uint64_t seed = session.common.seed.value_or(static_cast<uint64_t>(config.seed));
  flags.request.seed = flags.evidence.seed = seed;
  const TextToImage model =
      load_run_model(folder, parse_device(session.common.device),
                     [&](const std::string& text) { session.notice(text); });
  nlohmann::ordered_json json;
  if (flags.asks_for("guidance_information") && flags.image.empty()) {
    json = explain_run(model, config, folder, flags.request, session.control);
    print_explanation(session, json);
  }
  if (flags.asks_for("guidance_information") && !flags.image.empty()) {
    session.notice("guidance information left out: it needs a sampling run, not a picture");
  }
  const bool has_words = config.data.kind == DataKind::world || !flags.evidence.words.empty();
  if (flags.asks_for("evidence") && has_words) {
    flags.evidence.prompt = flags.request.prompts.front();
    if (!flags.image.empty()) flags.evidence.picture = image_to_tensor(read_image(flags.image));
    json["evidence"] =
        write_evidence(explain_evidence(model, config, flags.evidence, session.control), config,
                       folder);
    print_evidence(session, json["evidence"]);
  } else if (flags.asks_for("evidence")) {
    session.notice("evidence left out: name a word with --word and others with --alternatives");
  }
  session.say("maps, profiles and curves are in " + folder.explain().string());
  session.result(json);
}

}  // namespace

void add_explain(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand(
      "explain", "Which pixels and which noise levels the prompt and its words decided");
  add_common(*command, session);
  auto flags = std::make_shared<ExplainFlags>();
  command->add_option("run", flags->run, "run folder")->required();
  command->add_option("--prompt", flags->request.prompts,
                      "may be given several times (evidence takes the first)")
      ->required()
      ->allow_extra_args(false);
  command->add_option("--methods", flags->methods, "what to run")
      ->delimiter(',')
      ->check(CLI::IsMember({"evidence", "guidance_information"}))
      ->capture_default_str();
  command->add_option("--word", flags->evidence.words,
                      "evidence: word or phrase of the prompt, 'red:2' for the second; may be given "
                      "several times (default: all whose alternatives the data knows)")
      ->allow_extra_args(false);
  command->add_option("--alternatives", flags->evidence.alternatives,
                      "evidence: what the word might have been (default: from the data)")
      ->delimiter(',');
  command->add_option("--image", flags->image,
                      "evidence: explain this picture, PNG or JPEG of the model's size, not a drawn one")
      ->check(CLI::ExistingFile);
  command->add_option("--paths", flags->evidence.paths, "evidence: noising paths of the picture")
      ->check(CLI::Range(2, 10000))
      ->capture_default_str();
  command->add_option("--steps", flags->evidence.options.steps, "evidence: noise levels of a path")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--count", flags->request.count,
                      "guidance information: pictures of each prompt")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  command->add_option("--scale", flags->request.scale,
                      "guidance information: scale; 1 measures in nats, others as guidance energy")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--set", flags->overrides, "key=value, e.g. draw.grid.steps=50")
      ->allow_extra_args(false);
  command->footer(
      "Examples:\n"
      "  noisescope explain runs/demo --prompt \"a red square left of a blue disc on dark\"\n"
      "  noisescope explain runs/demo --prompt \"a red disc\" --count 64 --set draw.grid.steps=50\n"
      "  noisescope explain runs/demo --methods evidence --word square --image mine.png \\\n"
      "    --prompt \"a red square left of a blue disc on dark\"\n"
      "  noisescope explain runs/tiny --prompt \"a photo of a goldfish\" --word goldfish \\\n"
      "    --alternatives \"king penguin,pizza,sports car\"\n"
      "Writes RUN/explain: explanation.json, explanation.safetensors, maps.png, profile.svg (guidance\n"
      "information); evidence.json, evidence.safetensors, evidence.png, decision.svg (evidence).");
  command->callback([&session, flags] { run_explain(session, *flags); });
}

}  // namespace noisescope::cli
