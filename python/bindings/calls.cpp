// Long calls on the thread that asks, without the GIL, and a thread beside them that listens: for Ctrl-C, which
// reaches the interpreter only when the call is over, and for progress. The work stays on the caller's thread because
// OpenMP keeps a team of threads for each thread that works: two teams on few cores slow each other by a quarter.
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <thread>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include "python/bindings/bindings.h"

#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::python {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // or a signal handler must not touch it

/// While at least one long call runs, SIGINT is noted here instead of waiting for the interpreter.
class SignalWatch {
 public:
  SignalWatch() {
    const std::lock_guard lock(mutex());
    if (count()++ > 0) return;
    interrupted = false;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = true; };
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, &previous());
  }

  ~SignalWatch() {
    const std::lock_guard lock(mutex());
    if (--count() == 0) sigaction(SIGINT, &previous(), nullptr);
  }

  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }
  static int& count() {
    static int calls = 0;
    return calls;
  }
  static struct sigaction& previous() {
    static struct sigaction action {};
    return action;
  }
};

/// What a call says of itself, and the thread that passes it on.
class Listener {
 public:
  explicit Listener(const py::object& progress) : progress_(progress), thread_([this] { listen(); }) {}

  ~Listener() { finish(); }

  Control control() {
    return {[this](const Progress& now) {
              const std::lock_guard lock(mutex_);
              report_ = now;
            },
            stop_.get_token()};
  }

  /// Passes on what is left. What the progress function raised, if it did.
  const std::optional<py::error_already_set>& finish() {
    if (!thread_.joinable()) return raised_;
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    thread_.join();
    return raised_;
  }

 private:
  void listen() {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, std::chrono::milliseconds(50), [this] { return over_; })) {
      if (interrupted) stop_.request_stop();
      hand_over(lock);
    }
    hand_over(lock);
  }

  void hand_over(std::unique_lock<std::mutex>& lock) {
    const std::optional<Progress> now = std::exchange(report_, std::nullopt);
    if (!now || progress_.is_none() || raised_) return;
    lock.unlock();
    {
      const py::gil_scoped_acquire gil;
      try {
        progress_(*now);
      } catch (py::error_already_set& error) {
        raised_.emplace(error);
        stop_.request_stop();
      }
    }
    lock.lock();
  }

  const py::object& progress_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Progress> report_;
  std::optional<py::error_already_set> raised_;
  bool over_ = false;
  std::thread thread_;  // last: it uses all of the above
};

/// Once for each thread that works: threads of OpenMP take over its floating-point mode.
void configure_thread() {
  thread_local bool done = false;
  if (!std::exchange(done, true)) configure_process(at::get_num_threads());
}

/// Follows the machine during a call, with at most as many threads as torch was told, which are torch's again after it.
class FollowsMachine {
 public:
  FollowsMachine() { follow_machine(most_); }
  ~FollowsMachine() { fix_threads(most_); }

 private:
  const int most_ = at::get_num_threads();
};

}  // namespace

void run_long(const std::function<void(const Control&)>& work, const py::object& progress) {
  std::exception_ptr error;
  std::optional<py::error_already_set> raised;
  {
    const py::gil_scoped_release release;
    const SignalWatch watch;
    Listener listener(progress);
    configure_thread();
    const FollowsMachine follows;
    try {
      work(listener.control());
    } catch (...) {
      error = std::current_exception();
    }
    raised = listener.finish();
  }
  if (interrupted.exchange(false)) {
    PyErr_SetInterrupt();
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
  if (raised) throw *raised;
  if (error) std::rethrow_exception(error);
}

std::shared_ptr<py::object> keep(py::object object) {
  return {new py::object(std::move(object)), [](py::object* kept) {
            if (!Py_IsInitialized()) return;  // too late to give anything back
            const py::gil_scoped_acquire gil;
            delete kept;
          }};
}

Tensor returned_tensor(const py::object& result, const char* name) {
  if (!THPVariable_Check(result.ptr())) {
    throw py::type_error(std::string("expected a torch.Tensor from ") + name + ", got " +
                         std::string(py::str(py::type::of(result))));
  }
  return result.cast<Tensor>().detach().clone();  // a function may hand out one buffer again and again
}

Tensor call_tensor(const py::object& function, const char* name, const std::vector<Tensor>& arguments) {
  const py::gil_scoped_acquire gil;
  const torch::NoGradGuard no_grad;
  py::tuple tuple(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) tuple[i] = arguments[i].clone();  // and may change what it gets
  return returned_tensor(function(*tuple), name);
}

std::function<Tensor(const Tensor&)> picture_function(py::object function, const char* name) {
  const auto kept = keep(std::move(function));
  return [kept, name](const Tensor& pictures) {
    const Tensor values = call_tensor(*kept, name, {pictures});
    if (values.dim() < 1 || values.dim() > 2 || values.size(0) != pictures.size(0)) {
      throw ShapeError(format_text("[{}] expected a number or a row a picture, [{}] or [{}, F], got {}", name,
                                   pictures.size(0), pictures.size(0), describe_tensor(values)));
    }
    return values;
  };
}

std::function<Tensor(const Tensor&)> mask_function(py::object function, const char* name) {
  const auto kept = keep(std::move(function));
  return [kept, name](const Tensor& pictures) {
    const Tensor masks = call_tensor(*kept, name, {pictures});
    check_shape("explain", name, masks, {pictures.size(0), pictures.size(2), pictures.size(3)});
    check_dtype("explain", name, masks, torch::kBool);
    return masks;
  };
}

SamplerObserver observer_of(const py::object& function) {
  if (function.is_none()) return {};
  const auto kept = keep(function);
  return [kept](const SamplerStep& step) {
    const py::gil_scoped_acquire gil;
    (*kept)(step);
  };
}

std::vector<int64_t> ids_or_range(const std::optional<std::vector<int64_t>>& ids, int64_t count) {
  return ids ? *ids : sample_range(0, count);
}

py::object tensor_or_none(const Tensor& tensor) { return tensor.defined() ? py::cast(tensor) : py::none(); }

}  // namespace noisescope::python
