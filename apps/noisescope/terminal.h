// The program's side of core/progress.h: a bar with ETA on a terminal, plain lines elsewhere, and
// Ctrl-C, SIGTERM, SIGHUP or SIGUSR1 as a stop request.
#pragma once

#include "noisescope/core/progress.h"

namespace noisescope::cli {

/// Draws on stderr. On a terminal one line that is redrawn; otherwise a line at most every 10 s.
ProgressSink terminal_progress();

/// Ends the current progress line, so that other output starts on a line of its own.
void finish_progress_line();

/// From now on the first SIGINT, SIGTERM, SIGHUP (unless it was ignored, as nohup does) or SIGUSR1 requests a
/// stop (work is saved, exit code 130). After it SIGINT alone ends the process at once; the others are passed
/// over, as timeout and job systems send theirs twice. Call before any thread starts.
std::stop_token stop_on_signals();

/// "1:02:03" or "02:03".
std::string clock_text(double seconds);

}  // namespace noisescope::cli
