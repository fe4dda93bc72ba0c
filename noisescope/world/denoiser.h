// The exact denoiser of the two-object world: D(x, sigma, condition) = E[x_0 | x, condition] in
// closed form by enumeration over scenes, with the posteriors and likelihoods that come with it.
//
// Given the pair of attributes and the background, the positions of both objects are independent
// and uniform, so a sum over scenes factorises: with a template T of one half,
//   log p(half | attribute, background) = logsumexp_position(-|half - T|^2 / (2 sigma^2)) + const
// and only (left attribute, right attribute, background) is enumerated jointly. All sums are in
// float64; every log-weight is finite or -inf, so any sigma in [1e-3, 1e3] is safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "noisescope/diffusion/denoiser.h"
#include "noisescope/world/grammar.h"
#include "noisescope/world/templates.h"
#include "noisescope/world/world.h"

namespace noisescope::world {

/// p(factors | x, condition), float64. A = attributes, G = backgrounds, P = positions.
struct WorldPosterior {
  Tensor scenes;          // [B, A, A, G]: left attribute, right attribute, background; sums to 1
  Tensor left_position;   // [B, P]
  Tensor right_position;  // [B, P]
};

/// Dimensions: B batch, A attributes, G backgrounds, R = A * A * G. A condition is a row of R
/// weights >= 0 over (left attribute, right attribute, background), flattened in this order; its
/// scale does not matter. Works on any floating x [B, 3, 32, 32] with sigma [B] > 0 on the device of
/// construction; everything is differentiable in x. Copies share their tables.
class WorldDenoiser {
 public:
  explicit WorldDenoiser(const World& world, torch::Device device = torch::kCPU);

  /// E[x_0 | x, condition], dtype of x.
  Tensor denoise(const Tensor& x, const Tensor& sigma, const Tensor& condition) const;
  /// The same as a function, to hand to samplers and explainers.
  Denoiser denoiser() const;

  /// R, the length of a condition.
  int64_t condition_size() const;
  /// The unconditional prior: all scenes of the set alike. [R] float32.
  Tensor null_condition(SceneSet set = SceneSet::all) const;
  /// All scenes (of the set) of which the caption is true alike: [R] float32. For captions with
  /// dropped words this conditions on their truth, not on their having been said.
  Tensor condition_of(const CaptionMeaning& meaning, SceneSet set = SceneSet::all) const;
  /// [captions, R]; throws as WorldGrammar::parse does.
  Tensor condition_of(const std::vector<std::string>& captions, SceneSet set = SceneSet::all) const;

  WorldPosterior posterior(const Tensor& x, const Tensor& sigma, const Tensor& condition) const;
  /// p(factor | x, condition): [B, values of the factor] float64, rows sum to 1.
  Tensor posterior(const Tensor& x, const Tensor& sigma, const Tensor& condition, SceneFactor factor) const;

  /// log p(x | condition) at noise level sigma, in nats: [B] float64.
  Tensor log_density(const Tensor& x, const Tensor& sigma, const Tensor& condition) const;

  /// log p(x | conditions[k]) - log p(x | reference) in nats: [B, K] float64. With captions and the
  /// null condition this is the pointwise mutual information of picture and caption.
  ///   conditions [K, R], reference [R]
  Tensor log_likelihood_ratio(const Tensor& x, const Tensor& sigma, const Tensor& conditions,
                              const Tensor& reference) const;

  /// p(caption_k is true | x, condition): [B, K] float64. Over captions of which exactly one is true
  /// of any scene (the full captions) rows sum to 1.
  Tensor caption_posterior(const Tensor& x, const Tensor& sigma, const Tensor& condition,
                           const std::vector<CaptionMeaning>& captions) const;

  const World& world() const;
  const WorldGrammar& grammar() const;

 private:
  struct Tables;
  std::shared_ptr<const Tables> tables_;
};

}  // namespace noisescope::world
