// How good a CLIP is, and how its two modalities lie to each other. Every number comes with the
// count it rests on.
#pragma once

#include "noisescope/core/options.h"
#include "noisescope/core/tensor.h"

namespace noisescope::clip {

/// Share of images whose best caption is true of them.
struct ZeroShot {
  double accuracy = 0;
  int64_t correct = 0;
  int64_t images = 0;
  int64_t captions = 0;  // chance is about 1 / captions where one is true of an image
};

///   image [B, E], text [K, E] of unit norm; is_true [B, K] bool.
/// Ties go to the first caption. Throws ValueError if an image has no true caption.
ZeroShot zero_shot(const Tensor& image, const Tensor& text, const Tensor& is_true);

/// Ranks of the best-placed true partner of every query, 1 = first (Karpathy & Fei-Fei 2015,
/// arXiv:1412.2306, 4.1). Equal scores count half, so that constant scores give chance.
struct RetrievalRanks {
  double recall_at_1 = 0;
  double recall_at_5 = 0;
  double median_rank = 0;
  int64_t queries = 0;
  int64_t candidates = 0;
};
struct Retrieval {
  RetrievalRanks image_to_text;
  RetrievalRanks text_to_image;
};

/// Queries without any true partner are left out of the count.
Retrieval retrieval(const Tensor& image, const Tensor& text, const Tensor& is_true);

/// The modality gap (Liang et al. 2022, arXiv:2203.02053, 2) of n pairs (image i, text i).
struct ModalityGap {
  double distance = 0;             // |mean image - mean text|
  double pair_cosine = 0;          // mean cosine of true pairs
  double unpaired_cosine = 0;      // mean cosine of image i and text j != i
  double centred_pair_cosine = 0;  // the two after each modality's mean is taken away
  double centred_unpaired_cosine = 0;
  int64_t pairs = 0;
};

/// image, text [n, E] of unit norm, n >= 2.
ModalityGap modality_gap(const Tensor& image, const Tensor& text);

}  // namespace noisescope::clip
