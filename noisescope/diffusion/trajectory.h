// One sampling run of B pictures: what it starts from, how it is sampled, its steps, and the one way to
// sample it again with a change. Everything that explains a run takes this.
//
// A trajectory is drawn (its steps are computed when they are first asked for, and kept), or recorded: read
// from a file or found by inversion. Copies share their steps.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "noisescope/diffusion/trajectory_recorder.h"

namespace noisescope::diffusion {

/// Noise levels, both ends included, at which guidance has a scale of its own.
struct ScaleWindow {
  double log_snr_min = 0, log_snr_max = 0;
  double scale = 1;

  bool holds(double log_snr) const { return log_snr_min <= log_snr && log_snr <= log_snr_max; }
};

/// How pictures are sampled: everything of a trajectory but prompts and noise.
struct Sampling {
  Denoiser denoiser;
  std::vector<double> sigmas;  // [S + 1], as for run_sampler
  SamplerOptions sampler;
  GuidanceOptions guidance;
  int64_t pass_size = 128;                // pictures sampled at a time
  std::vector<ScaleWindow> windows = {};  // of guidance.scale; the last one that holds a level counts

  int64_t steps() const { return static_cast<int64_t>(sigmas.size()) - 1; }
  /// Evaluations of a step and picture: 2 where guidance mixes both branches.
  int64_t branches() const { return guidance.scale == 1 && windows.empty() ? 1 : 2; }
  /// Evaluations of a branch, step and picture, at most: Heun's corrector looks again.
  int64_t stages() const { return sampler.solver == Solver::heun ? 2 : 1; }
  /// Evaluations of a run and picture, at most.
  int64_t evaluations() const { return steps() * branches() * stages(); }
};

/// What B pictures start from; row b of everything belongs to picture b.
struct TrajectoryStart {
  Tensor condition;       // [B, D]
  Tensor null_condition;  // [B, D], or [1, D] for all
  Tensor initial;         // [B, C, H, W]: x_T in units of its deviation
  NoiseSource noise;      // of the solver's steps
};

/// A box of pixels of x_k, all channels, whose noise is drawn anew: x_k becomes D_k + sigma_k eps there,
/// with the estimate D_k of the trajectory and eps of picture b by (random, Purpose::explain, k, sample id).
struct NoiseBlock {
  int64_t top = 0, left = 0, height = 0, width = 0;  // pixels
  Random random{0};
};

/// What is different when a trajectory is sampled again, from step `step` on; the default changes nothing. All else is
/// the same: the noise, and the step before that solvers which look back (dpmpp_2m) remember.
struct Change {
  int64_t step = 0;                                   // in [0, S); above 0 x starts from the trajectory's own
  Tensor condition = {};                              // [B, D]
  std::optional<double> scale = {};                   // of guidance, in place of its windows
  std::optional<ScaleWindow> window = {};             // one more window of guidance
  std::function<bool(double log_snr)> prompted = {};  // the prompt is heard only at these noise levels
  Tensor initial = {};                                // [B, C, H, W], with step 0
  Tensor x = {};                                      // [B, C, H, W]: in place of the trajectory's own at `step`
  std::optional<NoiseSource> noise = {};              // of the steps, all of it
  std::optional<Random> remaining_noise = {};         // of the steps that remain, drawn by this
  std::optional<NoiseBlock> block = {};
};

/// Whether the steps of a sampler add noise.
bool injects_noise(const SamplerOptions& options);

class Trajectory {
 public:
  /// To be drawn. Throws ShapeError for a start whose rows do not fit, ValueError for unusable sigmas.
  Trajectory(Sampling sampling, TrajectoryStart start);
  /// Recorded: `steps` [S] of one batch with x and estimates. `remainder` [B, C, H, W] is added to what the
  /// last step gives (explain/inversion.h). Throws ValueError for steps that are not one whole run.
  Trajectory(Sampling sampling, TrajectoryStart start, std::vector<SamplerStep> steps, Tensor remainder = {});

  int64_t count() const { return start_.condition.size(0); }  // B
  const Sampling& sampling() const { return sampling_; }
  const Tensor& condition() const { return start_.condition; }            // [B, D]
  const Tensor& null_condition() const { return start_.null_condition; }  // [B, D]
  const Tensor& initial() const { return start_.initial; }                // [B, C, H, W]
  const NoiseSource& noise() const { return start_.noise; }
  torch::IntArrayRef image_shape() const { return start_.initial.sizes().slice(1); }
  const Tensor& remainder() const { return remainder_; }  // undefined where it was not recorded

  /// The steps, on the CPU, with both branches wherever they could be evaluated. Sampled in one batch at the
  /// first call: cost S evaluations of both branches a picture. Throws ValueError if they would take more
  /// than RecorderOptions::max_bytes, and as run_sampler does.
  const std::vector<SamplerStep>& steps(const Control& control = {}) const;
  /// [B, C, H, W]: where the steps end, on the device of the start. Throws ValueError where estimates were not
  /// recorded.
  Tensor pictures(const Control& control = {}) const;
  /// Whether both branches are known at every step.
  bool has_both_branches() const;

  /// The pictures [B, C, H, W] that the same noise gives with a change, on the device of the start; the
  /// observer sees every step of passes of at most pass_size pictures. Cost: S - step steps a picture. Throws
  /// ValueError for a step or block that is not in it, ShapeError for what does not fit, NumericError for
  /// recorded steps that are not finite, Interrupted.
  Tensor redraw(const Change& change = {}, const SamplerObserver& observer = {}, const Control& control = {}) const;

  /// What redraw() goes through, as a trajectory of its own: the steps before change.step are this one's, the others
  /// are sampled in one batch, with both branches. It can be changed again. The observer sees its own steps, numbered
  /// as in the whole. Cost: S - step steps a picture in both branches. Throws as redraw() and steps() do, and
  /// ValueError for a change that a trajectory cannot hold (`prompted`, `noise` above step 0) and for an inverted one.
  Trajectory changed(const Change& change = {}, const SamplerObserver& observer = {},
                     const Control& control = {}) const;

  /// These pictures of it, in this order, also several times; keeps their steps where they are known.
  Trajectory rows(const std::vector<int64_t>& rows) const;
  /// The prompts heard, guidance as it is sampled.
  Predictor predictor() const;
  /// The same with this guidance at all levels.
  Predictor predictor(const GuidanceOptions& guidance) const;
  /// The null condition alone.
  Predictor unprompted() const;

 private:
  struct Drawn {
    std::vector<SamplerStep> steps;
    Tensor pictures;
  };
  const Drawn& drawn(const Control& control) const;
  Tensor start_of(const Change& change) const;
  SamplerHistory history_of(const Change& change) const;
  Sampling sampling_of(const Change& change) const;

  Sampling sampling_;
  TrajectoryStart start_;
  Tensor remainder_;
  std::shared_ptr<std::optional<Drawn>> drawn_;  // shared by copies
};

/// The pictures of `a`, then those of `b`; both sampled alike. Their steps, drawn where they are not known yet; a
/// branch that either lacks is undefined. Throws ValueError for noise of two seeds, and for inverted trajectories.
Trajectory joined(const Trajectory& a, const Trajectory& b, const Control& control = {});

/// F numbers of each of B pictures, [B, F]: logits of an attribute, pixels, positions, ...
using ScorePictures = std::function<Tensor(const Tensor& pictures)>;

/// The noise of these rows of the batch.
NoiseSource rows_of(const NoiseSource& noise, const std::vector<int64_t>& rows);

}  // namespace noisescope::diffusion
