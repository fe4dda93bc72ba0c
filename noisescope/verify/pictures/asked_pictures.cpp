#include "noisescope/verify/pictures/asked_pictures.h"

#include <algorithm>
#include <cmath>

#include "noisescope/data/families.h"
#include "noisescope/verify/pictures/picture_levels.h"

namespace noisescope::verify {
namespace {

constexpr int64_t kBatch = 32;          // paths that advance together
constexpr size_t kFewestWithWords = 8;  // pictures with words that the data know, before captions stand in for words
constexpr size_t kAlternatives = 2;     // of a word or a caption, so that a question costs three evaluations

/// The sample that alone has each prompt; empty where a prompt is said of several.
std::vector<int64_t> only_samples(const PictureContext& context, const std::vector<std::string>& prompts) {
  const Tensor said = context.truth.condition_of(prompts) > 0;
  if (!(said.sum(1) == 1).all().item<bool>()) return {};
  std::vector<int64_t> samples;
  for (const Tensor& row : said.to(torch::kInt64).argmax(1).unbind(0)) samples.push_back(row.item<int64_t>());
  return samples;
}

/// Where the picture differs from those of the alternatives; undefined unless that is a part of it.
Tensor mask_of(const PictureContext& context, const PromptContrast& contrast) {
  const std::vector<int64_t> samples = only_samples(context, contrast.prompts);
  if (samples.empty()) return {};
  const Family versions{contrast.kind, contrast.word, contrast.values, samples};
  const Tensor mask = family_mask(context.data->samples(), versions, static_cast<size_t>(contrast.true_version));
  return mask.any().item<bool>() && !mask.all().item<bool>() ? mask : Tensor();
}

/// The own version first, and the first alternatives.
PromptContrast with_few_versions(PromptContrast contrast) {
  const auto own = static_cast<std::ptrdiff_t>(contrast.true_version);
  std::rotate(contrast.values.begin(), contrast.values.begin() + own, contrast.values.end());
  std::rotate(contrast.prompts.begin(), contrast.prompts.begin() + own, contrast.prompts.end());
  contrast.true_version = 0;
  const size_t versions = std::min(contrast.prompts.size(), kAlternatives + 1);
  contrast.values.resize(versions);
  contrast.prompts.resize(versions);
  return contrast;
}

std::vector<AskedPicture> asked_of_words(const PictureContext& context, int64_t count) {
  std::vector<AskedPicture> asked;
  const std::vector<int64_t> samples = context.shuffled(stream(Drawn::asked));
  // The position of a caption chooses which of its words is asked.
  for (const WordQuestion& question : one_word_each(context.exact, context.captions(samples))) {
    if (static_cast<int64_t>(asked.size()) == count) break;
    const int64_t sample = samples[static_cast<size_t>(question.picture)];
    const PromptContrast contrast = with_few_versions(question.contrast);
    asked.push_back({sample, contrast, mask_of(context, contrast)});
  }
  return asked;
}

std::vector<AskedPicture> asked_of_captions(const PictureContext& context, int64_t count) {
  const std::vector<int64_t> samples = context.some(std::min(count, context.size()), stream(Drawn::asked));
  std::vector<std::string> said = context.captions(samples);
  const size_t asking = said.size();
  for (const std::string& caption : context.captions(context.shuffled(stream(Drawn::other_captions))))
    said.push_back(caption);
  std::vector<AskedPicture> asked;
  for (const WordQuestion& question : captions_against_others(said, kAlternatives)) {
    if (asked.size() == asking) break;
    asked.push_back({samples[static_cast<size_t>(question.picture)], question.contrast});
  }
  return asked;
}

/// Of paths of the same number of versions.
struct Paths {
  Tensor pictures;  // [B, C, S, S]
  Contrast contrast;
};

Paths paths_of(const PictureContext& context, const std::vector<const AskedPicture*>& rows, int64_t version_said) {
  std::vector<int64_t> samples, own;
  std::vector<Tensor> conditions;
  for (const AskedPicture* asked : rows) {
    const auto versions = static_cast<int64_t>(asked->contrast.prompts.size());
    samples.push_back(asked->sample);
    own.push_back((asked->contrast.true_version + version_said) % versions);
    conditions.push_back(context.exact.condition(asked->contrast.prompts));
  }
  return {context.pictures(samples), {torch::stack(conditions, 1), torch::tensor(own, torch::kInt64)}};
}

Tensor column_of(const Tensor& table, const Tensor& own) { return table.gather(1, own.unsqueeze(1)).squeeze(1); }

/// Some paths at once: [N, B] tables and maps.
FilteredPaths filtered(const PictureContext& context, const Paths& paths, const PathsOfPictures& asked,
                       int64_t first_path) {
  const EvidenceOptions& levels = asked.levels;
  const int64_t count = paths.pictures.size(0);
  const PictureBatch batch{paths.pictures, {context.random(), sample_range(first_path, count)}};
  const PathFilter filter = context.seen(&Seams::filter, filter_noising_paths);
  const Evidence evidence =
      filter(context.exact.denoiser, batch, context.seen(&Seams::contrast, paths.contrast), levels, context.control);
  std::vector<Tensor> exact;
  const auto visit = [&](const Tensor& x, double sigma) {
    const Tensor sigmas = torch::full({count}, sigma, torch::kFloat64);
    const Tensor p = context.truth.posterior(x, sigmas, context.null_condition(count));
    exact.push_back(column_of(exact_versions(p, paths.contrast.conditions), paths.contrast.true_version));
  };
  if (asked.exact) walk_noising_paths(batch, levels, visit);
  const Tensor own = evidence.decision();
  const double whole = std::log(static_cast<double>(paths.contrast.conditions.size(0)));
  return {evidence.log_snrs, own, asked.exact ? torch::stack(exact) : torch::zeros_like(own),
          torch::full({count}, whole, torch::kFloat64), evidence.map()};
}

}  // namespace

std::vector<AskedPicture> asked_pictures(const PictureContext& context, int64_t count) {
  std::vector<AskedPicture> asked = asked_of_words(context, count);
  if (asked.size() < std::min(static_cast<size_t>(count), kFewestWithWords)) {
    asked = asked_of_captions(context, count);
  }
  std::stable_sort(asked.begin(), asked.end(), [](const AskedPicture& a, const AskedPicture& b) {
    return a.contrast.prompts.size() < b.contrast.prompts.size();
  });
  return asked;
}

double hidden_versions_log_snr(const PictureContext& context, const std::vector<AskedPicture>& asked) {
  double sum = 0;
  for (const AskedPicture& one : asked) {
    const Tensor said = (context.truth.condition_of(one.contrast.prompts) > 0).to(torch::kInt64).argmax(1);
    std::vector<int64_t> samples;
    for (const Tensor& row : said.unbind(0)) samples.push_back(row.item<int64_t>());
    const Tensor pictures = context.pictures(samples);
    const auto others = static_cast<double>(samples.size() - 1);
    sum += (pictures - pictures[one.contrast.true_version]).square().sum().item<double>() / others;
  }
  return hiding_log_snr(sum / static_cast<double>(asked.size()));
}

Tensor exact_versions(const Tensor& of_pictures, const Tensor& conditions) {
  const Tensor said = (conditions > 0).to(torch::kFloat64);       // [K, B, N]
  const Tensor mean = (said * of_pictures).sum(2) / said.sum(2);  // of a version's pictures, [K, B]
  return (mean / mean.sum(0, true)).t();
}

FilteredPaths filtered_paths(const PictureContext& context, const std::vector<AskedPicture>& asked,
                             const PathsOfPictures& paths) {
  std::vector<const AskedPicture*> rows;
  for (const AskedPicture& one : asked) rows.insert(rows.end(), static_cast<size_t>(paths.paths), &one);
  std::vector<FilteredPaths> parts;
  for (size_t first = 0, last = 0; first < rows.size(); first = last) {
    const size_t versions = rows[first]->contrast.prompts.size();
    while (last < rows.size() && last < first + kBatch && rows[last]->contrast.prompts.size() == versions) ++last;
    const std::vector<const AskedPicture*> some(rows.begin() + static_cast<std::ptrdiff_t>(first),
                                                rows.begin() + static_cast<std::ptrdiff_t>(last));
    parts.push_back(filtered(context, paths_of(context, some, paths.version_said), paths,
                             paths.first_path + static_cast<int64_t>(first)));
  }
  const auto all = [&](Tensor FilteredPaths::*member, int64_t dim) {
    std::vector<Tensor> tensors;
    for (const FilteredPaths& part : parts) tensors.push_back(part.*member);
    return torch::cat(tensors, dim);
  };
  return {parts.front().log_snrs, all(&FilteredPaths::own, 1), all(&FilteredPaths::exact_own, 1),
          all(&FilteredPaths::whole, 0), all(&FilteredPaths::map, 0)};
}

}  // namespace noisescope::verify
