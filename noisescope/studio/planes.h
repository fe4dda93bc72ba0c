// What is looked at: the planes of one state of a branch as bytes, and as pictures.
#pragma once

#include <array>

#include "noisescope/io/image.h"
#include "noisescope/studio/branch.h"

namespace noisescope::studio {

struct PlaneKind {
  const char* id;
  const char* name;
  const char* help;
  bool is_signed;  // grey is 0
};

inline constexpr std::array<PlaneKind, 5> kPlanes = {{
    {"x", "noisy picture", "what the solver holds at this noise level, at the scale of the data", false},
    {"estimate", "clean estimate", "what the model expects the finished picture to be, guidance included", false},
    {"noise", "noise, with prompt", "what the model takes for noise when it hears the prompt", true},
    {"noise_unprompted", "noise, without prompt", "what it takes for noise without the prompt", true},
    {"difference", "what the prompt changes", "noise with prompt less noise without it", true},
}};

struct StateBytes {
  std::string bytes;                          // uint8 [plane][picture][y][x][RGB]
  std::array<double, kPlanes.size()> scales;  // what black and white stand for, +- of grey
};

/// Pictures [B, C, H, W], black to white standing for -scale to scale, behind each other as rows of RGB; one channel is
/// grey.
void append_rgb(std::string& bytes, const Tensor& pictures, double scale = 1);

/// State `k` of a branch. Throws NotThere where it is not drawn yet.
StateBytes state_bytes(const Branch& branch, int64_t k);

/// One plane of one picture, `times` enlarged. Throws NotThere for a plane, picture or state that there is not.
Image plane_image(const Branch& branch, int64_t k, const std::string& plane, int64_t picture, int64_t times = 8);

}  // namespace noisescope::studio
