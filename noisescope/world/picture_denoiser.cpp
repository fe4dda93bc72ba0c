#include "noisescope/world/picture_denoiser.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/options.h"

namespace noisescope::world {
namespace {

constexpr int64_t kBlock = 4096;                           // pictures of one matrix product
constexpr int64_t kKeptBytes = int64_t{1} << 30;           // up to here the float64 table is kept, else made anew
constexpr const char* kPunctuation = " \t\r\n,.;:!?\"()";  // between words

/// Lower case without articles, words between single spaces and one at each end: "A red heart" is " red heart ".
std::string spaced_words(const std::string& text) {
  std::string out = " ";
  for (const char c : text) {
    if (std::string_view(kPunctuation).find(c) == std::string_view::npos) {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.back() != ' ') out += ' ';
  for (const std::string_view article : {" a ", " an ", " the "}) {
    while (out.size() > article.size() && out.find(article) != std::string::npos) {
      out.erase(out.find(article), article.size() - 1);
    }
  }
  return out;
}

/// " red heart " -> " red ", " heart ".
std::vector<std::string> single_words(const std::string& spaced) {
  std::vector<std::string> words;
  for (size_t begin = 1; begin < spaced.size(); begin = spaced.find(' ', begin) + 1) {
    words.push_back(spaced.substr(begin - 1, spaced.find(' ', begin) - begin + 2));
  }
  return words;
}

bool has_words(const std::string& spaced, const std::vector<std::string>& words) {
  return std::all_of(words.begin(), words.end(),
                     [&](const std::string& word) { return spaced.find(word) != std::string::npos; });
}

/// Up to three different captions that share most words with the text, for messages.
std::string near_captions(const std::string& spaced, const std::vector<std::vector<std::string>>& captions) {
  const std::vector<std::string> words = single_words(spaced);
  std::vector<std::pair<int64_t, std::string>> near;  // words not shared, caption
  for (const auto& own : captions) {
    const std::string caption = spaced_words(own.front());
    const auto shared = std::count_if(words.begin(), words.end(),
                                      [&](const std::string& word) { return caption.find(word) != std::string::npos; });
    near.emplace_back(std::ssize(words) - shared, "'" + own.front() + "'");
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> named;
  for (const auto& [missing, caption] : near) {
    if (named.size() == 3) break;
    if (std::find(named.begin(), named.end(), caption) == named.end()) named.push_back(caption);
  }
  return "captions such as " + join(named);
}

/// "; did you mean 'heart'?" of the first word that is in no caption, or "".
std::string meant_word(const std::string& spaced, const std::vector<std::vector<std::string>>& captions) {
  std::set<std::string> known;
  for (const auto& own : captions) {
    for (const std::string& caption : own) {
      for (const std::string& word : single_words(spaced_words(caption))) known.insert(word.substr(1, word.size() - 2));
    }
  }
  for (const std::string& spaced_word : single_words(spaced)) {
    const std::string word = spaced_word.substr(1, spaced_word.size() - 2);
    if (known.contains(word)) continue;
    const std::string nearest = nearest_name(word, {known.begin(), known.end()});
    return nearest.empty() ? "" : "; did you mean '" + nearest + "'?";
  }
  return "";
}

/// Log-weights of conditions [..., N], normalised, -inf where 0.
Tensor log_picture_weights(const Tensor& condition) {
  const Tensor weights = condition.to(torch::kFloat64);
  const Tensor total = weights.sum(-1, true);
  if (!((weights >= 0).all() & (total > 0).all() & total.isfinite().all()).item<bool>()) {
    throw ValueError(
        "[world.PictureDenoiser] expected conditions of weights >= 0 with a positive sum, got others; use "
        "condition_of or null_condition");
  }
  return weights.log() - total.log();
}

}  // namespace

struct PictureDenoiser::Tables {
  explicit Tables(GivenPictures pictures) : given(std::move(pictures)) {
    const int64_t count = given.pixels.size(0);
    keeps = given.pixels.numel() * 8 <= kKeptBytes;
    std::vector<Tensor> squares;
    for (int64_t first = 0; first < count; first += kBlock) {
      const Tensor rows = made_block(first);
      squares.push_back(rows.square().sum(1));
      if (keeps) blocks.push_back(rows);
    }
    norms = torch::cat(squares);
    for (const auto& own : given.captions) {
      spaced.emplace_back();
      for (const std::string& caption : own) {
        spaced.back().push_back(spaced_words(caption));
        known.insert(spaced.back().back());
      }
    }
    for (const std::string& name : given.classes) spaced_classes.push_back(spaced_words(name));
  }

  Tensor made_block(int64_t first) const {
    const Tensor bytes = given.pixels.slice(0, first, first + kBlock).flatten(1);
    return bytes.to(torch::kFloat64).div_(127.5).sub_(1);
  }
  /// Pictures first, first + 1, ..., [at most kBlock, D] float64.
  Tensor block(int64_t first) const { return keeps ? blocks[static_cast<size_t>(first / kBlock)] : made_block(first); }

  /// -|x - a_i|^2 / (2 sigma^2), [B, N].
  Tensor log_likelihood(const Tensor& x, const Tensor& sigma) const {
    check_shape("world.PictureDenoiser", "x", x,
                {-1, given.pixels.size(1), given.pixels.size(2), given.pixels.size(3)});
    check_shape("world.PictureDenoiser", "sigma", sigma, {x.size(0)});
    const Tensor rows = x.flatten(1).to(torch::kFloat64);
    std::vector<Tensor> products;
    for (int64_t first = 0; first < norms.size(0); first += kBlock) products.push_back(rows.matmul(block(first).t()));
    const Tensor distances = rows.square().sum(1, true) - 2 * torch::cat(products, 1) + norms;
    return distances * (-0.5 / sigma.to(torch::kFloat64).square()).unsqueeze(1);
  }

  GivenPictures given;
  bool keeps = false;
  std::vector<Tensor> blocks;  // where kept
  Tensor norms;                // [N] |a_i|^2
  std::vector<std::vector<std::string>> spaced;
  std::vector<std::string> spaced_classes;
  std::set<std::string> known;
};

PictureDenoiser::PictureDenoiser(GivenPictures pictures) {
  const Tensor& pixels = pictures.pixels;
  if (!pixels.defined() || pixels.dim() != 4 || pixels.scalar_type() != torch::kUInt8 || pixels.size(0) == 0) {
    throw ShapeError("[world.PictureDenoiser] expected uint8 pixels [N, C, H, W] of at least one picture, got " +
                     (pixels.defined() ? describe_tensor(pixels) : std::string("nothing")));
  }
  const auto count = static_cast<size_t>(pixels.size(0));
  if (pictures.captions.size() != count || (!pictures.classes.empty() && pictures.classes.size() != count) ||
      std::any_of(pictures.captions.begin(), pictures.captions.end(), [](const auto& own) { return own.empty(); })) {
    throw ValueError(
        format_text("[world.PictureDenoiser] expected at least one caption for each of {} pictures, and a "
                    "class each or none, got {} lists of captions and {} classes",
                    count, pictures.captions.size(), pictures.classes.size()));
  }
  tables_ = std::make_shared<const Tables>(std::move(pictures));
}

const GivenPictures& PictureDenoiser::pictures() const { return tables_->given; }
int64_t PictureDenoiser::size() const { return tables_->norms.size(0); }
Tensor PictureDenoiser::null_condition() const {
  return torch::full({size()}, 1.0 / static_cast<double>(size()), torch::kFloat32);
}

bool PictureDenoiser::has_caption(const std::string& text) const { return tables_->known.contains(spaced_words(text)); }

Tensor PictureDenoiser::condition_of(const std::vector<std::string>& texts) const {
  const Tables& t = *tables_;
  std::vector<Tensor> rows;
  for (const std::string& text : texts) {
    const std::string words = spaced_words(text);
    if (words == " ") {
      rows.push_back(null_condition());
      continue;
    }
    const bool by_caption = t.known.contains(words);
    const bool by_class =
        !by_caption && std::find(t.spaced_classes.begin(), t.spaced_classes.end(), words) != t.spaced_classes.end();
    const std::vector<std::string> parts = single_words(words);
    const Tensor row = torch::zeros({size()}, torch::kFloat32);
    float* weight = row.mutable_data_ptr<float>();
    for (size_t i = 0; i < t.spaced.size(); ++i) {
      const bool fits = by_class ? t.spaced_classes[i] == words
                                 : std::any_of(t.spaced[i].begin(), t.spaced[i].end(), [&](const std::string& own) {
                                     return by_caption ? own == words : has_words(own, parts);
                                   });
      weight[i] = fits ? 1.0F : 0.0F;
    }
    const double total = row.sum().item<double>();
    if (total == 0) {
      throw ValueError("[world.PictureDenoiser.condition_of] expected a caption, a class or words of a caption of " +
                       t.given.name + ", got '" + text + "'; there are " + near_captions(words, t.given.captions) +
                       meant_word(words, t.given.captions));
    }
    rows.push_back(row / total);
  }
  return torch::stack(rows);
}

Denoiser PictureDenoiser::denoiser() const {
  return [self = *this](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    return self.denoise(x, sigma, condition);
  };
}

Tensor PictureDenoiser::posterior(const Tensor& x, const Tensor& sigma, const Tensor& condition) const {
  check_shape("world.PictureDenoiser", "condition", condition, {x.size(0), size()});
  return (tables_->log_likelihood(x, sigma) + log_picture_weights(condition)).softmax(1);
}

Tensor PictureDenoiser::denoise(const Tensor& x, const Tensor& sigma, const Tensor& condition) const {
  const Tensor p = posterior(x, sigma, condition);
  Tensor mixture = torch::zeros({x.size(0), tables_->given.pixels[0].numel()}, torch::kFloat64);
  for (int64_t first = 0; first < size(); first += kBlock) {
    mixture = mixture + p.slice(1, first, first + kBlock).matmul(tables_->block(first));
  }
  return mixture.view(x.sizes()).to(x.scalar_type());
}

Tensor PictureDenoiser::log_density(const Tensor& x, const Tensor& sigma, const Tensor& condition) const {
  check_shape("world.PictureDenoiser", "condition", condition, {x.size(0), size()});
  const Tensor mixture = (tables_->log_likelihood(x, sigma) + log_picture_weights(condition)).logsumexp(1);
  const auto dimensions = static_cast<double>(x[0].numel());
  return mixture - dimensions * (sigma.to(torch::kFloat64).log() + 0.5 * std::log(2 * std::numbers::pi));
}

Tensor PictureDenoiser::log_likelihood_ratio(const Tensor& x, const Tensor& sigma, const Tensor& conditions,
                                             const Tensor& reference) const {
  check_shape("world.PictureDenoiser", "conditions", conditions, {-1, size()});
  check_shape("world.PictureDenoiser", "reference", reference, {size()});
  const Tensor likelihood = tables_->log_likelihood(x, sigma);
  const Tensor base = (likelihood + log_picture_weights(reference)).logsumexp(1);
  std::vector<Tensor> columns;
  for (const Tensor& row : log_picture_weights(conditions).unbind(0)) {
    columns.push_back((likelihood + row).logsumexp(1) - base);
  }
  return torch::stack(columns, 1);
}

}  // namespace noisescope::world
