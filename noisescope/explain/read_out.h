// Words over a trajectory: its clean estimates x0-hat, read by a reader of pictures (CLIP) over a
// vocabulary, against trajectories that had no reason to show the words.
//
// A score alone says nothing: a reader prefers some words for every picture, and a word may be common
// without any prompt. So G trajectories of one prompt (several seeds) are held against R null ones,
// without prompt or with the prompts of others (permuted). In each cell (step, word)
//   z = (mean over the G - mean of all G + R) / its standard deviation under relabelling,
// and p compares z with the largest z of all cells when the G labels are dealt out anew (max T:
// Westfall & Young 1993). With p <= level shown, the chance that a null trajectory shows any word at any step
// is <= level. Several kinds of null trajectories: a word must stand out of each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/random.h"
#include "noisescope/diffusion/sampler.h"
#include "noisescope/model/word_reader.h"

namespace noisescope::explain {

class AnswerDescriber;

/// An observer that reads the estimate of each step; one evaluation of the reader a step and picture.
/// One trace for one trajectory of a batch; it must outlive the observer.
class WordTrace {
 public:
  explicit WordTrace(WordReader reader) : reader_(std::move(reader)) {}

  SamplerObserver observer();
  /// [S, B, V] float64. Throws ValueError before the first step.
  Tensor scores() const;

 private:
  WordReader reader_;
  std::vector<std::vector<Tensor>> steps_;  // by step, then by pass
};

struct ReadOutOptions {
  double level = 0.05;  // of a false word anywhere in a trajectory
  int64_t permutations = 999;
  double resolution = 1e-9;  // scores closer than this are equal
};
void describe(Describer& d, ReadOutOptions& options);

struct NullTrajectories {
  std::string name;  // "no prompt", "permuted prompts"
  Tensor scores;     // [S, R, V]: their seeds must not be those of the trajectories that are read
};

/// S steps, V words, Q kinds of null trajectories; float64 on the CPU.
struct ReadOut {
  std::vector<std::string> nulls;  // [Q]
  Tensor z;                        // [Q, S, V]: null value 0, variance 1
  Tensor difference;               // [Q, S, V]: mean score of the trajectories - that of the null ones
  Tensor half_width;               // [Q, S, V]: difference +- half_width is its 95 % interval (normal)
  Tensor p;                        // [S, V]: corrected over steps and words, the largest of the Q
  Tensor shown;                    // [S, V] bool: p <= level

  /// First step from which a word stays shown to the end, [V] int64; S where it is not shown at the end.
  Tensor first_step() const;
};

/// scores [S, G, V]: of G >= 1 trajectories of one prompt. The smallest possible p is that of the number of ways
/// to choose G of G + R: at least 1 / level of them are needed (ValueError).
/// Throws ShapeError where trajectories differ in steps or words, NumericError for scores that are not finite.
ReadOut read_out(const Tensor& scores, const std::vector<NullTrajectories>& nulls, const ReadOutOptions& options,
                 const Random& random);

void describe(AnswerDescriber& d, const ReadOut& answer);

/// Trajectories without prompt (and, on a world, under other prompts) to hold those of the prompt against.
struct ReadOutQuestion {
  int64_t null_trajectories = 48;  // of each kind, at least 19: then a single one can reach p = 1 / 20
  ReadOutOptions options;
};
void describe(Describer& d, ReadOutQuestion& question);

/// The words of the prompt and their alternatives, each once.
struct Vocabulary {
  std::vector<std::string> texts;
  std::vector<bool> said;  // by the prompt
};

struct WordsShown {
  Vocabulary vocabulary;
  std::vector<double> log_snrs;  // [S]
  ReadOut found;
};
void describe(AnswerDescriber& d, const WordsShown& answer);

}  // namespace noisescope::explain
