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

/// The rows of each process.
std::vector<Rows> rows_of_each(Group& group, const Rows& mine) {
  if (group.is_alone()) return {mine};
  nlohmann::json said = {{"names", mine.names}, {"skipped", nlohmann::json::array()}, {"rows", 0}, {"width", 0}};
  for (const SkippedFile& file : mine.skipped) said["skipped"].push_back({file.name, file.reason});
  if (mine.values.defined()) said["rows"] = mine.values.size(0), said["width"] = mine.values.size(1);
  std::vector<Rows> all;
  std::vector<int64_t> counts;
  int64_t width = 0;
  for (const std::string& text : group.from_each(said.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))) {
    const auto one = nlohmann::json::parse(text);
    all.push_back({{}, one["names"].get<Names>(), {}});
    for (const auto& file : one["skipped"]) all.back().skipped.push_back({file[0], file[1]});
    counts.push_back(one["rows"]);
    width = std::max(width, one["width"].get<int64_t>());
  }
  const Tensor values = gather_rows(group, mine.values.defined() ? mine.values : torch::zeros({0, width}), counts);
  const std::vector<Tensor> parts = values.split_with_sizes(counts);
  for (size_t rank = 0; rank < all.size(); ++rank) {
    if (counts[rank] > 0) all[rank].values = parts[rank];
  }
  return all;
}

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
    Group& group = *request_.group;
    const auto step = static_cast<size_t>(request_.shard_rows), round = step * static_cast<size_t>(group.size());
    for (size_t first = 0; first < names_.size(); first += round) {  // a shard a process
      std::vector<Shard> shards = shards_of(folder, first, std::min(first + round, names_.size()));
      const std::vector<bool> there = known_to_first(group, shards);
      const auto own = static_cast<size_t>(group.rank());
      Rows rows;
      if (own < shards.size() && !there[own]) rows = shard(shards[own].first, encode, control);
      const std::vector<Rows> made = rows_of_each(group, rows);
      if (!group.leads()) continue;
      for (size_t k = 0; k < shards.size(); ++k) {
        result.resumed_shards += there[k] ? 1 : 0;
        take(shards[k].path, there[k] ? shards[k].metadata : write(shards[k].path, made[k]), result);
      }
      control.report({"embed", static_cast<double>(std::min(first + round, names_.size())),
                      static_cast<double>(names_.size()), name_ + "s", ""});
    }
    if (group.leads() && kept_.empty()) {
      throw DataError(
          format_text("[run.clip_embed] expected at least one readable {}, got {} that are not", name_, names_.size()));
    }
  }

  JoinedTensor joined() const { return {name_, files_}; }
  const Names& kept() const { return kept_; }

 private:
  struct Shard {
    size_t first = 0;  // row
    fs::path path;
    Metadata metadata;  // empty: it is not there yet
  };

  std::vector<Shard> shards_of(const fs::path& folder, size_t first, size_t end) const {
    std::vector<Shard> shards;
    for (; first < end; first += static_cast<size_t>(request_.shard_rows)) {
      const fs::path path = folder / (name_ + "-" + std::to_string(first) + ".safetensors");
      shards.push_back({first, path, finished(path)});
    }
    return shards;
  }

  static std::vector<bool> known_to_first(Group& group, const std::vector<Shard>& shards) {
    nlohmann::json there = nlohmann::json::array();
    for (const Shard& one : shards) there.push_back(!one.metadata.empty());
    return nlohmann::json::parse(group.from_first(there.dump())).get<std::vector<bool>>();
  }

  Rows shard(size_t first, const BatchEncoder& encode, const Control& control) const {
    const torch::NoGradGuard no_grad;
    const auto batch = static_cast<size_t>(request_.batch_size);
    const size_t end = std::min(first + static_cast<size_t>(request_.shard_rows), names_.size());
    Rows whole;
    std::vector<Tensor> values;
    for (size_t at = first; at < end; at += batch) {
      control.throw_if_stopped("run.clip_embed");
      const size_t count = std::min(batch, end - at), after = at + count;
      // The next batch may belong to the next shard of this process; what it holds depends on shards alone.
      const size_t skipped = after < end ? 0 : static_cast<size_t>(request_.shard_rows * (request_.group->size() - 1));
      const size_t next = after < end ? std::min(batch, end - after) : std::min<size_t>(batch, request_.shard_rows);
      Rows rows = encode(slice(names_, at, count), slice(names_, after + skipped, next));
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

/// What encoders have counted, over all processes.
void sum_counts(Group& group, ClipEmbedResult& result) {
  const Tensor sums = group.gather(torch::tensor({result.truncated, result.unknown})).sum(0);
  result.truncated = sums[0].item<int64_t>();
  result.unknown = sums[1].item<int64_t>();
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
  Group& group = *request.group;
  result.was_complete = group.from_first(is_complete(request.out, key) ? "complete" : "") == "complete";
  fs::path folder = request.out;
  folder += ".partial";
  if (!group.leads()) {
    for (Job& job : jobs) {
      if (!result.was_complete) job.tensor.make(folder, job.encode, control, result);
    }
    sum_counts(group, result);
    return result;
  }
  if (result.was_complete) {
    sum_counts(group, result);
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
  sum_counts(group, result);
  count(jobs, result);
  join_safetensors(request.out, tensors, metadata);
  std::error_code ignored;  // a left-over folder costs disk, nothing else
  fs::remove_all(folder, ignored);
  return result;
}

}  // namespace noisescope::run
