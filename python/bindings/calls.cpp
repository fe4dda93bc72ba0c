// Long calls on one thread of the library's own, so that the interpreter's thread stays free for Ctrl-C and progress.
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include "python/bindings/bindings.h"

#include "noisescope/core/device.h"
#include "noisescope/core/error.h"

namespace noisescope::python {
namespace {

thread_local bool is_worker = false;

/// One call on its way: what it reported last, and whether it is over.
struct Call {
  std::function<void(const Control&)> work;
  std::stop_source stop;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Progress> report;
  std::exception_ptr error;
  bool over = false;

  void run() {
    const Control control{[this](const Progress& now) {
                            const std::lock_guard lock(mutex);
                            report = now;
                          },
                          stop.get_token()};
    try {
      work(control);
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    over = true;
    changed.notify_all();
  }
};

/// A thread that lives as long as the process: a new one for each call would start OpenMP's team anew.
class Worker {
 public:
  static Worker& instance() {
    static Worker* const worker = new Worker;  // never destroyed: calls may be on their way at exit
    return *worker;
  }

  void submit(Call& call) {
    std::unique_lock lock(mutex_);
    free_.wait(lock, [this] { return next_ == nullptr; });
    next_ = &call;
    wake_.notify_one();
  }

 private:
  Worker() { std::thread([this] { loop(); }).detach(); }

  void loop() {
    is_worker = true;
    configure_process(at::get_num_threads());  // as the program does; the number of threads is the caller's
    while (true) {
      Call* call = nullptr;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return next_ != nullptr; });
        call = std::exchange(next_, nullptr);
        free_.notify_one();
      }
      call->run();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, free_;
  Call* next_ = nullptr;
};

/// Waits a moment with the GIL released. True once the call is over.
bool wait_a_moment(Call& call) {
  const py::gil_scoped_release release;
  std::unique_lock lock(call.mutex);
  return call.changed.wait_for(lock, std::chrono::milliseconds(50), [&] { return call.over; });
}

void hand_over(Call& call, const py::object& progress) {
  std::optional<Progress> now;
  {
    const std::lock_guard lock(call.mutex);
    now = std::exchange(call.report, std::nullopt);
  }
  if (now) progress(now->task, now->done, now->total, now->unit, now->detail);
}

}  // namespace

void run_long(const std::function<void(const Control&)>& work, const py::object& progress) {
  Call call;
  call.work = work;
  if (is_worker) {  // a Python callable inside a call: go on here
    const py::gil_scoped_release release;
    call.run();
  } else {
    {
      const py::gil_scoped_release release;
      Worker::instance().submit(call);
    }
    std::optional<py::error_already_set> raised;
    const auto note = [&] {
      if (!raised) raised.emplace();
      call.stop.request_stop();
    };
    while (!wait_a_moment(call)) {
      if (raised) continue;
      if (PyErr_CheckSignals() != 0) {
        note();
      } else if (!progress.is_none()) {
        try {
          hand_over(call, progress);
        } catch (py::error_already_set& error) {
          raised.emplace(error);
          call.stop.request_stop();
        }
      }
    }
    if (raised) throw *raised;
    if (!call.error && !progress.is_none()) hand_over(call, progress);
  }
  if (call.error) std::rethrow_exception(call.error);
}

std::shared_ptr<py::object> keep(py::object object) {
  return {new py::object(std::move(object)), [](py::object* kept) {
            if (!Py_IsInitialized()) return;  // too late to give anything back
            const py::gil_scoped_acquire gil;
            delete kept;
          }};
}

Tensor call_tensor(const py::object& function, const char* name, const std::vector<Tensor>& arguments) {
  const py::gil_scoped_acquire gil;
  const torch::NoGradGuard no_grad;
  py::tuple tuple(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) tuple[i] = arguments[i];
  const py::object result = function(*tuple);
  if (!THPVariable_Check(result.ptr())) {
    throw py::type_error(std::string("expected a torch.Tensor from ") + name + ", got " +
                         std::string(py::str(py::type::of(result))));
  }
  return result.cast<Tensor>().detach();
}

std::function<Tensor(const Tensor&)> picture_function(py::object function, const char* name) {
  const auto kept = keep(std::move(function));
  return [kept, name](const Tensor& pictures) {
    const Tensor values = call_tensor(*kept, name, {pictures});
    if (values.dim() < 1 || values.dim() > 2 || values.size(0) != pictures.size(0)) {
      throw ShapeError(std::string("[") + name + "] expected a number or a row a picture, [" +
                       std::to_string(pictures.size(0)) + "] or [" + std::to_string(pictures.size(0)) +
                       ", F], got " + describe_tensor(values));
    }
    return values;
  };
}

std::vector<int64_t> ids_or_range(const std::optional<std::vector<int64_t>>& ids, int64_t count) {
  return ids ? *ids : sample_range(0, count);
}

py::object tensor_or_none(const Tensor& tensor) {
  return tensor.defined() ? py::cast(tensor) : py::none();
}

}  // namespace noisescope::python
