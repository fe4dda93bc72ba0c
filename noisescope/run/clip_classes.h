// Classes by their names: caption templates, their mean embedding, zero-shot scores.
#pragma once

#include <string>
#include <vector>

#include "noisescope/clip/clip_model.h"

namespace noisescope::run {

/// The seven templates that OpenAI selected on ImageNet (CLIP's notebook "Prompt Engineering for
/// ImageNet").
const std::vector<std::string>& usual_templates();

/// [K, E] of unit norm: the mean over `templates` of the unit embeddings of each class's captions
/// (Radford et al. 2021, arXiv:2103.00020, 3.1.4). Throws ValueError for a template without one {}.
Tensor class_embeddings(const ClipModel& model, const std::vector<std::string>& classes,
                        const std::vector<std::string>& templates);

/// Unit embeddings of any number of texts, in batches: [N, E] on the CPU.
Tensor embed_texts(const ClipModel& model, const std::vector<std::string>& texts, int64_t batch_size = 64);

/// Softmax over classes of logit_scale times the cosines: [B, K], rows sum to 1.
Tensor class_probabilities(const ClipModel& model, const Tensor& images, const Tensor& classes);

}  // namespace noisescope::run
