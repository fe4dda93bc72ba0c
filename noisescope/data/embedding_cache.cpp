#include "noisescope/data/embedding_cache.h"

#include <algorithm>
#include <map>
#include <system_error>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/processes/tree_sum.h"

namespace noisescope::data {
namespace {

namespace fs = std::filesystem;
using Metadata = std::map<std::string, std::string>;

constexpr const char* kFormat = "noisescope embeddings 1";

std::string hash_of(const std::vector<std::string>& captions) {
  std::string text;
  for (const std::string& caption : captions) {
    text += format_text("{}:{}\n", caption.size(), caption);
  }
  return checksum(text);
}

int64_t image_count(const Dataset& dataset, const EmbeddingCacheOptions& options) {
  if (!options.images) return 0;
  return options.max_images > 0 ? std::min(options.max_images, dataset.size()) : dataset.size();
}

Metadata keys_of(const Dataset& dataset, const Encoders& encoders, int64_t images) {
  return {{"format", kFormat},
          {"weights", encoders.weights},
          {"preprocessing", encoders.preprocessing},
          {"data", dataset.fingerprint()},
          {"captions", hash_of(dataset.captions())},
          {"images", format_text("{}", images)}};
}

/// Hash of all tensors: a flipped bit in the file must not become a wrong condition.
std::string content_hash(const TensorFile& file) {
  std::string text;
  for (const auto& [name, tensor] : file.tensors) {
    const Tensor whole = tensor.contiguous();
    text += name + " " + describe_tensor(whole) + " " +
            checksum({static_cast<const char*>(whole.const_data_ptr()), whole.nbytes()}) + "\n";
  }
  return checksum(text);
}

void write_with_keys(const fs::path& path, TensorFile file, const Metadata& keys) {
  file.metadata = keys;
  file.metadata["content"] = content_hash(file);
  write_safetensors(path, file);
}

/// Why the file cannot serve, or "" after filling `file`.
std::string why_unusable(const fs::path& path, const Metadata& keys, TensorFile& file) {
  std::error_code error;
  if (!fs::exists(path, error)) return "there is no such file";
  try {
    file = read_safetensors(path);
  } catch (const std::runtime_error& failure) {
    return failure.what();
  }
  for (const auto& [key, value] : keys) {
    const auto found = file.metadata.find(key);
    const std::string held = found == file.metadata.end() ? "nothing" : found->second;
    if (held != value) return format_text("{} differ: the cache holds {}, asked for {}", key, held, value);
  }
  const auto content = file.metadata.find("content");
  if (content == file.metadata.end() || content->second != content_hash(file)) {
    return "its tensors do not match their checksum: the file is damaged";
  }
  return "";
}

/// One modality's embeddings, made shard by shard.
class Extraction {
 public:
  Extraction(fs::path folder, Metadata keys, const EmbeddingCacheOptions& options, Group& group, const Control& control)
      : folder_(std::move(folder)), keys_(std::move(keys)), options_(options), group_(group), control_(control) {}

  /// encode(first, count) -> [count, D], called for consecutive batches.
  Tensor run(const std::string& what, int64_t rows,
             const std::function<Tensor(int64_t first, int64_t count)>& encode) const {
    const int64_t shard_rows = options_.batch_size * options_.shard_batches;
    std::vector<Tensor> shards;
    for (int64_t first = 0; first < rows; first += shard_rows) {
      const int64_t count = std::min(shard_rows, rows - first);
      shards.push_back(shard(what, first, count, rows, encode));
      if (shards.back().size(1) != shards.front().size(1)) {
        throw ShapeError(
            format_text("[data.load_or_extract_embeddings] expected embeddings of one width, "
                        "got {} and {}",
                        describe_tensor(shards.front()), describe_tensor(shards.back())));
      }
    }
    return torch::cat(shards, 0);
  }

 private:
  Tensor shard(const std::string& what, int64_t first, int64_t count, int64_t rows,
               const std::function<Tensor(int64_t, int64_t)>& encode) const {
    const fs::path path = folder_ / format_text("{}-{}.safetensors", what, first);
    Metadata keys = keys_;
    keys["shard"] = format_text("{} {} {} batch {}", what, first, count, options_.batch_size);
    TensorFile file;
    if (!why_unusable(path, keys, file).empty()) {
      file = TensorFile{};
      file.tensors["embeddings"] = encode_rows(what, first, count, rows, encode);
      write_with_keys(path, file, keys);
    }
    control_.report({"embed", static_cast<double>(first + count), static_cast<double>(rows), what, ""});
    return file.at("embeddings");
  }

