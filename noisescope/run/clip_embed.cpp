#include "noisescope/run/clip_embed.h"

#include <algorithm>
#include <functional>
#include <future>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "noisescope/clip/clip_images.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/image_loader.h"
#include "noisescope/io/codec/archive.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors_join.h"
#include "noisescope/io/text_encoding.h"
#include "noisescope/run/clip_classes.h"

namespace noisescope::run {
namespace {

namespace fs = std::filesystem;
using Metadata = std::map<std::string, std::string>;
using Names = std::vector<std::string>;

/// Some rows of one tensor, and what they are of.
struct Rows {
  Tensor values;  // [n, E] float32 on the CPU; undefined if n = 0
  Names names;
  std::vector<SkippedFile> skipped;
};

/// Makes the rows of `names`, at most batch_size of them.
using BatchEncoder = std::function<Rows(const Names& names, const Names& next)>;

std::string names_json(const Names& names) {
  return nlohmann::json(names).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Names slice(const Names& names, size_t first, size_t count) {
  const size_t begin = std::min(first, names.size()), end = std::min(begin + count, names.size());
  return {names.begin() + static_cast<long>(begin), names.begin() + static_cast<long>(end)};
}

/// Images of one batch, decoded.
struct Decoded {
  Names names;  // those that could be read
  std::vector<SkippedFile> skipped;
  Tensor pixels;  // [n, 3, S, S], pixel values
};

Decoded decode(const fs::path& folder, const Names& names, const PreprocessOptions& options) {
  Decoded out;
  std::vector<Tensor> pixels;
  for (const std::string& name : names) {
    try {
      pixels.push_back(read_pixel_values(folder / name, options));
      out.names.push_back(name);
    } catch (const FormatError& error) {
      out.skipped.push_back({name, error.what()});
    } catch (const ValueError& error) {  // a size that cannot be cut to that of the tower
      out.skipped.push_back({name, error.what()});
    }
  }
  if (!pixels.empty()) out.pixels = torch::stack(pixels);
  return out;
}

/// Encodes images while the next batch is being decoded on another thread.
class ImageEncoder {
 public:
  ImageEncoder(const ClipModel& model, fs::path folder) : model_(model), folder_(std::move(folder)) {}

  Rows operator()(const Names& names, const Names& next) {
    Decoded batch = take(names);
    if (!next.empty()) {
      coming_ = next;
      decoding_ = std::async(std::launch::async, decode, folder_, next, model_.config().preprocess);
    }
    Rows rows{{}, std::move(batch.names), std::move(batch.skipped)};
    if (batch.pixels.defined()) rows.values = model_.encode_pixel_values(batch.pixels).to(torch::kCPU);
    return rows;
  }

 private:
  Decoded take(const Names& names) {
    if (decoding_.valid()) {
      Decoded ready = decoding_.get();
      if (coming_ == names) return ready;
    }
    return decode(folder_, names, model_.config().preprocess);
  }

  const ClipModel& model_;
  fs::path folder_;
  Names coming_;
  std::future<Decoded> decoding_;
};

/// One tensor of the result, made shard by shard.
class ShardedTensor {
 public:
  ShardedTensor(std::string name, Names names, const ClipEmbedRequest& request, const std::string& model_hash)
      : name_(std::move(name)), names_(std::move(names)), request_(request) {
    key_ = checksum(name_ + '\n' + model_hash + '\n' + names_json(names_) + '\n' + names_json(request.templates) +
                    (request.float16 ? "float16 " : "float32 ") + std::to_string(request.batch_size) + " " +
                    std::to_string(request.shard_rows));
  }

  const std::string& key() const { return key_; }

  void make(const fs::path& folder, const BatchEncoder& encode, const Control& control, ClipEmbedResult& result) {
    const auto step = static_cast<size_t>(request_.shard_rows);
    for (size_t first = 0; first < names_.size(); first += step) {
      const fs::path path = folder / (name_ + "-" + std::to_string(first) + ".safetensors");
      Metadata done = finished(path);
      if (done.empty()) {
        const Rows rows = shard(first, encode, control);
        done = write(path, rows);
      } else {
        ++result.resumed_shards;
      }
      take(path, done, result);
      control.report({"embed", static_cast<double>(std::min(first + step, names_.size())),
                      static_cast<double>(names_.size()), name_ + "s", ""});
    }
    if (kept_.empty()) {
      throw DataError(
          format_text("[run.clip_embed] expected at least one readable {}, got {} that are not", name_, names_.size()));
    }
  }

  JoinedTensor joined() const { return {name_, files_}; }
  const Names& kept() const { return kept_; }

 private:
  Rows shard(size_t first, const BatchEncoder& encode, const Control& control) const {
    const torch::NoGradGuard no_grad;
    const auto batch = static_cast<size_t>(request_.batch_size);
    const size_t end = std::min(first + static_cast<size_t>(request_.shard_rows), names_.size());
    Rows whole;
    std::vector<Tensor> values;
    for (size_t at = first; at < end; at += batch) {
      control.throw_if_stopped("run.clip_embed");
      const size_t count = std::min(batch, end - at), after = at + count;
      // The next batch may belong to the next shard; what it holds depends on shards alone.
      const size_t next = after < end ? std::min(batch, end - after) : std::min<size_t>(batch, request_.shard_rows);
      Rows rows = encode(slice(names_, at, count), slice(names_, after, next));
      if (rows.values.defined()) values.push_back(rows.values);
      whole.names.insert(whole.names.end(), rows.names.begin(), rows.names.end());
      whole.skipped.insert(whole.skipped.end(), rows.skipped.begin(), rows.skipped.end());
    }
    if (!values.empty()) whole.values = torch::cat(values);
    return whole;
  }

  Metadata write(const fs::path& path, const Rows& rows) const {
    TensorFile file;
    nlohmann::json skipped = nlohmann::json::array();
    for (const SkippedFile& entry : rows.skipped) skipped.push_back({entry.name, entry.reason});
    file.metadata = {{"key", key_},
                     {"names", names_json(rows.names)},
                     {"skipped", skipped.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)}};
    if (rows.values.defined()) {
      file.tensors[name_] = rows.values.to(request_.float16 ? torch::kFloat16 : torch::kFloat32);
    }
    write_safetensors(path, file);
    return file.metadata;
  }

  /// The metadata of a whole shard of this job; nothing for any other file.
  Metadata finished(const fs::path& path) const {
    if (!fs::exists(path)) return {};
    try {
      Metadata metadata = read_safetensors_metadata(path);
      return metadata["key"] == key_ ? metadata : Metadata{};
    } catch (const FormatError&) {  // damaged: made anew
      return {};
    }
  }

  void take(const fs::path& path, const Metadata& metadata, ClipEmbedResult& result) {
    const auto names = nlohmann::json::parse(metadata.at("names")).get<Names>();
    if (!names.empty()) files_.push_back(path);
    kept_.insert(kept_.end(), names.begin(), names.end());
    for (const auto& entry : nlohmann::json::parse(metadata.at("skipped"))) {
      result.skipped.push_back({entry.at(0).get<std::string>(), entry.at(1).get<std::string>()});
    }
  }

  std::string name_;
  Names names_;
  const ClipEmbedRequest& request_;
  std::string key_;
  std::vector<fs::path> files_;
  Names kept_;
};

void check_request(const ClipModel& model, const ClipEmbedRequest& request) {
  if (request.texts.empty() && request.images.empty() && request.classes.empty()) {
    throw ValueError("[run.clip_embed] expected texts, images or classes, got none of them");
  }
  if (request.batch_size < 1 || request.shard_rows < 1) {
    throw ValueError("[run.clip_embed] expected batches and shards of at least 1 row");
  }
  if (!request.texts.empty() || !request.classes.empty()) model.tokenizer();
  if (!request.images.empty() && !model.has_image()) {
    throw ModelError("[run.clip_embed] expected a model with an image tower, got " + model.config().source);
  }
}

/// Does `path` already hold the result of this key?
bool is_complete(const fs::path& path, const std::string& key) {
  if (!fs::exists(path)) return false;
  try {
    return read_safetensors_metadata(path)["key"] == key;
  } catch (const FormatError&) {
    return false;
  }
}

/// The tensors of a request with their encoders.
struct Job {
  ShardedTensor tensor;
  BatchEncoder encode;
};

std::vector<Job> jobs_of(const ClipModel& model, const ClipEmbedRequest& request, ClipEmbedResult& result) {
  std::vector<Job> jobs;
  const std::string hash = model.weights_hash();
  if (!request.texts.empty()) {
    const auto encode = [&model, &result](const Names& texts, const Names&) {
      const TokenTable tokens = tokenize(model.tokenizer(), texts);
      result.truncated += static_cast<int64_t>(tokens.truncated.size());
      result.unknown += std::count_if(tokens.encodings.begin(), tokens.encodings.end(),
                                      [](const Encoding& encoding) { return !encoding.unknown.empty(); });
      return Rows{model.encode_tokens(tokens.ids).to(torch::kCPU), texts, {}};
    };
    jobs.push_back({{"text", read_lines(request.texts), request, hash}, encode});
  }
  if (!request.classes.empty()) {
    const auto encode = [&model, &request](const Names& classes, const Names&) {
      return Rows{class_embeddings(model, classes, request.templates), classes, {}};
    };
    jobs.push_back({{"class", read_lines(request.classes), request, hash}, encode});
  }
  if (!request.images.empty()) {
    const auto encoder = std::make_shared<ImageEncoder>(model, request.images);
    const auto encode = [encoder](const Names& names, const Names& next) { return (*encoder)(names, next); };
    const std::string key = hash + preprocess_key(model.config().preprocess);
    jobs.push_back({{"image", image_names(request.images), request, key}, encode});
  }
  return jobs;
}

void count(const std::vector<Job>& jobs, ClipEmbedResult& result) {
  for (const Job& job : jobs) {
    const auto rows = static_cast<int64_t>(job.tensor.kept().size());
    const std::string& name = job.tensor.joined().name;
    (name == "text" ? result.texts : name == "image" ? result.images : result.classes) = rows;
  }
}

}  // namespace

std::vector<std::string> read_lines(const fs::path& path) {
  std::istringstream text(decode_text(read_file(path), path.string()).text);
  Names lines;
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.find_first_not_of(" \t") != std::string::npos) lines.push_back(line);
  }
  if (lines.empty()) {
    throw DataError("[run.read_lines] expected a text a line in " + path.string() + ", got none");
  }
  return lines;
}

