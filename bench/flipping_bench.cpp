// Times pixel flipping of a fixed cheap classifier in one thread, for bench/peers/pixel_flipping.py:
//   flipping_bench FIXTURE RESULT PIXELS_PER_STEP
// FIXTURE holds `weights`, `labels`, `pictures` and `maps`. Writes the curves to RESULT, prints "ready"
// and then, for every line of standard input, the seconds that all curves took.
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include "noisescope/core/device.h"
#include "noisescope/explain/metric/faithfulness.h"
#include "noisescope/io/safetensors.h"
#include "tests/explain/metric/softmax_classifier.h"

int main(int argc, char** argv) {
  using namespace noisescope;
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s FIXTURE RESULT PIXELS_PER_STEP\n", argv[0]);
    return 2;
  }
  configure_process(1);
  const TensorFile fixture = read_safetensors(argv[1]);
  const SoftmaxClassifier classifier{fixture.at("weights"), fixture.at("labels")};
  const Tensor pictures = fixture.at("pictures"), maps = fixture.at("maps");
  const auto flip = [&] {
    return pixel_flipping({pictures, classifier.score(), replace_by(0)}, maps,
                          {.pixels_per_step = std::stoll(argv[3])});
  };
  write_safetensors(argv[2], {{{"curves", flip()}}, {}});
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    flip();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::cout << seconds.count() << std::endl;
  }
  return 0;
}
