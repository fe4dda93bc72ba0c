// The commands below "clip" that work on ready models.
#pragma once

#include "apps/noisescope/cli.h"
#include "noisescope/clip/clip_model.h"

namespace noisescope::cli {

/// How a command loads its CLIP: --activation, --text-heads, --image-heads, --image-size,
/// --position-resize.
struct ClipFolderFlags {
  std::string folder;
  std::string activation;
  std::string position_resize = "transformers";
  ClipLoadOptions options;

  ClipLoadOptions load_options() const;
};
/// `name` is "DIR" for a positional argument or "--model".
void add_clip_folder(CLI::App& command, const std::string& name, ClipFolderFlags& flags);

void add_clip_inspect(CLI::App& clip, Session& session);
void add_clip_embed(CLI::App& clip, Session& session);
void add_clip_classify(CLI::App& clip, Session& session);
void add_clip_similarity(CLI::App& clip, Session& session);

}  // namespace noisescope::cli
