#include "noisescope/clip/folder/clip_inspect.h"
#include "apps/noisescope/clip_commands.h"

namespace noisescope::cli {
namespace {

using Json = nlohmann::ordered_json;

Json encoder_json(const EncoderOptions& options, int64_t parameters) {
  return {{"width", options.width},
          {"layers", options.layers},
          {"heads", options.heads},
          {"mlp_width", options.mlp_size()},
          {"activation", to_string(options.activation)},
          {"norm_eps", options.norm_eps},
          {"parameters", parameters}};
}

Json to_json(const ClipInspection& inspection) {
  const ClipConfig& config = inspection.config;
  Json json = {{"weights", inspection.weights.string()}, {"dtypes", inspection.dtypes}};
  if (!config.source.empty()) {
    json["layout"] = to_string(inspection.layout);
    json["configuration"] = config.source;
    json["embedding_dim"] = config.options.embedding_dim;
    if (config.has_text) {
      json["text"] = encoder_json(config.options.text, inspection.text_parameters);
      json["text"]["vocabulary"] = config.vocabulary_size;
      json["text"]["context"] = config.context_length;
      json["text"]["pooled_at"] = config.end_id;
      json["tokenizer"] = inspection.tokenizer;
    }
    if (config.has_image) {
      const ImageTowerOptions& image = config.options.image;
      json["image"] = encoder_json(image.encoder, inspection.image_parameters);
      json["image"]["size"] = image.image_size;
      json["image"]["patch"] = image.patch_size;
      json["image"]["mean"] = config.options.image_mean;
      json["image"]["std"] = config.options.image_std;
    }
    json["notes"] = config.notes;
  }
  json["problems"] = inspection.problems;
  return json;
}

void run_inspect(Session& session, const ClipFolderFlags& flags) {
  const ClipInspection inspection = inspect_clip(flags.folder, flags.load_options().hints);
  const Json json = to_json(inspection);
  for (const auto& [key, value] : json.items()) {
    if (key == "problems" || key == "notes") continue;
    session.say(key + ": " + (value.is_string() ? value.get<std::string>() : value.dump()));
  }
  for (const std::string& note : inspection.config.notes) session.say("note: " + note);
  for (const std::string& problem : inspection.problems) session.say("missing or wrong: " + problem);
  session.result(json);
  if (!inspection.loads()) session.exit_code = 4;
}

}  // namespace

void add_clip_inspect(CLI::App& clip, Session& session) {
  CLI::App* command = clip.add_subcommand("inspect", "What a model folder holds and what it lacks");
  add_common(*command, session);
  auto flags = std::make_shared<ClipFolderFlags>();
  add_clip_folder(*command, "DIR", *flags);
  command->footer(
      "Example:\n  noisescope clip inspect models/ViT-B-32\n"
      "Exit code 4 if something is missing or does not fit; everything is listed at once.");
  command->callback([&session, flags] { run_inspect(session, *flags); });
}

}  // namespace noisescope::cli
