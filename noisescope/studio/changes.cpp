#include "noisescope/studio/changes.h"

#include <algorithm>
#include <iterator>
#include <sstream>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::studio {
namespace {

Tensor inside(const Tensor& values, const Box& box) {
  return values.narrow(-2, box.y, box.height).narrow(-1, box.x, box.width);
}

/// bool [H, W] of the shape of `values`: true in the box.
Tensor mask_of(const Tensor& values, const Box& box) {
  Tensor mask = torch::zeros({values.size(-2), values.size(-1)}, torch::kBool);
  inside(mask, box).fill_(true);
  return mask;
}

std::string box_text(const Box& box) {
  return format_text("{} x {} px at ({}, {})", box.width, box.height, box.x, box.y);
}

std::vector<std::string> words_in(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// "red -> green": where two prompts differ, without the words that they share at both ends.
std::string word_change(const std::string& before, const std::string& after) {
  std::vector<std::string> a = words_in(before), b = words_in(after);
  const auto first = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  a.erase(a.begin(), first.first);
  b.erase(b.begin(), first.second);
  const auto last = std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend());
  a.erase(last.first.base(), a.end());
  b.erase(last.second.base(), b.end());
  return in_quotes(join(a, " ")) + " -> " + in_quotes(join(b, " "));
}

/// The estimate at a step, 0 at the first: its x is noise as good as alone.
Tensor clean_part(const SamplerStep& step) {
  return step.index == 0 ? torch::zeros_like(step.x) : step.prediction.denoised;
}

Tensor swapped(Tensor noise, const ChangeRequest::Swap& swap) {
  noise = noise.clone();
  const Tensor mine = inside(noise[swap.of], swap.box).clone();
  inside(noise[swap.of], swap.box).copy_(inside(noise[swap.picture], swap.box));
  inside(noise[swap.picture], swap.box).copy_(mine);
  return noise;
}

/// The pictures at the level of a step, each with noise of its own.
Tensor noised(const Trajectory& parent, const SamplerStep& step, uint64_t seed) {
  const Tensor pictures = parent.pictures().to(torch::kCPU);
  const Tensor noise = Random(seed).normal(Purpose::explain, static_cast<uint64_t>(step.index),
                                           parent.noise().sample_ids, pictures.sizes().slice(1));
  return pictures + step.sigma * noise;
}

Tensor changed_x(const ChangeRequest& request, const Trajectory& parent) {
  const SamplerStep& step = parent.steps()[static_cast<size_t>(request.step)];
  if (request.turn_seed) return noised(parent, step, *request.turn_seed);
  const Tensor clean = clean_part(step);
  const Tensor noise = step.x - clean;
  if (request.move) return clean + moved(noise, request.move->box, request.move->x, request.move->y);
  return clean + swapped(noise, request.swap.value_or(ChangeRequest::Swap{}));
}

}  // namespace

Tensor moved(const Tensor& values, const Box& box, int64_t x, int64_t y) {
  const Box target{x, y, box.width, box.height};
  const Tensor source_mask = mask_of(values, box), target_mask = mask_of(values, target);
  Tensor out = values.clone();
  inside(out, target).copy_(inside(values, box));
  const Tensor left = (source_mask & ~target_mask).flatten().nonzero().squeeze(1);
  const Tensor pushed = (target_mask & ~source_mask).flatten().nonzero().squeeze(1);
  out.flatten(-2).index_copy_(-1, left, values.flatten(-2).index_select(-1, pushed));
  return out;
}

Change change_of(const ChangeRequest& request, const Model& model, const Trajectory& parent) {
  Change change;
  change.step = request.step;
  if (request.prompt) change.condition = model.condition({*request.prompt}).expand({parent.count(), -1});
  if (request.window) {
    change.window = {(*request.window)[0], (*request.window)[1], request.guidance.value_or(1)};
  } else {
    change.scale = request.guidance;
  }
  if (request.noise) {
    const Box& box = request.noise->box;
    change.block = {box.y, box.x, box.height, box.width, Random(request.noise->seed)};
  }
  if (request.move || request.swap || request.turn_seed) change.x = changed_x(request, parent);
  if (request.remaining_seed) {
    if (!injects_noise(parent.sampling().sampler)) {
      throw ValueError("[studio] expected a solver that adds noise at its steps for other remaining noise, got " +
                       to_string(parent.sampling().sampler.solver) + "; draw with sampler.solver ddpm, say");
    }
    change.remaining_noise = Random(*request.remaining_seed);
  }
  return change;
}

std::string describe_change(const ChangeRequest& request, const std::string& prompt_before) {
  std::vector<std::string> parts;
  if (request.prompt) parts.push_back(word_change(prompt_before, *request.prompt));
  if (request.guidance) {
    std::string part = format_text("guidance {:.4g}", *request.guidance);
    if (request.window) part += format_text(" at log-SNR {:.2f} to {:.2f}", (*request.window)[0], (*request.window)[1]);
    parts.push_back(part);
  }
  if (request.noise)
    parts.push_back("new noise in " + box_text(request.noise->box) + format_text(", seed {}", request.noise->seed));
  if (request.move) {
    parts.push_back("noise of " + box_text(request.move->box) +
                    format_text(" to ({}, {})", request.move->x, request.move->y));
  }
  if (request.swap) {
    parts.push_back(format_text("noise of {} exchanged between pictures {} and {}", box_text(request.swap->box),
                                request.swap->of, request.swap->picture));
  }
  if (request.remaining_seed) parts.push_back(format_text("other remaining noise, seed {}", *request.remaining_seed));
  if (request.turn_seed) parts.push_back(format_text("U-turn, seed {}", *request.turn_seed));
  return join(parts) + format_text(" from step {}", request.step);
}

}  // namespace noisescope::studio
