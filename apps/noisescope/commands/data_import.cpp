// data import: Parquet files with embedded pictures as a folder, through Python with pyarrow.
#include <filesystem>

#include "apps/noisescope/data_commands.h"
#include "apps/noisescope/python_script.h"
#include "apps/noisescope/unpickle.h"
#include "noisescope/core/format.h"
#include "noisescope/data/image_loader.h"
#include "noisescope/io/file.h"

namespace noisescope::cli {
namespace {

constexpr const char* kImportScript =
#include "apps/noisescope/import_script.inc"
    ;

struct ImportFlags {
  std::vector<std::string> sources;
  std::string out, image, caption;
  std::string label_template = "a photo of a {}";
  std::string python = default_python();
};

void run_import(const Session& session, const ImportFlags& flags) {
  const Workplace workplace(flags.out);
  const std::filesystem::path pictures = workplace.path() / "pictures", report = workplace.path() / "report.json";
  std::vector<std::string> arguments = {pictures.string(), report.string(), flags.image, flags.caption,
                                        flags.label_template};
  arguments.insert(arguments.end(), flags.sources.begin(), flags.sources.end());
  run_python(flags.python, kImportScript, arguments, "pyarrow");
  const auto json = nlohmann::ordered_json::parse(read_file(report));
  for (const auto& remark : json.at("remarks")) session.notice(remark.get<std::string>());
  const auto left_out = json.at("left_out").get<std::vector<std::string>>();
  if (!left_out.empty()) {
    session.notice(format_text("{} rows left out: {}", left_out.size(), name_examples(left_out)));
  }
  workplace.publish(pictures);
  session.say(
      format_text("wrote {} pictures with captions to {}\nnext: noisescope data inspect --set data.kind=folder "
                  "--set data.path={}",
                  json.at("images").get<int64_t>(), flags.out, flags.out));
  session.result({{"out", flags.out},
                  {"images", json.at("images")},
                  {"parts", json.at("parts")},
                  {"remarks", json.at("remarks")},
                  {"left_out", left_out}});
}

}  // namespace

void add_data_import(CLI::App& data, Session& session) {
  CLI::App* command = data.add_subcommand("import", "Parquet files with embedded pictures (Hugging Face) as a folder");
  add_common(*command, session);
  auto flags = std::make_shared<ImportFlags>();
  command->add_option("sources", flags->sources, "Parquet files, or folders that are looked through")
      ->required()
      ->check(CLI::ExistingPath);
  command
      ->add_option("--out", flags->out,
                   "new folder: pictures and a metadata.jsonl, train/, validation/ and test/ apart")
      ->required();
  command->add_option("--image-column", flags->image, "column of the pictures; default: the usual names");
  command->add_option("--caption-column", flags->caption,
                      "column of the captions; default: the usual names, else a label");
  command->add_option("--template", flags->label_template, "caption of a label; {} stands for its name")
      ->capture_default_str();
  command->add_option("--python", flags->python, "a Python with pyarrow")->capture_default_str();
  command->footer(
      "Examples:\n"
      "  noisescope data import data/train-00000-of-00001.parquet --out flowers\n"
      "  noisescope data import downloads/cifar10 --template \"a small photo of a {}\" --out cifar10\n"
      "The bytes of the pictures are written as they are. Parts are told by the names of the files.");
  command->callback([&session, flags] { run_import(session, *flags); });
}

}  // namespace noisescope::cli
