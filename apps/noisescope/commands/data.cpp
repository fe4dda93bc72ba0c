#include "apps/noisescope/cli.h"
#include "apps/noisescope/data_commands.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/format.h"
#include "noisescope/data/data_facts.h"
#include "noisescope/data/data_options.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/run/clip_stage.h"
#include "noisescope/viz/image_grid.h"

namespace noisescope::cli {
namespace {

struct InspectFlags {
  ConfigFlags config;
  std::string sheet = "contact-sheet.png";
  int64_t count = 64;
};

void print_facts(const Session& session, const DataFacts& facts) {
  session.say(facts.name);
  session.say(format_text("samples            {} ({} to train on, {} for validation)", facts.samples, facts.train,
                          facts.validation));
  session.say(format_text("image size         {} px", facts.image_size_px));
  session.say(format_text("classes            {}", facts.classes.size()));
  session.say(format_text("captions           {} different, {:.1f} a sample, {:.1f} words long, {} words",
                          facts.captions.distinct, facts.captions.per_sample, facts.captions.words,
                          facts.captions.vocabulary));
  session.say(format_text("pixels             deviation {:.3f} (data.sigma of the preconditioning)", facts.deviation));
  for (const auto& [caption, samples] : facts.captions.most_common) {
    session.say(format_text("  {:6}  {}", samples, caption));
  }
  for (const auto& [size, images] : facts.load.source_sizes) {
    session.say(format_text("source size        {} x {}: {}", size.first, size.second, images));
  }
  session.say(std::string("mirrored           ") + (facts.mirrored ? "yes: " : "no: ") + facts.mirrored_why);
  const std::string cut = cut_captions_note(facts.captions.context, facts.captions.cut);
  if (!cut.empty()) session.notice(cut);
  for (const std::string& note : load_notes(facts.load)) session.notice(note);
}

/// How the captions fit the encoder that would be trained on them, or that is given.
void measure_context(const Session& session, const RunConfig& config, CaptionFacts& facts,
                     const std::vector<std::string>& captions) {
  try {
    const Tokenizer tokenizer = config.clip_folder.empty() ? Tokenizer::train(captions, config.clip.tokenizer)
                                                           : ClipModel::load(config.clip_folder).tokenizer();
    facts.context = tokenizer.context_length();
    facts.cut = captions_cut(tokenizer, captions);
  } catch (const std::runtime_error& error) {
    session.notice(std::string("training would not take these captions: ") + error.what());
  }
}

void run_inspect(const Session& session, const InspectFlags& flags) {
  const RunConfig config = read_config_unchecked(session, flags.config);
  LoadReport report;
  const OpenedData opened = open_dataset(config.data, session.control, report);
  DataFacts facts = inspect_dataset(*opened.dataset, opened.split, report);
  facts.mirrored = opened.mirroring.on;
  facts.mirrored_why = opened.mirroring.why;
  measure_context(session, config, facts.captions, opened.dataset->captions());
  print_facts(session, facts);
  const ContactSheet sheet = contact_sheet(*opened.dataset, flags.count, static_cast<uint64_t>(config.seed));
  write_png(flags.sheet, image_grid(sheet.images, sheet.captions));
  session.say("contact sheet: " + flags.sheet);
  session.result(to_json(facts));
}

}  // namespace

void add_data(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("data", "Look at data before training on it");
  command->require_subcommand(1);
  add_data_import(*command, session);
  command->footer("Example:\n  noisescope data inspect --set data.kind=folder --set data.path=cats");
  CLI::App* inspect = command->add_subcommand("inspect", "Counts, sizes, captions, broken files, contact sheet");
  add_common(*inspect, session);
  auto flags = std::make_shared<InspectFlags>();
  add_config_flags(*inspect, flags->config);
  inspect->add_option("--sheet", flags->sheet, "PNG of the contact sheet")->capture_default_str();
  inspect->add_option("--pictures,--count", flags->count, "pictures on it")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  inspect->footer(
      "Examples:\n"
      "  noisescope data inspect                              the two-object world\n"
      "  noisescope data inspect --set data.kind=tiny_imagenet --set "
      "data.path=tiny-imagenet-200.zip\n"
      "  noisescope data inspect --config config/model_small.yaml --json");
  inspect->callback([&session, flags] { run_inspect(session, *flags); });
}

}  // namespace noisescope::cli
