// The studio of a model, on threads of its own, so that a notebook goes on beside it.
#include <thread>

#include "python/bindings/bindings.h"

#include "noisescope/studio/http_server.h"
#include "noisescope/studio/offers.h"

namespace noisescope::python {
namespace {

using Texts = std::vector<std::string>;

class StudioHandle {
 public:
  StudioHandle(const Model& model, const std::string& folder, const std::string& argument, const Texts& examples,
               const std::string& host, int port) {
    std::optional<RunFolder> run;
    if (!folder.empty()) run = RunFolder{folder};
    StudioOptions options = studio_options(model, run, argument);
    options.version = NOISESCOPE_VERSION;
    if (!examples.empty()) options.examples = examples;
    const py::gil_scoped_release release;  // a model of Python functions is asked on another thread
    studio_ = std::make_unique<Studio>(model, std::move(options));
    server_ = std::make_unique<HttpServer>(*studio_, ServeOptions{.host = host, .port = port});
    address_ = server_->address();
    thread_ = std::thread([this] { server_->run(); });
  }
  ~StudioHandle() { stop(); }
  StudioHandle(const StudioHandle&) = delete;
  StudioHandle& operator=(const StudioHandle&) = delete;

  std::string address() const { return address_; }
  void stop() {
    if (!thread_.joinable()) return;
    const py::gil_scoped_release release;
    server_->stop();
    thread_.join();
    server_.reset();
    studio_.reset();
  }

 private:
  std::unique_ptr<Studio> studio_;
  std::unique_ptr<HttpServer> server_;
  std::string address_;
  std::thread thread_;
};

}  // namespace

void bind_studio(py::module_& m) {
  py::class_<StudioHandle>(m, "Studio")
      .def(py::init<const Model&, const std::string&, const std::string&, const Texts&, const std::string&, int>())
      .def_property_readonly("address", &StudioHandle::address)
      .def("stop", &StudioHandle::stop);
}

}  // namespace noisescope::python
