// Error types of the whole library. Every message reads
//   [module.function] expected <what>, got <value>; <hint>
// so that a user sees what was wanted, what came and what to do. TORCH_CHECK is for our own bugs.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "noisescope/core/namespaces.h"

namespace noisescope {

/// 'text' of a file as a message shows it: at most 80 bytes, control characters as '?', so that a hostile
/// name does not become a hostile message.
std::string in_quotes(std::string_view text);

/// A value outside of what the function accepts. Exit code of the program: 2.
struct ValueError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// A tensor of the wrong shape or dtype.
struct ShapeError : ValueError {
  using ValueError::ValueError;
};

/// A configuration that cannot be used; the message names file, line and key. Exit code 2.
struct ConfigError : ValueError {
  using ValueError::ValueError;
};

/// A file that is not what it claims to be; the message names path and, where known, byte offset.
/// Exit code 3.
struct FormatError : std::runtime_error {
  using std::runtime_error::runtime_error;
  FormatError(const std::string& path, uint64_t byte_offset, const std::string& what);
};

/// The operating system refused: missing file, full disk, read-only folder. Exit code 3.
struct IoError : std::runtime_error {
  using std::runtime_error::runtime_error;
  /// Appends the text of `errno_value` to the message.
  IoError(const std::string& message, int errno_value);
};

/// Data that is readable but cannot serve: an empty folder, captions without images. Exit code 3.
struct DataError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Weights, checkpoint or cache that belong to something else than asked for. Exit code 4.
struct ModelError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A computation that left the finite numbers (NaN loss). Exit code 1.
struct NumericError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The user asked to stop (Ctrl-C, SIGTERM); work so far is saved. Exit code 130.
struct Interrupted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace noisescope
