// The two-object world as a data set: pictures are rendered when asked for, nothing is stored.
#pragma once

#include <string>
#include <vector>

#include "noisescope/data/dataset.h"
#include "noisescope/world/grammar.h"

namespace noisescope::data {

class WorldDataset : public Dataset {
 public:
  /// `size` scenes of the set, drawn from `seed`; sample i does not depend on `size`.
  /// Throws ValueError if size < 1 or the set is empty.
  WorldDataset(const World& world, int64_t size, uint64_t seed, SceneSet set = SceneSet::seen);

  std::string name() const override;
  int64_t size() const override { return size_; }
  int64_t image_size_px() const override { return kWorldImagePx; }
  Tensor images(const std::vector<int64_t>& indices) const override;
  const std::vector<std::string>& captions() const override { return grammar_.captions(); }

  /// Independent draws of the grammar, so that a uniform choice among them says each caption as
  /// often as the grammar does; a row may come several times. Empty for held-out scenes: nothing is
  /// said of them in training.
  std::vector<int64_t> captions_of(int64_t index) const override;

  /// By meaning: a partial caption is true of every scene that fits it.
  Tensor caption_is_true(const std::vector<int64_t>& indices, const std::vector<int64_t>& caption_rows) const override;

  bool flips_keep_captions() const override;
  std::string fingerprint() const override;

  /// What sample `index` shows: the ground truth.
  Scene scene(int64_t index) const;
  const WorldGrammar& grammar() const { return grammar_; }
  const World& world() const { return grammar_.world(); }

 private:
  WorldGrammar grammar_;
  int64_t size_;
  Random random_;
  SceneSet set_;
};

}  // namespace noisescope::data
