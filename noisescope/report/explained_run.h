// The sampling run that an explanation stands on: drawn for its prompt, read from a record, or
// found by inversion of a picture from elsewhere.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "noisescope/explain/rewind.h"
#include "noisescope/model/run_record.h"
#include "noisescope/run/run_config.h"

namespace noisescope {

enum class RunOrigin { drawn, recorded, inverted };

constexpr std::array<std::pair<RunOrigin, const char*>, 3> enum_names(RunOrigin) {
  return {{{RunOrigin::drawn, "drawn"},
           {RunOrigin::recorded, "recorded"},
           {RunOrigin::inverted, "inverted"}}};
}

/// One prompt, B runs of it, of which the first is the one explained. An inverted run is B runs, of
/// noise of their own, that all end in the one picture.
struct ExplainedRun {
  RunOrigin origin = RunOrigin::drawn;
  std::string prompt;
  int64_t added = 0;               // of the B: drawn beside a record of a single one, for intervals
  Tensor pictures;                 // [B, 3, S, S] on the CPU
  std::vector<SamplerStep> steps;  // on the CPU; a branch that was not recorded is undefined
  std::vector<double> sigmas;      // with the closing 0
  SamplingOptions sample;                // sampler, guidance and levels of the run
  NoiseSource noise;               // of its steps
  Tensor null_condition;           // [D]: "no prompt", or the negative prompt
  Tensor remainder = {};           // inverted: [B, 3, S, S], what the last step adds

  int64_t count() const { return pictures.size(0); }
  /// Whether both branches are known at every step.
  bool has_both_branches() const;
  /// x_T in units of its deviation of the first `count` runs, [count, 3, S, S].
  Tensor initial(int64_t count) const;
};

/// Whether the steps of a sampler add noise.
bool injects_noise(const SamplerOptions& options);

/// Draws `count` pictures of a prompt in one batch; both branches at every step.
ExplainedRun draw_run(const TextToImage& model, const RunConfig& config, const std::string& prompt,
                      int64_t count, uint64_t seed, const Control& control);

/// Picture `picture` of a record and the others of its prompt, the one asked for first; where it is
/// the only one, `count` - 1 further ones are drawn as it was. Levels between [0, B) of the record.
/// Throws ValueError for a picture out of range or one drawn from a picture; ShapeError for
/// pictures of another size than the model's; ModelError for a record of other weights, without x
/// or denoised, or with settings that cannot be read; NumericError for one that is not finite.
ExplainedRun recorded_run(const TextToImage& model, const RunConfig& config,
                          const RunRecord& record, int64_t picture, int64_t count, const Control& control);

/// Throws ShapeError unless `picture` is [3, S, S], the size that the model draws.
void check_picture(const TextToImage& model, const Tensor& picture);

/// `count` runs that end in `picture` [3, S, S], by edit-friendly inversion (explain/inversion.h)
/// with the levels and guidance of the configuration, estimates not clipped. Cost: 2 x count
/// evaluations a step. Throws as check_picture does.
ExplainedRun inverted_run(const TextToImage& model, const RunConfig& config,
                          const std::string& prompt, const Tensor& picture, int64_t count, uint64_t seed,
                          const Control& control);

/// The run as rewind takes it, on the model's device.
RecordedRun rewindable(const TextToImage& model, const ExplainedRun& run);

/// The same noise under another prompt: pictures [B, 3, S, S] on the CPU. Cost: as drawing B
/// pictures.
Tensor draw_again(const TextToImage& model, const ExplainedRun& run, const std::string& prompt,
                  const Control& control);

}  // namespace noisescope
