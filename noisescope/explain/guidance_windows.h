// At which noise levels does the prompt act? Runs that share all noise and use the prompt in some
// windows of log-SNR only, the prediction without prompt elsewhere; v(S) is what a picture drawn
// with the prompt in the windows S is worth.
//
//   knock-out   v(all) - v(all but W), the guidance interval (Kynkaanniemi et al. 2024,
//               arXiv:2404.07724) turned into an explanation; alone: v(W) - v(none)
//   Shapley     phi of the windows as players (shapley.h); sums to v(all) - v(none)
//
// Two values belong side by side. "The prompt is satisfied" rewards repainting: the last windows
// alone can paint what the prompt says over a finished picture. likeness_to_guided() does not.
//
// v is in its own unit; higher = the window matters more, 0 = it does not. Null value of both: 0.
#pragma once

#include <functional>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/diffusion/trajectory.h"
#include "noisescope/stats/shapley.h"

namespace noisescope::explain {

class AnswerDescriber;

/// K consecutive windows [edges[k], edges[k + 1]) of log-SNR, from noise to picture; what lies
/// beyond the outer edges belongs to the outer windows.
struct LogSnrWindows {
  std::vector<double> edges;  // [K + 1], strictly rising

  int64_t count() const { return static_cast<int64_t>(edges.size()) - 1; }
  int64_t window_of(double log_snr) const;
  /// [K + 1]: the first step of each window in a run down `sigmas` (as run_sampler takes them),
  /// then the number of steps. Throws ValueError for edges that do not rise and for a window
  /// without a step, by name.
  std::vector<int64_t> first_steps(const std::vector<double>& sigmas) const;
};

/// The run's log-SNR range in `count` equal windows. Inner edges are moved half way between the
/// steps beside them, so that rounding cannot put a step into the neighbour. Throws ValueError as
/// first_steps does.
LogSnrWindows equal_windows(const std::vector<double>& sigmas, int64_t count);

/// `with` inside the windows of `prompted` [K], `without` elsewhere; all samples of a call must be
/// at one noise level. An evaluation belongs to the window of its own level (of a Heun step's two,
/// too).
Predictor prompt_in_windows(Predictor with, Predictor without, LogSnrWindows windows, Coalition prompted);

/// Pictures drawn under the same noise with the prompt in some, all and no windows; [B, C, H, W].
struct WindowPictures {
  Tensor drawn;
  Tensor all;
  Tensor none;
};

/// What each of `drawn` is worth, [B].
using PictureValue = std::function<Tensor(const WindowPictures& pictures)>;

/// 1 - |drawn - all|^2 / |none - all|^2, [B] float64 in (-inf, 1]: the share of what the prompt did
/// to this very picture that is there. 1 = the guided picture itself, 0 = as far from it as the
/// picture without prompt, below 0 farther. 0 where the prompt does nothing (all = none).
Tensor likeness_to_guided(const WindowPictures& pictures);

/// B pictures, P = K - width + 1 places of the sliding window; float64 on the CPU.
struct KnockOut {
  Tensor effect;  // [B, P]: v(all) - v(all but windows p .. p + width - 1)
  Tensor alone;   // [B, P]: v(windows p .. p + width - 1) - v(none)
};

/// The coalitions that knock_out reads. Throws ValueError unless 1 <= width <= windows.
std::vector<Coalition> knock_out_coalitions(int64_t windows, int64_t width);
KnockOut knock_out(const CoalitionValues& values, int64_t width);

/// v of each coalition, and of all and none; one CoalitionValues a value function. Coalitions are
/// drawn as neighbours, and a run goes on from where it parts from the one before (ddpm, ddim,
/// euler; a heun or dpmpp run starts anew, since its steps reach into their neighbours). Throws
/// ValueError for coalitions that do not fit, ShapeError for values that are not [B], NumericError
/// for values that are not finite, Interrupted on request.
std::vector<CoalitionValues> play_windows(const Trajectory& trajectory, const LogSnrWindows& windows,
                                          const std::vector<Coalition>& coalitions,
                                          const std::vector<PictureValue>& values, const Control& control = {});

struct GuidanceWindowOptions {
  int64_t windows = 5;          // K, at most the steps
  int64_t knock_out_width = 1;  // of the sliding window, in windows
  int64_t orders = 0;           // sampled orders of the windows; 0: exact, K <= kExactPlayers
};
void describe(Describer& d, GuidanceWindowOptions& options);

/// Predictions a picture.
struct WindowCost {
  int64_t with_prompt = 0;
  int64_t without_prompt = 0;

  /// `guided`: a prediction with prompt takes both branches (scale other than 1).
  int64_t evaluations(int64_t pictures, bool guided) const {
    return pictures * ((guided ? 2 : 1) * with_prompt + without_prompt);
  }
};

/// What attribute_to_windows will take: by the same walk, with predictors that only count. With N
/// steps in K equal windows, exact, and runs that go on: at most N (2^(K + 1) - 2) / K + 2 N
/// predictions.
WindowCost window_cost(const GuidanceWindowOptions& options, const std::vector<double>& sigmas,
                       const SamplerOptions& sampler, const Random& random);

struct WindowAttribution {
  LogSnrWindows windows;
  KnockOut knock_out;
  ShapleyValues shapley;
};

/// Knock-out and Shapley values over equal windows, one attribution a value function. `random`
/// draws the orders. Throws ValueError for options out of range, else as play_windows does.
std::vector<WindowAttribution> attribute_to_windows(const Trajectory& trajectory,
                                                    const std::vector<PictureValue>& values,
                                                    const GuidanceWindowOptions& options, const Random& random,
                                                    const Control& control = {});

void describe(AnswerDescriber& d, const WindowAttribution& answer);

struct GuidanceWindowsQuestion {
  int64_t pictures = 6;  // of the trajectory, at most
  GuidanceWindowOptions options;
};
void describe(Describer& d, GuidanceWindowsQuestion& question);

}  // namespace noisescope::explain
