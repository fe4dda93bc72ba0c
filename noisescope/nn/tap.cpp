#include "noisescope/nn/tap.h"

#include <algorithm>
#include <utility>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/options.h"

namespace noisescope::nn {
namespace {

/// Nobody listens while a handler runs: a handler that evaluates the network would call itself.
class MuteTaps {
 public:
  MuteTaps() : saved_(std::exchange(detail::innermost_tap_scope, nullptr)) {}
  ~MuteTaps() { detail::innermost_tap_scope = saved_; }
  MuteTaps(const MuteTaps&) = delete;
  MuteTaps& operator=(const MuteTaps&) = delete;
  const TapScope* scope() const { return saved_; }

 private:
  const TapScope* saved_;
};

void check_replacement(std::string_view name, const Tensor& before, const Tensor& after) {
  const bool fits = after.defined() && after.sizes() == before.sizes() && after.scalar_type() == before.scalar_type() &&
                    after.device() == before.device();
  if (fits) return;
  throw ShapeError(
      format_text("[nn.tap] expected the handler of '{}' to return {} on the same device, got {}; "
                  "return the argument to leave the value alone",
                  name, describe_tensor(before), describe_tensor(after)));
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0;
  size_t star = std::string_view::npos, resume = 0;  // the last '*' and where it may grow from
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

TapScope::TapScope(TapHandler handler, std::vector<std::string> globs)
    : handler_(std::move(handler)), globs_(std::move(globs)), outer_(detail::innermost_tap_scope) {
  if (!handler_) throw ValueError("[nn.TapScope] expected a handler, got an empty function");
  detail::innermost_tap_scope = this;
}

TapScope::~TapScope() {
  // Nearly always the innermost one; scopes held by heap objects may die in another order.
  const TapScope** link = &detail::innermost_tap_scope;
  while (*link != nullptr && *link != this) link = &const_cast<TapScope*>(*link)->outer_;
  if (*link == this) *link = outer_;
}

bool TapScope::hears(std::string_view name) const {
  return std::any_of(globs_.begin(), globs_.end(), [&](const std::string& glob) { return matches_glob(glob, name); });
}

/// Outermost handler first.
Tensor fire_taps(const TapScope* scope, std::string_view name, const Tensor& value) {
  if (scope == nullptr) return value;
  Tensor seen = fire_taps(scope->outer_, name, value);
  if (!scope->hears(name)) return seen;
  Tensor replaced = scope->handler_(name, seen);
  check_replacement(name, seen, replaced);
  return replaced;
}

Tensor detail::run_taps(std::string_view name, const Tensor& value) {
  const MuteTaps mute;
  return fire_taps(mute.scope(), name, value);
}

Tensor detail::run_taps(std::string_view owner, std::string_view part, const Tensor& value) {
  return run_taps(std::string(owner) + "." + std::string(part), value);
}

bool tap_has_listener(std::string_view name) {
  for (const TapScope* scope = detail::innermost_tap_scope; scope; scope = scope->outer_) {
    if (scope->hears(name)) return true;
  }
  return false;
}

TapRecorder::TapRecorder(std::vector<std::string> globs)
    : scope_(
          [this](std::string_view name, const Tensor& value) {
            values_[std::string(name)].push_back(value.detach());
            return value;
          },
          std::move(globs)) {}

const Tensor& TapRecorder::last(const std::string& name) const {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second.back();
  std::vector<std::string> names;
  for (const auto& entry : values_) names.push_back(entry.first);
  throw ValueError(format_text("[nn.TapRecorder] expected a recorded name, got '{}'; recorded: {}", name,
                               names.empty() ? "nothing" : join(names)));
}

}  // namespace noisescope::nn
