// How long calls report and how they are stopped. The library never prints: the program decides
// what a Progress looks like on a terminal, in a log or in a browser.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "noisescope/core/error.h"
#include "noisescope/core/threads.h"

namespace noisescope {

/// One report of a running task.
struct Progress {
  std::string task;    // "train", "sample", ...
  double done = 0;     // in `unit`
  double total = 0;    // 0: unknown
  std::string unit;    // "images", "steps", "seconds", ...
  std::string detail;  // "loss 0.123", short
};

using ProgressSink = std::function<void(const Progress&)>;

/// How a long call talks to its caller. Both members may be left empty.
struct Control {
  ProgressSink progress = {};
  std::stop_token stop = {};

  void report(const Progress& progress_now) const {
    if (progress) progress(progress_now);
  }
  bool stop_requested() const { return stop.stop_requested(); }
  /// The progress of part number `part` of `parts` equal ones, as part of the whole.
  Control part(size_t part, size_t parts, const std::string& name) const {
    if (!progress) return {{}, stop};
    const auto whole = [sink = progress, part, parts, name](Progress now) {
      now.done += static_cast<double>(part) * now.total;
      now.total *= static_cast<double>(parts);
      now.detail = name;
      sink(now);
    };
    return {whole, stop};
  }
  /// Throws Interrupted if a stop was asked for. Long calls come by here: the moment at which their threads follow
  /// the machine (core/threads.h).
  void throw_if_stopped(const char* where) const {
    if (stop_requested()) throw Interrupted(std::string("[") + where + "] stopped on request");
    watch_machine();
  }
};

}  // namespace noisescope
