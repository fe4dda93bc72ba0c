// Branches as a page makes them: drawn, changed, named, deleted.
#pragma once

#include "noisescope/studio/studio.h"

namespace noisescope::studio {

/// A first branch, drawn as soon as its turn comes; the branch as JSON. Throws ValueError, NotNow.
Json draw(Studio& studio, const Json& body);
/// A child of a finished branch. Throws NotThere, ValueError, NotNow where the parent is not drawn yet.
Json change(Studio& studio, int64_t parent, const Json& body);
Json rename(Studio& studio, int64_t branch, const Json& body);
/// {"deleted": [ids]}: with its children, their jobs cancelled.
Json remove(Studio& studio, int64_t branch);

Json branch_json(const Studio& studio, const Branch& branch);
Json branches_json(const Studio& studio);

}  // namespace noisescope::studio