  Tensor encode_rows(const std::string& what, int64_t first, int64_t count, int64_t rows,
                     const std::function<Tensor(int64_t, int64_t)>& encode) const {
    const int64_t size = options_.batch_size, batches_in_all = (count + size - 1) / size;
    std::vector<int64_t> rows_by_process;
    for (int64_t rank = 0; rank < group_.size(); ++rank) {
      const Stretch share = share_of(batches_in_all, rank, group_.size());
      rows_by_process.push_back(std::min(count, share.end * size) - share.first * size);
    }
    const Stretch own = share_of(batches_in_all, group_.rank(), group_.size());
    std::vector<Tensor> batches;
    for (int64_t done = own.first * size; done < std::min(count, own.end * size); done += size) {
      control_.throw_if_stopped("data.load_or_extract_embeddings");
      const int64_t batch = std::min(size, count - done);
      const Tensor values = encode(first + done, batch);
      check_shape("data.load_or_extract_embeddings", "embeddings", values, {batch, -1});
      batches.push_back(values.detach().to(torch::kCPU, torch::kFloat32).contiguous());
      control_.report({"embed", static_cast<double>(first + done + batch), static_cast<double>(rows), what, ""});
    }
    return gather_rows(group_, joined_rows(batches), rows_by_process);
  }

  /// The batches in one; without any, no rows of the width that the others have.
  Tensor joined_rows(const std::vector<Tensor>& batches) const {
    const Tensor mine = batches.empty() ? torch::zeros({0, 0}) : torch::cat(batches, 0);
    const Tensor widths = group_.gather(torch::tensor({mine.size(1)}));
    return batches.empty() ? torch::zeros({0, widths.max().item<int64_t>()}) : mine;
  }

  fs::path folder_;
  Metadata keys_;
  const EmbeddingCacheOptions& options_;
  Group& group_;
  const Control& control_;
};

TensorFile extract(const fs::path& folder, const Dataset& dataset, const Encoders& encoders,
                   const EmbeddingCacheOptions& options, const Metadata& keys, const Control& control) {
  const torch::NoGradGuard no_grad;
  const Extraction extraction(folder, keys, options, *encoders.group, control);
  const std::vector<std::string>& captions = dataset.captions();
  TensorFile file;
  const auto embed_text = [&](int64_t first, int64_t count) {
    const auto begin = captions.begin() + first;
    return encoders.text(std::vector<std::string>(begin, begin + count));
  };
  const Tensor text = extraction.run("captions", static_cast<int64_t>(captions.size()), embed_text);
  file.tensors["text"] = text;
  save_statistics(file, "text_statistics", embedding_statistics(text));
  if (const int64_t images = image_count(dataset, options); images > 0) {
    const auto embed_images = [&](int64_t first, int64_t count) {
      return encoders.image(dataset.images(sample_range(first, count)));
    };
    const Tensor image = extraction.run("images", images, embed_images);
    file.tensors["image"] = image;
    save_statistics(file, "image_statistics", embedding_statistics(image));
  }
  return file;
}

Embeddings embeddings_from(const TensorFile& file) {
  Embeddings embeddings;
  embeddings.text = file.at("text");
  embeddings.text_statistics = load_statistics(file, "text_statistics");
  if (file.tensors.count("image") != 0) {
    embeddings.image = file.at("image");
    embeddings.image_statistics = load_statistics(file, "image_statistics");
  }
  return embeddings;
}

void check_request(const Dataset& dataset, const Encoders& encoders, const EmbeddingCacheOptions& options) {
  if (dataset.captions().empty()) {
    throw DataError(
        "[data.load_or_extract_embeddings] expected a data set with captions, got none "
        "in " +
        dataset.name());
  }
  if (!encoders.text || (options.images && !encoders.image)) {
    throw ValueError(
        "[data.load_or_extract_embeddings] expected an encoder for every modality "
        "asked for, got none for " +
        std::string(encoders.text ? "images" : "captions"));
  }
}

}  // namespace

Embeddings load_or_extract_embeddings(const fs::path& path, const Dataset& dataset, const Encoders& encoders,
                                      const EmbeddingCacheOptions& options, const Control& control) {
  const Metadata keys = keys_of(dataset, encoders, image_count(dataset, options));
  TensorFile file;
  const std::string reason = why_unusable(path, keys, file);
  fs::path folder = path;
  folder += ".partial";
  if (reason.empty()) {
    remove_abandoned(folder);  // of a process that was killed after its last write
    return embeddings_from(file);
  }
  if (options.skip_extraction) {
    throw ModelError(
        format_text("[data.load_or_extract_embeddings] expected embeddings at '{}' that fit model and "
                    "data, but {}; run once without skipping the extraction",
                    path.string(), reason));
  }
  check_request(dataset, encoders, options);
  make_folder(folder);
  const FolderLock lock(folder);
  file = extract(folder, dataset, encoders, options, keys, control);
  write_with_keys(path, file, keys);
  std::error_code ignored;  // a left-over folder costs disk, nothing else
  fs::remove_all(folder, ignored);
  Embeddings embeddings = embeddings_from(file);
  embeddings.extracted = true;
  embeddings.reason = reason;
  return embeddings;
}

}  // namespace noisescope::data
