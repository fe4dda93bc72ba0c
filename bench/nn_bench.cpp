// Times training steps of the demo's U-Net: forward, loss, backward, clipping, fused AdamW; and how much
// longer a step with Muon takes, in turns.
//
//   nn_bench [--threads 2] [--batch 16] [--steps 30] [--device cpu] [--precision auto] [--network JSON]
//       prints one JSON object; JSON: what differs from the demo's, {"image_size": 64, "channels": [64, 96, 128]}
//   nn_bench [--threads 2] [--forward] --serve DIR
//       writes weights, one batch, its output and gradients to DIR/case.safetensors, then answers a
//       line "BATCH STEPS" of standard input by a line of step times in milliseconds (of forward passes
//       without a graph: --forward): how bench/peers/unet_step.py times both sides in turns
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/profiler.h>
#include <nlohmann/json.hpp>

#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/nn/cost.h"
#include "noisescope/nn/optimizer.h"
#include "noisescope/nn/precision.h"
#include "noisescope/nn/unet.h"

namespace noisescope {
namespace {

struct Arguments {
  int64_t threads = 2, batch = 16, steps = 30;
  std::string device = "cpu", serve;
  bool forward = false;
  Precision precision = Precision::automatic;
  UNetOptions network;
};

/// Options of the network that JSON names, the others as the demo's.
UNetOptions network_of(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  UNetOptions o;
  o.image_size = json.value("image_size", o.image_size);
  o.channels = json.value("channels", o.channels);
  o.attention_resolutions = json.value("attention_resolutions", o.attention_resolutions);
  o.embedding_width = json.value("embedding_width", o.embedding_width);
  return o;
}

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--forward") {
      a.forward = true;
      continue;
    }
    const std::string value = i + 1 < argc ? argv[++i] : "";
    if (name == "--threads")
      a.threads = std::stoll(value);
    else if (name == "--batch")
      a.batch = std::stoll(value);
    else if (name == "--steps")
      a.steps = std::stoll(value);
    else if (name == "--device")
      a.device = value;
    else if (name == "--precision")
      a.precision = parse_enum<Precision>(value);
    else if (name == "--network")
      a.network = network_of(value);
    else if (name == "--serve")
      a.serve = value;
    else
      throw ValueError("[nn_bench] expected an option of the head comment, got '" + name + "'");
  }
  return a;
}

struct Batch {
  Tensor x, noise_label, condition, target;
};

Batch make_batch(const UNetOptions& o, int64_t size, torch::Device device) {
  const Random random(4);
  const std::vector<int64_t> samples = sample_range(0, size);
  const std::vector<int64_t> chw = {o.in_channels, o.image_size, o.image_size};
  return {random.normal(Purpose::train_noise, 0, samples, chw).to(device),
          random.normal(Purpose::train_sigma, 0, samples, {}).mul(0.3).to(device),
          random.normal(Purpose::caption, 0, samples, {o.condition_width}).to(device),
          random.normal(Purpose::train_noise, 1, samples, chw).to(device)};
}

Tensor loss_of(UNet& net, const Batch& b) { return (net(b.x, b.noise_label, b.condition) - b.target).square().mean(); }

class Steps {
 public:
  explicit Steps(const Arguments& a, OptimizerKind kind = OptimizerKind::adamw)
      : device_(parse_device(a.device)),
        forward_(a.forward),
        precision_(chosen_precision(a.precision, device_)),
        net_(a.network, Random(0)),
        optimizer_(placed(), {.kind = kind}) {}

  /// Milliseconds of each of `count` steps; the first two of a batch size are not counted.
  std::vector<double> run(int64_t batch_size, int64_t count) {
    const Batch batch = make_batch(net_->options(), batch_size, device_);
    std::vector<double> times;
    for (int64_t i = -2; i < count; ++i) {
      const auto start = std::chrono::steady_clock::now();
      step(batch);
      const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
      if (i >= 0) times.push_back(taken.count());
    }
    return times;
  }

  const UNetOptions& options() const { return net_->options(); }

