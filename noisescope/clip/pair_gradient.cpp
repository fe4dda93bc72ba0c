#include "noisescope/clip/pair_gradient.h"

#include <torch/csrc/autograd/autograd.h>

#include "noisescope/clip/contrastive.h"
#include "noisescope/core/device.h"
#include "noisescope/nn/optimizer.h"

namespace noisescope::clip {
namespace {

Tensor accuracy_of(const Tensor& image, const Tensor& text, const Tensor& positives) {
  const torch::NoGradGuard no_grad;
  const Tensor best = at::matmul(image, text.t()).argmax(1, true);
  const Tensor is_true = to_device(positives, image.device()).gather(1, best);
  return is_true.to(torch::kBool).to(torch::kFloat32).mean();
}

/// The one time that a step waits for the device.
PairLoss read_loss(const Tensor& loss, const Tensor& accuracy) {
  const Tensor read = torch::stack({loss.detach(), accuracy}).to(torch::kCPU);
  return {read[0].item<double>(), read[1].item<double>()};
}

std::vector<Tensor> trained(const ClipModel& model) {
  std::vector<Tensor> parameters;
  for (const auto& entry : trainable_parameters(model.module())) parameters.push_back(entry.second);
  return parameters;
}

/// Embeddings of a process's blocks: with their graphs, for the way back.
struct Encoded {
  Tensor image, text;  // of one block; text is undefined where there are fewer captions than blocks
};

/// The rows of all blocks, in order, from those of the own ones.
Tensor rows_of_all(Group& group, int64_t rows, int64_t blocks, const std::vector<Tensor>& own) {
  std::vector<int64_t> counts;
  for (int64_t rank = 0; rank < group.size(); ++rank) {
    const Stretch share = share_of(blocks, rank, group.size());
    counts.push_back(share_of(rows, share.end - 1, blocks).end - share_of(rows, share.first, blocks).first);
  }
  return gather_rows(group, torch::cat(own).detach(), counts);
}

}  // namespace

PairGradient::PairGradient(const ClipModel& model, std::shared_ptr<Group> group, int64_t blocks)
    : model_(model), group_(std::move(group)), blocks_(blocks), gradients_(group_, trained(model), blocks) {}

PairLoss PairGradient::operator()(const PairBatch& batch) { return blocks_ == 1 ? in_one(batch) : in_blocks(batch); }

PairLoss PairGradient::in_one(const PairBatch& batch) {
  gradients_.begin_part(0);
  const Tensor image = model_.encode_image(batch.images);
  const Tensor text = model_.encode_tokens(batch.ids).index_select(0, to_device(batch.index, model_.device()));
  const Tensor loss = contrastive_loss(image, text, batch.positives, model_.logit_scale());
  loss.backward();
  return read_loss(loss, accuracy_of(image, text, batch.positives));
}

PairLoss PairGradient::in_blocks(const PairBatch& batch) {
  const int64_t images = batch.images.size(0), captions = batch.ids.size(0);
  const Stretch own = gradients_.own();
  std::vector<Encoded> encoded;
  std::vector<Tensor> own_images, own_texts;
  for (int64_t block = own.first; block < own.end; ++block) {
    const Stretch rows = share_of(images, block, blocks_), texts = share_of(captions, block, blocks_);
    encoded.push_back({model_.encode_image(batch.images.slice(0, rows.first, rows.end)), {}});
    own_images.push_back(encoded.back().image);
    if (texts.count() > 0) encoded.back().text = model_.encode_tokens(batch.ids.slice(0, texts.first, texts.end));
    own_texts.push_back(texts.count() > 0 ? encoded.back().text : own_images.back().slice(0, 0, 0));
  }

  // The loss of all pairs, by every process for itself.
  const Tensor image = to_device(rows_of_all(*group_, images, blocks_, own_images), model_.device()).requires_grad_();
  const Tensor text = to_device(rows_of_all(*group_, captions, blocks_, own_texts), model_.device()).requires_grad_();
  const Tensor scale = model_.logit_scale().detach().requires_grad_();
  const Tensor said = text.index_select(0, to_device(batch.index, model_.device()));
  const Tensor loss = contrastive_loss(image, said, batch.positives, scale);
  loss.backward();

  for (int64_t block = own.first; block < own.end; ++block) {
    const Stretch rows = share_of(images, block, blocks_), texts = share_of(captions, block, blocks_);
    const Encoded& there = encoded[static_cast<size_t>(block - own.first)];
    std::vector<Tensor> outputs = {there.image}, gradients = {image.grad().slice(0, rows.first, rows.end)};
    if (there.text.defined()) {
      outputs.push_back(there.text);
      gradients.push_back(text.grad().slice(0, texts.first, texts.end));
    }
    if (block == 0) {  // the scale belongs to no block: it goes with the first
      outputs.push_back(model_.logit_scale());
      gradients.push_back(scale.grad());
    }
    gradients_.begin_part(block);
    torch::autograd::backward(outputs, gradients);
    gradients_.end_part();
  }
  gradients_.finish();
  return read_loss(loss, accuracy_of(image, said, batch.positives));
}

}  // namespace noisescope::clip
