// What maps of a word that never heard the prompt would score, beside those that did.
#pragma once

#include "noisescope/verify/check.h"

namespace noisescope::verify {

/// Maps of a word of the left object.
struct WordMaps {
  std::string method, subject;
  std::string name;         // "colour map": how figures begin
  const SceneBatch& batch;  // B scenes; the objects lie where their pictures show them
  Tensor map;               // [B, H, W]
};

/// Bars of the two figures of word_map_rows.
struct WordMapBars {
  double over_other = 0, over_blind = 0;
};

/// The largest AUC against masks [B, H, W] of two maps that know the pictures [B, C, H, W] alone: their edges, and
/// their distance from the background (the colour of the first pixel). [B] float64.
Tensor best_blind_auc(const Tensor& pictures, const Tensor& masks);

/// Whether the maps mark the named object rather than the other one (1/2 for a map that does not know which was named),
/// and by how much they find it better than the best blind map does.
VerifyRows word_map_rows(const WordMaps& maps, const WordMapBars& bars);

}  // namespace noisescope::verify
