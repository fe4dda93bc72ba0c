#include "apps/noisescope/cli.h"
#include "apps/noisescope/model_argument.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/studio/export_page.h"
#include "noisescope/studio/offers.h"

namespace noisescope::cli {
namespace {

struct ExportFlags {
  std::string run, out = "live.html", numbers = "float16";
};

void run_export_page(const Session& session, const ExportFlags& flags) {
  const OpenedModel opened = open_model(session, flags.run, {});
  StudioOptions options = studio_options(opened.model, opened.folder, "");
  options.version = NOISESCOPE_VERSION;
  options.python = "";  // the page stands where no run folder is
  const Studio studio(opened.model, std::move(options));
  const std::string html = live_page(studio, parse_enum<LiveNumbers>(flags.numbers));
  write_file_atomic(flags.out, html);
  session.say(format_text("wrote {} ({:.1f} MB): opens in a browser, offline", flags.out, double(html.size()) / 1e6));
  session.result({{"file", flags.out}, {"bytes", html.size()}, {"numbers", flags.numbers}});
}

}  // namespace

void add_export(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("export", "A run in another form");
  command->require_subcommand(1);
  command->footer("Example:\n  noisescope export page runs/demo --out live.html");
  CLI::App* page = command->add_subcommand("page", "The studio with its model in one HTML file, to be opened offline");
  add_common(*page, session);
  auto flags = std::make_shared<ExportFlags>();
  page->add_option("run", flags->run, "run folder")->required();
  page->add_option("--out", flags->out, "the file")->capture_default_str();
  page->add_option("--numbers", flags->numbers, "of the network's weights: float16 or float32, twice as large")
      ->check(CLI::IsMember(enum_choices<LiveNumbers>()))
      ->capture_default_str();
  page->footer(
      "Examples:\n"
      "  noisescope export page runs/demo --out live.html\n"
      "  noisescope export page runs/demo --numbers float32 --out exact.html\n"
      "It draws, scrubs, changes and explains by words as 'noisescope studio' does, in the reader's browser; other "
      "methods,\n"
      "files and trainings need the program. Networks of xNoise and byte-pair tokenizers run in the program alone.");
  page->callback([&session, flags] { run_export_page(session, *flags); });
}

}  // namespace noisescope::cli
