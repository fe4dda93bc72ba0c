#include "noisescope/clip/clip_metrics.h"

#include <limits>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::clip {
namespace {

/// Cosines in float64: ranks should not hang on rounding.
Tensor scores_of(const char* where, const Tensor& image, const Tensor& text, const Tensor& is_true) {
  check_shape(where, "image", image, {-1, -1});
  check_shape(where, "text", text, {-1, image.size(1)});
  check_shape(where, "is_true", is_true, {image.size(0), text.size(0)});
  check_dtype(where, "is_true", is_true, torch::kBool);
  if (image.size(0) == 0 || text.size(0) == 0) {
    throw ValueError(std::string("[") + where + "] expected images and captions, got none");
  }
  return at::matmul(image.detach().to(torch::kFloat64), text.detach().to(torch::kFloat64).t());
}

/// `scores`, `is_true` [queries, candidates].
RetrievalRanks ranks_of(const Tensor& scores, const Tensor& is_true) {
  const Tensor kept = is_true.any(1).nonzero().squeeze(1);
  RetrievalRanks out;
  out.queries = kept.size(0);
  out.candidates = scores.size(1);
  if (out.queries == 0) return out;
  const Tensor s = scores.index_select(0, kept), t = is_true.index_select(0, kept);
  const double low = -std::numeric_limits<double>::infinity();
  const Tensor best = s.masked_fill(t.logical_not(), low).amax(1, true);
  // Only false candidates push a query's rank back.
  const Tensor is_false = t.logical_not();
  const Tensor ahead = (s > best).logical_and(is_false).sum(1).to(torch::kFloat64);
  const Tensor level = (s == best).logical_and(is_false).sum(1).to(torch::kFloat64);
  const Tensor rank = 1 + ahead + 0.5 * level;
  const auto share = [&](double k) { return (rank <= k).to(torch::kFloat64).mean().item<double>(); };
  out.recall_at_1 = share(1);
  out.recall_at_5 = share(5);
  out.median_rank = rank.quantile(0.5).item<double>();
  return out;
}

double mean_unpaired(const Tensor& cosines, const Tensor& paired) {
  const auto n = static_cast<double>(cosines.size(0));
  return (cosines.sum().item<double>() - paired.sum().item<double>()) / (n * (n - 1));
}

Tensor centred(const Tensor& embeddings) {
  const Tensor shifted = embeddings - embeddings.mean(0, true);
  return shifted / shifted.norm(2, 1, true).clamp_min(1e-12);
}

}  // namespace

ZeroShot zero_shot(const Tensor& image, const Tensor& text, const Tensor& is_true) {
  const Tensor scores = scores_of("clip.zero_shot", image, text, is_true);
  if (!is_true.any(1).all().item<bool>()) {
    throw ValueError("[clip.zero_shot] expected a true caption for every image, got an image without");
  }
  ZeroShot out;
  out.images = image.size(0);
  out.captions = text.size(0);
  out.correct = is_true.gather(1, scores.argmax(1, true)).sum().item<int64_t>();
  out.accuracy = static_cast<double>(out.correct) / static_cast<double>(out.images);
  return out;
}

Retrieval retrieval(const Tensor& image, const Tensor& text, const Tensor& is_true) {
  const Tensor scores = scores_of("clip.retrieval", image, text, is_true);
  return {ranks_of(scores, is_true), ranks_of(scores.t(), is_true.t())};
}

ModalityGap modality_gap(const Tensor& image, const Tensor& text) {
  check_shape("clip.modality_gap", "image", image, {-1, -1});
  check_shape("clip.modality_gap", "text", text, {image.size(0), image.size(1)});
  if (image.size(0) < 2) {
    throw ValueError(format_text("[clip.modality_gap] expected at least 2 pairs, got {}", image.size(0)));
  }
  const Tensor z = image.detach().to(torch::kFloat64), y = text.detach().to(torch::kFloat64);
  const Tensor cosines = at::matmul(z, y.t()), paired = cosines.diagonal();
  const Tensor centred_cosines = at::matmul(centred(z), centred(y).t());
  const Tensor centred_paired = centred_cosines.diagonal();
  ModalityGap gap;
  gap.distance = (z.mean(0) - y.mean(0)).norm().item<double>();
  gap.pair_cosine = paired.mean().item<double>();
  gap.unpaired_cosine = mean_unpaired(cosines, paired);
  gap.centred_pair_cosine = centred_paired.mean().item<double>();
  gap.centred_unpaired_cosine = mean_unpaired(centred_cosines, centred_paired);
  gap.pairs = image.size(0);
  return gap;
}

}  // namespace noisescope::clip
