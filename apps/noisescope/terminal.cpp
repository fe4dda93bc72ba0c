#include "apps/noisescope/terminal.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <thread>

#include "noisescope/core/format.h"

namespace noisescope::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar(double share, int width) {
  const int full = static_cast<int>(share * width);
  return std::string(static_cast<size_t>(full), '#') + std::string(static_cast<size_t>(width - full), '.');
}

std::string count_text(double value) {
  return format_text("{:.{}f}", value, value >= 100 || value == std::floor(value) ? 0 : 1);
}

/// "train  42% [####......] 12345/50000 images  01:02<00:42  210/s  loss 0.12"
std::string line_of(const Progress& p, double elapsed) {
  std::string line = p.task;
  const std::string unit = p.unit.empty() ? "" : " " + p.unit;
  if (p.total > 0) {
    const double share = std::min(1.0, p.done / p.total);
    line += format_text(" {:3.0f}% [{}] {}/{}{}  {}", 100 * share, bar(share, 20), count_text(p.done),
                        count_text(p.total), unit, clock_text(elapsed));
    if (share > 0.01) line += "<" + clock_text(elapsed * (1 - share) / share);
  } else {
    line += format_text(" {}{}  {}", count_text(p.done), unit, clock_text(elapsed));
  }
  if (!p.detail.empty()) line += "  " + p.detail;
  return line;
}

bool line_is_open = false;

class Drawer {
 public:
  explicit Drawer(bool terminal) : terminal_(terminal) {}

  void operator()(const Progress& p) {
    if (p.task != task_) start(p);
    const bool finished = p.total > 0 && p.done >= p.total;
    const double interval = terminal_ ? 0.1 : 10.0;
    if (!finished && seconds_since(drawn_) < interval) return;
    if (finished && finished_) return;
    finished_ = finished;
    drawn_ = Clock::now();
    draw(line_of(p, seconds_since(started_)), finished);
  }

 private:
  void start(const Progress& p) {
    finish_progress_line();
    task_ = p.task;
    started_ = Clock::now();
    drawn_ = terminal_ ? Clock::time_point{} : started_;
    finished_ = false;
  }

  void draw(std::string line, bool finished) {
    if (!terminal_) {
      std::fprintf(stderr, "%s\n", line.c_str());
      return;
    }
    line.resize(std::min(line.size(), terminal_columns() - 1));
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    line_is_open = true;
    if (finished) finish_progress_line();
    std::fflush(stderr);
  }

  bool terminal_;
  bool finished_ = false;
  std::string task_;
  Clock::time_point started_, drawn_;
};

}  // namespace

ProgressSink terminal_progress() {
  return [drawer = std::make_shared<Drawer>(isatty(STDERR_FILENO) == 1)](const Progress& p) { (*drawer)(p); };
}

void finish_progress_line() {
  if (line_is_open) std::fprintf(stderr, "\n");
  line_is_open = false;
}

namespace {

/// SIGHUP may have been set aside before the program started (nohup): it is left so.
sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaddset(&signals, SIGHUP);
  return signals;
}

}  // namespace

std::stop_token stop_on_signals() {
  static std::stop_source source;
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by every later thread
  std::thread([signals] {
    int received = 0;
    sigwait(&signals, &received);
    source.request_stop();
    static constexpr char kMessage[] = "\nstopping: saving what is done (Ctrl-C to stop at once)\n";
    [[maybe_unused]] const auto written = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
    // Job systems send their signal twice, to the process and to its group: that is one wish.
    do {
      sigwait(&signals, &received);
    } while (received != SIGINT);
    _exit(130);
  }).detach();
  return source.get_token();
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(std::lround(std::max(0.0, seconds)));
  if (whole < 3600) return format_text("{:02}:{:02}", whole / 60, whole % 60);
  return format_text("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace noisescope::cli
