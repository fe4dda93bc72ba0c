#include "noisescope/run/clip_embed.h"
#include "apps/noisescope/clip_commands.h"
#include "noisescope/core/format.h"

namespace noisescope::cli {
namespace {

struct EmbedFlags {
  ClipFolderFlags model;
  ClipEmbedRequest request;
  std::string dtype = "float32";
};

void run_embed(const Session& session, EmbedFlags flags) {
  flags.request.float16 = flags.dtype == "float16";
  flags.request.group = session.group;
  const ClipEmbedResult result = clip_embed(load_model(session, flags.model), flags.request, session.control);
  if (!session.group->leads()) return;
  for (const SkippedFile& file : result.skipped) {
    session.notice(format_text("left out {}: {}", file.name, file.reason));
  }
  if (result.truncated > 0) {
    session.notice(format_text("{} texts were cut to fit the context", result.truncated));
  }
  if (result.unknown > 0) {
    session.notice(format_text("{} texts hold words that the model does not know, read as unknown", result.unknown));
  }
  session.say(result.was_complete ? flags.request.out.string() + " already holds these embeddings"
                                  : format_text("wrote {}: {} texts, {} images, {} classes", flags.request.out.string(),
                                                result.texts, result.images, result.classes));
  session.result({{"out", flags.request.out.string()},
                  {"texts", result.texts},
                  {"images", result.images},
                  {"classes", result.classes},
                  {"resumed_shards", result.resumed_shards},
                  {"truncated", result.truncated},
                  {"unknown", result.unknown},
                  {"skipped", result.skipped.size()},
                  {"was_complete", result.was_complete}});
}

}  // namespace

void add_clip_embed(CLI::App& clip, Session& session) {
  CLI::App* command = clip.add_subcommand("embed", "Embeddings of texts, images and classes in one file");
  add_common(*command, session);
  auto flags = std::make_shared<EmbedFlags>();
  add_clip_folder(*command, "--model", flags->model);
  ClipEmbedRequest& request = flags->request;
  command->add_option("--texts", request.texts, "file with one text per line")->check(CLI::ExistingFile);
  command->add_option("--images", request.images, "folder of pictures")->check(CLI::ExistingDirectory);
  command->add_option("--classes", request.classes, "file with one class name per line")->check(CLI::ExistingFile);
  command
      ->add_option("--template", request.templates,
                   "caption of a class, e.g. \"a photo of a {}\"; default: the usual seven")
      ->allow_extra_args(false);
  command->add_option("--out", request.out, "safetensors file")->required();
  command->add_option("--dtype", flags->dtype, "float32 or float16")
      ->check(CLI::IsMember({"float32", "float16"}))
      ->capture_default_str();
  command->add_option("--batch-size", request.batch_size, "rows embedded at once")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command->add_option("--shard-rows", request.shard_rows, "rows between two saves")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->footer(
      "Example:\n"
      "  noisescope clip embed --model models/ViT-B-32 --texts captions.txt --images photos \\\n"
      "                        --out embeddings.safetensors\n"
      "Tensors text, image and class; names as JSON lists in the metadata. Interrupted? Rerun the\n"
      "same command; the finished file has the same bits either way.");
  command->callback([&session, flags] { run_embed(session, *flags); });
}

}  // namespace noisescope::cli
