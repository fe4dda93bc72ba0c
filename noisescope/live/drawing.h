// Pictures of one prompt drawn step by step, their steps kept, and drawn again with one thing changed: what
// diffusion/trajectory.h and the studio's changes do, on plain memory. Each advance() is one step, so that a page
// stays alive.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "noisescope/core/philox.h"
#include "noisescope/live/live_model.h"
#include "noisescope/live/solver.h"

namespace noisescope::live {

/// Noise levels, both ends included, at which guidance has a scale of its own.
struct GuidanceWindow {
  double log_snr_min = 0, log_snr_max = 0, scale = 1;
};

/// From step `from` on the solver's noise has this seed.
struct StepSeed {
  int64_t from = 0;
  uint64_t seed = 0;
};

/// What B pictures are drawn from; picture k has noise (seed, k).
struct DrawingPlan {
  SamplingSettings sample;
  Floats condition, null_condition;  // [D]
  uint64_t seed = 0;
  int64_t pictures = 1;
  std::vector<GuidanceWindow> windows = {};  // the last one that holds a level counts
  std::vector<StepSeed> step_seeds = {};     // rising; before the first, `seed`
};

/// Estimates of the clean pictures, [B, C, H, W].
struct LivePrediction {
  Floats denoised, conditional, unconditional;
};

struct DrawnStep {
  double sigma = 0;
  Floats x;  // [B, C, H, W]
  LivePrediction prediction;
};

/// Pixels [x, x + width) x [y, y + height).
struct PixelBox {
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// What is different from state `step` on.
struct DrawingChange {
  struct Noise {
    PixelBox box;
    uint64_t seed = 0;
  };
  struct Move {
    PixelBox box;
    int64_t x = 0, y = 0;
  };
  struct Swap {
    PixelBox box;
    int64_t picture = 0, of = 0;
  };
  int64_t step = 0;
  std::optional<Floats> condition = {};
  std::optional<double> scale = {};  // of guidance, in place of its windows
  std::optional<GuidanceWindow> window = {};
  std::optional<Noise> noise = {};
  std::optional<Move> move = {};
  std::optional<Swap> swap = {};
  std::optional<uint64_t> remaining_seed = {}, turn_seed = {};
};

/// Guided estimates of B pictures at one noise level, both branches in one batch.
LivePrediction guided(const LiveModel& model, const DrawingPlan& plan, const Floats& x, double sigma);

class Drawing {
 public:
  /// `model` must outlive it. Throws ValueError for settings that define no run.
  Drawing(const LiveModel& model, DrawingPlan plan);

  /// One step; whether more are to be done. Throws NumericError where x leaves the finite numbers.
  bool advance();
  bool is_done() const { return done() == count(); }
  int64_t done() const { return static_cast<int64_t>(steps_.size()); }
  int64_t count() const { return static_cast<int64_t>(sigmas_.size()) - 1; }

  const std::vector<double>& sigmas() const { return sigmas_; }
  /// Of those that are done.
  const DrawnStep& step(int64_t index) const { return *steps_[static_cast<size_t>(index)]; }
  const DrawingPlan& plan() const { return plan_; }
  /// [B, C, H, W] when it is done.
  const Floats& pictures() const { return x_; }

  /// To be advanced; the steps before change.step are this one's. Throws ValueError for a change that does not fit.
  Drawing changed(const DrawingChange& change) const;

 private:
  Floats normal(Purpose purpose, uint64_t seed, int64_t step) const;
  Floats changed_x(const DrawingChange& change) const;
  Floats with_noise(const DrawnStep& step, const DrawingChange::Noise& noise, int64_t index) const;
  uint64_t seed_at(int64_t step) const;
  void check_change(const DrawingChange& change) const;

  const LiveModel* model_;
  DrawingPlan plan_;
  std::vector<double> sigmas_;
  LiveSolverRun solver_;
  int64_t first_ = 0;  // step that the solver began with
  Floats first_x_;     // x of step 0 as the solver was given it
  Floats x_;
  std::vector<std::shared_ptr<const DrawnStep>> steps_;  // those before the first own one are shared with the parent
};

}  // namespace noisescope::live
