// A fixed cheap classifier: what metrics of explanations are compared with other libraries on.
#pragma once

#include "noisescope/explain/metric/faithfulness.h"

namespace noisescope {

/// softmax(weights x) over K classes; picture k of the batch belongs to class labels[k].
struct SoftmaxClassifier {
  Tensor weights;  // [K, C H W] float64
  Tensor labels;   // [B] int64

  static SoftmaxClassifier draw(int64_t classes, int64_t pixels, int64_t pictures) {
    const Tensor w = Random(21).normal(Purpose::explain, 0, sample_range(0, classes), {pixels}, torch::kFloat64) * 0.3;
    return {w, torch::arange(pictures) % classes};
  }

  Tensor probabilities(const Tensor& x) const {
    return weights.matmul(x.flatten(1).t()).softmax(0).t();  // this way round it is faster
  }

  PictureScore score() const {
    return [*this](const Tensor& x, const Tensor& sample) {
      return probabilities(x).gather(1, labels.index_select(0, sample).unsqueeze(1)).squeeze(1);
    };
  }

  /// Gradient times input of the own class's probability: [B, C H W].
  Tensor gradient_times_input(const Tensor& x) const {
    const Tensor p = probabilities(x);
    const Tensor own = p.gather(1, labels.unsqueeze(1));
    return own * (weights.index_select(0, labels) - p.matmul(weights)) * x.flatten(1);
  }
};

}  // namespace noisescope
