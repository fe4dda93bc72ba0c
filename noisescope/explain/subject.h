// What is asked about: a model, pictures of one prompt as it draws them, the words of the prompt with their
// alternatives, and what reads factors off pictures. Every method of the table (method.h) takes it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/explain/evidence.h"
#include "noisescope/model/factors.h"
#include "noisescope/model/model.h"
#include "noisescope/model/trajectory_record.h"
#include "noisescope/model/word_contrasts.h"

namespace noisescope::explain {

enum class TrajectoryOrigin { drawn, recorded, inverted };

constexpr std::array<std::pair<TrajectoryOrigin, const char*>, 3> enum_names(TrajectoryOrigin) {
  return {{{TrajectoryOrigin::drawn, "drawn"},
           {TrajectoryOrigin::recorded, "recorded"},
           {TrajectoryOrigin::inverted, "inverted"}}};
}

/// What a subject is made of.
struct SubjectRequest {
  std::string prompt;                           // "": that of the record
  std::vector<std::string> compared = {};       // further prompts, beside the first in guidance information
  std::vector<std::string> words = {};          // empty: all whose alternatives are known
  std::vector<std::string> alternatives = {};   // of the words; empty: the known ones
  std::vector<std::string> labels = {};         // factors where no parser reads the pictures
  Tensor picture = {};                          // [C, H, W] in [-1, 1]; undefined: of the record, or drawn
  std::optional<TrajectoryRecord> record = {};  // explained instead of a new trajectory ...
  int64_t recorded = 0;                         // ... and which of its pictures
  int64_t pictures = 16;                        // drawn for the prompt, the first is the one that is shown
  int64_t paths = 8;                            // noising paths of the picture, or trajectories by its inversion
  uint64_t seed = 0;
};

struct Subject {
  Model model;
  std::string prompt;
  std::vector<std::string> compared;
  TrajectoryOrigin origin = TrajectoryOrigin::drawn;
  SamplingOptions sample;                 // of the trajectory
  Trajectory trajectory;                  // B pictures of the prompt; an inverted one: B that end in the one picture
  Tensor picture;                         // [C, H, W] float32 on the CPU: the explained one
  std::vector<PromptContrast> contrasts;  // may be empty
  FactorReader factors;                   // may have none
  int64_t paths = 8;
  uint64_t seed = 0;
  int64_t added = 0;  // pictures drawn beside a record of a single one

  bool is_inverted() const { return origin == TrajectoryOrigin::inverted; }
  /// The language of the world that the pictures are of; nullptr: none.
  const WorldGrammar* grammar() const { return model.world ? &model.world->grammar() : nullptr; }
  /// Pictures that count as one each: those of an inversion are the same one.
  int64_t independent() const { return is_inverted() ? 1 : trajectory.count(); }
  /// The first `count` pictures, at most all, as a trajectory.
  Trajectory first(int64_t count) const;
  /// `count` new pictures of the prompt, as the trajectory was sampled, of the noise (seed, 0 ..).
  Trajectory fresh(int64_t count) const;
  /// New pictures of `prompts`, as the trajectory was sampled, of the noise (seed ^ stream, 0 ..).
  Trajectory fresh(const std::vector<std::string>& prompts, uint64_t stream = 0) const;
  /// The explained picture `count` times on the model's device, [count, C, H, W], to be noised.
  Tensor copies(int64_t count) const;
  /// Whose noise those take.
  PathNoise noise(int64_t count) const { return {Random(seed), sample_range(0, count)}; }
  PictureBatch batch(int64_t count) const { return {copies(count), noise(count)}; }
  /// The condition of the prompt, [count, D].
  Tensor condition(int64_t count) const { return model.condition({prompt}).expand({count, -1}); }
  /// The trajectory's "no prompt", [count, D].
  Tensor null_condition(int64_t count) const { return trajectory.null_condition().slice(0, 0, 1).expand({count, -1}); }
};

/// Reads the trajectory from the record, finds some that end in the picture, or draws it; refuses what cannot be
/// before anything is drawn. Throws ValueError for fewer than 2 pictures or paths, no prompt, a prompt that is
/// not that of the record, a record and a picture together, or words that are not there; and as
/// read_trajectory and inverted_trajectory do.
Subject make_subject(const Model& model, const SubjectRequest& request, const Control& control = {});

/// The pictures of a trajectory that was drawn of `prompt` with `sample`, which must have steps already;
/// `request.recorded` says which is explained and comes first. Only words, alternatives, labels, paths and seed of the
/// request count else. Evaluates nothing. Throws ValueError for words that are not there, or a picture that is not in
/// it.
Subject subject_of(const Model& model, const Trajectory& trajectory, const SamplingOptions& sample,
                   const std::string& prompt, const SubjectRequest& request);

/// For each word the reader's score of it less the mean of its alternatives', [B, words]: what a picture shows, as
/// numbers. Throws ValueError for a model that reads no pictures.
ScorePictures word_margins(const Subject& subject);

}  // namespace noisescope::explain