 private:
  NamedTensors placed() {
    net_->to(device_);
    return trainable_parameters(*net_);
  }

  void step(const Batch& batch) {
    if (forward_) {
      const torch::NoGradGuard no_grad;
      net_(batch.x, batch.noise_label, batch.condition);
      return;
    }
    optimizer_.zero_grad();
    const Tensor loss = loss_here(batch);
    loss.backward();
    clip_gradients(optimizer_.parameters(), 1.0);
    optimizer_.step(1e-4);
    loss.item<float>();  // waits for an accelerator
  }

  Tensor loss_here(const Batch& batch) {
    const PrecisionScope scope(precision_, device_);
    return loss_of(net_, batch);
  }

  torch::Device device_;
  bool forward_;
  Precision precision_;
  UNet net_;
  Optimizer optimizer_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void measure(const Arguments& a) {
  if (const char* trace = std::getenv("TRACE")) {
    Steps s(a);
    s.run(a.batch, 5);
    torch::autograd::profiler::RecordProfile guard(trace);
    s.run(a.batch, 10);
    return;
  }
  constexpr int64_t kTurns = 5;
  Steps steps(a), muon_steps(a, OptimizerKind::muon);
  const UNetCost cost = unet_cost(steps.options());
  std::vector<double> times, muon_times;
  for (int64_t turn = 0; turn < kTurns; ++turn) {
    for (const double time : steps.run(a.batch, a.steps / kTurns)) times.push_back(time);
    for (const double time : muon_steps.run(a.batch, a.steps / kTurns)) muon_times.push_back(time);
  }
  const double ms = median(times);
  const double images_per_second = 1e3 * static_cast<double>(a.batch) / ms;
  const nlohmann::ordered_json json = {{"channels", steps.options().channels},
                                       {"parameters", cost.parameters},
                                       {"device", a.device},
                                       {"threads", at::get_num_threads()},
                                       {"batch", a.batch},
                                       {"steps", a.steps},
                                       {"step_ms_median", ms},
                                       {"muon_over_adamw", median(muon_times) / ms},
                                       {"images_per_second", images_per_second},
                                       {"train_gflops_per_second", 1e-9 * cost.train_flops * images_per_second}};
  std::cout << json.dump(2) << std::endl;
}

/// Weights that leave nothing zero, a batch, the output and all gradients of the loss.
void write_case(const std::string& folder, const UNetOptions& options) {
  UNet net(options, Random(0));
  {
    const torch::NoGradGuard no_grad;
    for (const auto& [name, parameter] : trainable_parameters(*net)) {
      const Tensor noise = Random(1).normal(Purpose::explain, name_hash(name), {0}, parameter.sizes());
      Tensor(parameter).add_(noise[0], 0.03);
    }
  }
  const Batch batch = make_batch(net->options(), 4, torch::kCPU);
  loss_of(net, batch).backward();
  TensorFile file;
  for (const auto& item : net->named_parameters()) {
    file.tensors["weight." + item.key()] = item.value().detach();
    if (item.value().grad().defined()) {
      file.tensors["gradient." + item.key()] = item.value().grad();
    }
  }
  const torch::NoGradGuard no_grad;
  file.tensors["x"] = batch.x;
  file.tensors["noise_label"] = batch.noise_label;
  file.tensors["condition"] = batch.condition;
  file.tensors["target"] = batch.target;
  file.tensors["output"] = net(batch.x, batch.noise_label, batch.condition);
  write_safetensors(folder + "/case.safetensors", file);
}

void serve(const Arguments& a) {
  write_case(a.serve, a.network);
  Steps steps(a);
  std::cout << "ready" << std::endl;
  int64_t batch = 0, count = 0;
  while (std::cin >> batch >> count) {
    for (double ms : steps.run(batch, count)) std::cout << ms << ' ';
    std::cout << std::endl;
  }
}

}  // namespace
}  // namespace noisescope

int main(int argc, char** argv) {
  using namespace noisescope;
  try {
    const Arguments arguments = parse(argc, argv);
    configure_process(arguments.threads);
    arguments.serve.empty() ? measure(arguments) : serve(arguments);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
