// The commands below "clip" that work on ready models.
#pragma once

#include "apps/noisescope/cli.h"
#include "noisescope/clip/clip_model.h"
#include "noisescope/data/image_dataset.h"

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

/// Pictures and texts that are scored against each other.
struct ScoreFlags {
  ClipFolderFlags model;
  std::vector<std::string> images;
  std::vector<std::string> texts;
  std::vector<std::string> templates;
  std::string texts_file;
  std::string out;
  int64_t top = 5;
};

/// The model of a folder, on the session's device.
ClipModel load_model(const Session& session, const ClipFolderFlags& flags);
/// Unit embeddings of the pictures that can be read.
struct EmbeddedImages {
  Tensor rows;                       // [N, E] on the CPU
  std::vector<std::string> files;    // [N]
  std::vector<SkippedFile> skipped;  // said as notices, too

  nlohmann::ordered_json skipped_json() const;
};
/// Throws DataError if none can be read, IoError for a file that is not there.
EmbeddedImages embed_images(const Session& session, const ClipModel& model, const std::vector<std::string>& files);
/// Says how many texts the encoder does not read to their end, and returns it.
int64_t say_of_cut_texts(const Session& session, const ClipModel& model, const std::vector<std::string>& texts);
/// Says which of their words the encoder does not know.
void say_of_unknown_words(const Session& session, const ClipModel& model, const std::vector<std::string>& texts);
/// Files as given, and those of folders among them.
std::vector<std::string> image_files(const std::vector<std::string>& paths);
/// Texts of the command line, then those of the file. Throws ValueError if there is none, or a blank one.
std::vector<std::string> texts_of(const ScoreFlags& flags);

void add_clip_inspect(CLI::App& clip, Session& session);
void add_clip_embed(CLI::App& clip, Session& session);
void add_clip_classify(CLI::App& clip, Session& session);
void add_clip_similarity(CLI::App& clip, Session& session);

}  // namespace noisescope::cli
