// Methods of the table, asked of a branch.
#pragma once

#include <map>
#include <string>

#include "noisescope/model/model.h"
#include "noisescope/studio/branch.h"

namespace noisescope::studio {

/// What a method answered: JSON for the page, figures and arrays by file name.
struct Asked {
  Json json;
  std::map<std::string, std::string> files;
};

/// {"methods": [{id, obstacle, evaluations, seconds}]}: what the methods of a question would cost; evaluates nothing.
/// `seconds_per_evaluation` <= 0: not known, and seconds null. Throws ValueError for unknown methods, words or
/// settings.
Json costs_json(const Model& model, const Branch& branch, const Question& question, double seconds_per_evaluation);

/// The one method of the question. A first branch is given further pictures, drawn as it was, up to question.pictures,
/// so that there are intervals. Throws ValueError for no method or several, one that cannot be asked (saying why), and
/// as the method.
Asked ask(const Model& model, const Branch& branch, const Question& question, const Control& control);

}  // namespace noisescope::studio
