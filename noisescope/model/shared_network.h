// A network whose evaluations are shared by several processes: one runs a command, the others evaluate for it.
#pragma once

#include "noisescope/model/text_to_image.h"
#include "noisescope/processes/group.h"

namespace noisescope::model {

/// Called by process 0: the same model, whose denoiser deals the rows of a batch to all processes, at least 16 to each
/// (fewer are computed by other kernels, whose results differ by rounding: 3e-6 was seen). The others get its weights
/// and must be in serve_evaluations. Evaluations that somebody taps or that need gradients stay here. With a group of
/// one: the model itself. Throws ProcessError.
TextToImage share_network(const TextToImage& model, const std::shared_ptr<Group>& group);

/// Called by the other processes: evaluates for process 0 until that calls end_evaluations. Needs no file of the run.
/// Throws ProcessError.
void serve_evaluations(Group& group, torch::Device device);

/// Called by process 0: the others may return.
void end_evaluations(Group& group);

}  // namespace noisescope::model
