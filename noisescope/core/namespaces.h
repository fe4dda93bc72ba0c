// One namespace a module. They are inline: `noisescope::explain::u_turns` says where a name lives, and code of the
// house need not repeat it. Headers reach this file by whatever they include, and open `namespace noisescope::explain`.
#pragma once

namespace noisescope {
inline namespace clip {}
inline namespace data {}
inline namespace diffusion {}
inline namespace evaluate {}
inline namespace explain {}
inline namespace io {}
inline namespace live {}
inline namespace model {}
inline namespace nn {}
inline namespace processes {}
inline namespace report {}
inline namespace run {}
inline namespace stats {}
inline namespace studio {}
inline namespace train {}
inline namespace verify {}
inline namespace viz {}
inline namespace world {}
}  // namespace noisescope
