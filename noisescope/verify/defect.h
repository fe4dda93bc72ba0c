// Planted defects: proof that `noisescope verify` can fail. Each gets in through a public seam: it changes what
// a check hands to a method (the denoiser, the conditions, the options, the noise) or shows to an observer, and
// never anything inside a method.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "noisescope/explain/decision_windows.h"
#include "noisescope/explain/evidence.h"
#include "noisescope/explain/guidance_windows.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/metric/randomisation.h"
#include "noisescope/explain/read_out.h"
#include "noisescope/model/model.h"

namespace noisescope::verify {

/// What a defect makes of a value; empty: it leaves it alone.
template <class T>
using Seam = std::function<T(T)>;

/// Conditions of prompts [B, D] and of their references [R, B, D].
struct PromptPair {
  Tensor condition, references;
};

/// Windows of a run, and the noise levels of its steps.
struct WindowsOfSteps {
  LogSnrWindows windows;
  std::vector<double> sigmas;
};

/// Null runs of a read-out; `prompted` draws as many with the prompt that is read.
struct NullTrajectoriesOfPrompt {
  std::vector<NullTrajectories> runs;
  std::function<Tensor()> prompted;
};

/// As filter_noising_paths and attribute_grid.
using PathFilter = std::function<Evidence(const Denoiser&, const PictureBatch&, const Contrast&, const EvidenceOptions&,
                                          const Control&)>;
using GridOfPictures =
    std::function<Tensor(const Trajectory&, const ScorePictures&, const Tensor& conditions, const Control&)>;

/// Where defects get in. A check passes what it is about to hand on through the seam of that kind
/// (VerifyContext::seen).
struct Seams {
  Seam<Model> model;  // that is asked
  Seam<PromptPair> prompts;
  Seam<Contrast> contrast;
  Seam<GuidanceOptions> guidance;  // of a sampling run
  Seam<NoiseSource> noise;         // of a sampling run
  Seam<WindowsOfSteps> windows;
  Seam<SamplerObserver> observer;
  Seam<PathFilter> filter;
  Seam<GridOfPictures> grid;
  Seam<NullTrajectoriesOfPrompt> null_trajectories;
  Seam<EditFriendlyInversion> inversion;
  Seam<DecisionWindows> decided;
  Seam<MapsOfNetwork> maps_of_network;
  Seam<Tensor> pictures;  // [B, C, H, W]
  Seam<Tensor> map;       // [B, ...]
  Seam<Tensor> masks;     // [B, H, W] bool
};

struct Defect {
  std::string name;
  std::string what;                 // in a sentence
  std::string check;                // the id of the check that it is planted in
  std::vector<std::string> falls;   // beginnings of figures: some row of each must fall
  std::vector<std::string> spares;  // beginnings of figures that it does not concern: they must hold
  Seams seams;
};

const std::vector<Defect>& defects();

/// Throws ValueError that names the nearest, unless there is such a defect.
const Defect& find_defect(const std::string& name);

}  // namespace noisescope::verify