std::vector<std::string> image_names(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    throw DataError("[run.image_names] expected a folder of images, got " + folder.string());
  }
  Names names = open_file_source(folder)->names();
  std::erase_if(names, [](const std::string& name) { return !has_image_extension(name); });
  if (names.empty()) {
    throw DataError(std::string("[run.image_names] expected images (") + kImageFormats + ") in " + folder.string() +
                    ", got none");
  }
  return names;
}

ClipEmbedResult clip_embed(const ClipModel& model, const ClipEmbedRequest& asked, const Control& control) {
  ClipEmbedRequest request = asked;
  if (request.templates.empty()) request.templates = usual_templates();
  check_request(model, request);
  ClipEmbedResult result;
  std::vector<Job> jobs = jobs_of(model, request, result);
  std::string key;
  for (const Job& job : jobs) key += job.tensor.key();
  key = checksum(key);
  result.was_complete = is_complete(request.out, key);
  fs::path folder = request.out;
  folder += ".partial";
  if (result.was_complete) {
    remove_abandoned(folder);  // of a process that was killed after its last write
    return result;
  }
  make_folder(folder);
  const FolderLock lock(folder);
  std::vector<JoinedTensor> tensors;
  Metadata metadata = {{"format", "noisescope clip embeddings 1"}, {"key", key}};
  for (Job& job : jobs) {
    job.tensor.make(folder, job.encode, control, result);
    tensors.push_back(job.tensor.joined());
    metadata[tensors.back().name + "_names"] = names_json(job.tensor.kept());
  }
  count(jobs, result);
  join_safetensors(request.out, tensors, metadata);
  std::error_code ignored;  // a left-over folder costs disk, nothing else
  fs::remove_all(folder, ignored);
  return result;
}

}  // namespace noisescope::run
