#include "noisescope/processes/watcher.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "noisescope/core/format.h"

namespace noisescope::processes {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kBeat = 1s;
constexpr auto kSilence = 15s;
constexpr auto kWords = 3s;  // how long the message of a process that failed is waited for

std::string beat_key(int64_t rank) { return format_text("beat/{}", rank); }
std::string left_key(int64_t rank) { return format_text("left/{}", rank); }
constexpr const char* kFailed = "failed";

std::vector<uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::string get_text(c10d::Store& store, const std::string& key) {
  const std::vector<uint8_t> bytes = store.get(key);
  return {bytes.begin(), bytes.end()};
}

/// Sleeps for `span`, or until a stop is asked for.
void rest(const std::stop_token& stop, std::chrono::milliseconds span) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, span, [] { return false; });
}

[[noreturn]] void end_process(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::fflush(stderr);
  std::_Exit(1);
}

}  // namespace

Watcher::Watcher(c10::intrusive_ptr<c10d::Store> store, int64_t rank, int64_t size)
    : store_(std::move(store)), beating_(store_->clone()), rank_(rank), size_(size) {
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

Watcher::~Watcher() = default;

void Watcher::watch(const std::stop_token& stop) {
  struct Heard {
    std::string beat;
    Clock::time_point at = Clock::now();
  };
  std::vector<Heard> heard(static_cast<size_t>(size_));
  try {
    for (int64_t beat = 1; !stop.stop_requested(); ++beat, rest(stop, kBeat)) {
      beating_->set(beat_key(rank_), bytes_of(format_text("{}", beat)));
      for (int64_t other = 0; other < size_; ++other) {
        if (other == rank_) continue;
        Heard& last = heard[static_cast<size_t>(other)];
        const std::string now = beating_->check({beat_key(other)}) ? get_text(*beating_, beat_key(other)) : "";
        if (now != last.beat || beating_->check({left_key(other)})) {
          last = {now, Clock::now()};
        } else if (Clock::now() - last.at > kSilence) {
          end_process(
              format_text("[processes] process {} of {} has been silent for {} s: it hangs, or its machine is gone. "
                          "Start all again: "
                          "training goes on from the last checkpoint",
                          other, size_, kSilence.count()));
        }
      }
    }
  } catch (const std::exception&) {  // the store is gone, and with it the process that serves it
    if (stop.stop_requested()) return;
    rest(stop, kWords + 5s);  // the calling thread hears of it first if it talks to the others
    if (!stop.stop_requested()) {
      end_process(
          format_text("[processes] process {} of {} lost the rendezvous: the process or machine that serves it is gone",
                      rank_, size_));
    }
  }
}

bool Watcher::has(const std::string& key) const {
  try {
    return store_->check({key});
  } catch (const std::exception&) {
    return false;
  }
}

std::string Watcher::who_is_lost() const {
  const auto end = Clock::now() + kWords;
  do {
    if (has(kFailed)) return "[processes] " + get_text(*store_, kFailed);
    std::this_thread::sleep_for(50ms);
  } while (Clock::now() < end);
  return format_text(
      "[processes] process {} of {} lost another one, which died without a word (killed, or its machine is gone). "
      "Start all again: "
      "training goes on from the last checkpoint",
      rank_, size_);
}

void Watcher::fail(const std::string& message) noexcept {
  try {
    const std::string text = format_text("process {} of {} ended with: {}", rank_, size_, message);
    store_->compareSet(kFailed, {}, bytes_of(text));  // the first one is the cause
    store_->set(left_key(rank_), bytes_of("1"));
  } catch (const std::exception&) {  // nobody is there to be told
  }
}

bool Watcher::left(int64_t rank) const { return has(left_key(rank)); }

void Watcher::leave() {
  store_->set(left_key(rank_), bytes_of("1"));
  for (int64_t other = 1; rank_ == 0 && other < size_; ++other) {
    while (!left(other)) std::this_thread::sleep_for(20ms);
  }
  thread_.request_stop();
}

}  // namespace noisescope::processes
