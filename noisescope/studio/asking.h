// Questions about branches, each a job whose answer is fetched when it is done.
#pragma once

#include "noisescope/studio/studio.h"

namespace noisescope::studio {

/// {"job": id}. Throws NotThere, ValueError for what is wrong in the question, NotNow where the branch is not drawn
/// yet.
Json start_why(Studio& studio, int64_t branch, const Json& body);
Json start_sweep(Studio& studio, int64_t branch, const Json& body);
Json start_ask(Studio& studio, int64_t branch, const Json& body);
Json start_emergence(Studio& studio, const Json& body);

/// What the methods of a question would cost (ask.h).
Json costs(const Studio& studio, int64_t branch, const Json& body);

/// The answer of a job. Throw NotThere where it has none of this kind (any more), NotNow while it is at work.
std::shared_ptr<const Why> why_answer(const Studio& studio, int64_t job);
std::shared_ptr<const Sweep> sweep_answer(const Studio& studio, int64_t job);
std::shared_ptr<const Asked> asked_answer(const Studio& studio, int64_t job);
std::shared_ptr<const Json> emergence_answer(const Studio& studio, int64_t job);

}  // namespace noisescope::studio
