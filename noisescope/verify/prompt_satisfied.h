// "The prompt is satisfied" as a value of pictures of the two-object world.
#pragma once

#include "noisescope/explain/guidance_windows.h"
#include "noisescope/verify/scene_batch.h"

namespace noisescope::verify {

/// Whether the caption of each scene is true of the picture drawn for it, as the exact parser reads
/// it: [B] of 1 or 0; a picture that it rejects satisfies nothing.
PictureValue prompt_satisfied(const SceneBatch& batch);

}  // namespace noisescope::verify
