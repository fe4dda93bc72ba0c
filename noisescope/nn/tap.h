// Taps: named places in a network where values can be looked at or replaced.
//
// LibTorch modules have no forward hooks, so our modules call x = tap("enc.16x16_block0", x) on
// every value worth a name. With nobody listening that is one thread-local pointer test. A listener gets
// (name, value) and returns the value to go on with: the argument itself to record, something else
// to ablate or patch. Names follow EDM2: <part>.<size>_<role>, then .attn, .attn.probs, ...
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "noisescope/core/tensor.h"

namespace noisescope::nn {

/// (name, value) -> value of the same shape, dtype and device.
using TapHandler = std::function<Tensor(std::string_view name, const Tensor& value)>;

/// True if `name` fits `pattern`: '*' stands for any text (dots included), '?' for one character.
bool matches_glob(std::string_view pattern, std::string_view name);

/// Listens to the taps of this thread as long as it lives. Scopes nest: a value passes the handlers
/// in the order of their installation, each seeing what the one before returned. Taps fired by a
/// handler itself are not listened to. Destroy on the thread that made it.
class TapScope {
 public:
  /// `handler` hears the names that fit any of `globs`. An attention computes probabilities only
  /// if somebody listens to "...attn.probs", so a narrow glob is cheaper than an early return.
  explicit TapScope(TapHandler handler, std::vector<std::string> globs = {"*"});
  ~TapScope();
  TapScope(const TapScope&) = delete;
  TapScope& operator=(const TapScope&) = delete;

  bool hears(std::string_view name) const;

 private:
  friend Tensor fire_taps(const TapScope* scope, std::string_view name, const Tensor& value);
  friend bool tap_has_listener(std::string_view name);

  TapHandler handler_;
  std::vector<std::string> globs_;
  const TapScope* outer_;
};

namespace detail {
inline constinit thread_local const TapScope* innermost_tap_scope = nullptr;
Tensor run_taps(std::string_view name, const Tensor& value);
Tensor run_taps(std::string_view owner, std::string_view part, const Tensor& value);
}  // namespace detail

/// `value`, or what the listeners of this thread make of it. Throws ShapeError if a handler returns
/// another shape, dtype or device; exceptions of handlers pass through.
inline Tensor tap(std::string_view name, const Tensor& value) {
  return detail::innermost_tap_scope == nullptr ? value : detail::run_taps(name, value);
}

/// The same under the name owner + "." + part, put together only if somebody listens.
inline Tensor tap(std::string_view owner, std::string_view part, const Tensor& value) {
  return detail::innermost_tap_scope == nullptr ? value : detail::run_taps(owner, part, value);
}

/// Does anybody on this thread listen to this name? For values that cost something to make.
bool tap_has_listener(std::string_view name);

/// Keeps what passes the taps that fit `globs`, as long as it lives.
class TapRecorder {
 public:
  explicit TapRecorder(std::vector<std::string> globs = {"*"});

  /// Name -> one tensor per pass through the tap, in order; detached from the graph, not copied.
  const std::map<std::string, std::vector<Tensor>>& values() const { return values_; }
  /// The last value of this name; throws ValueError naming what was recorded.
  const Tensor& last(const std::string& name) const;
  void clear() { values_.clear(); }

 private:
  std::map<std::string, std::vector<Tensor>> values_;
  TapScope scope_;
};

}  // namespace noisescope::nn
