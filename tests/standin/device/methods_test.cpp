// Every method of the table answers of a model on a device what it answers of it on the CPU.
#include "noisescope/explain/methods.h"

#include <cmath>

#include "tests/report/quick_settings.h"
#include "tests/standin/device/small_run.h"
#include "tests/standin/device/tested_device.h"

namespace noisescope {
namespace {

/// The same model for a caller on the CPU: numbers differ only where a method computes otherwise on a device.
Model seen_from_cpu(Model model) {
  model.device = torch::kCPU;
  model.condition = [inner = model.condition](const std::vector<std::string>& prompts) {
    return inner(prompts).to(torch::kCPU);
  };
  model.reader = [inner = model.reader](const std::vector<std::string>& texts) -> WordReader {
    return [reader = inner(texts)](const Tensor& pictures) { return reader(pictures).to(torch::kCPU); };
  };
  model.denoiser = [inner = model.denoiser](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const auto here = [](const Tensor& tensor) { return tensor.to(test::tested_device()); };
    return inner(here(x), here(sigma), here(condition)).to(torch::kCPU);
  };
  return model;
}

Model exact_world(torch::Device device) {
  Model model = exact_model(WorldDenoiser{World(), device});
  model.sample.grid.steps = 6;
  return model;
}

Subject subject_of_model(const Model& model) {
  const SubjectRequest request{.prompt = "a red square left of a blue disc on dark", .pictures = 3, .paths = 2};
  return make_subject(model, request);
}

std::vector<std::string> method_ids() {
  std::vector<std::string> ids;
  for (const Method& method : methods()) ids.push_back(method.id);
  return ids;
}

/// All numbers of a value, in order; none of a text.
Tensor numbers_of(const Value& value) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) {
    return tensor->defined() ? tensor->to(torch::kCPU, torch::kFloat64).flatten() : torch::zeros({0}, torch::kFloat64);
  }
  if (const auto* numbers = std::get_if<std::vector<double>>(&value)) return torch::tensor(*numbers, torch::kFloat64);
  if (const auto* number = std::get_if<double>(&value)) return torch::tensor({*number}, torch::kFloat64);
  return torch::zeros({0}, torch::kFloat64);
}

/// The largest difference, as a share of the largest number; infinite where one is finite and the other is not.
double difference(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes() || !torch::equal(a.isfinite(), b.isfinite())) return INFINITY;
  const Tensor x = a.masked_select(a.isfinite()), y = b.masked_select(b.isfinite());
  if (x.numel() == 0) return 0;
  return ((x - y).abs().max() / y.abs().max().clamp_min(1e-6)).item<double>();
}

class MethodOfNetwork : public ::testing::TestWithParam<std::string> {};
class MethodOfWorld : public ::testing::TestWithParam<std::string> {};
const auto kId = [](const ::testing::TestParamInfo<std::string>& tested) { return tested.param; };
INSTANTIATE_TEST_SUITE_P(OnDevice, MethodOfNetwork, ::testing::ValuesIn(method_ids()), kId);
INSTANTIATE_TEST_SUITE_P(SlowOnDevice, MethodOfWorld, ::testing::ValuesIn(method_ids()), kId);

void expect_same_answers(const Method& method, const Subject& here, const Subject& on_cpu) {
  static const ConfigNode settings = test::quick_settings();
  ASSERT_EQ(obstacle(method, here), obstacle(method, on_cpu));
  if (!obstacle(method, on_cpu).empty()) return;
  const auto found = values_of(method.ask(here, settings_of(settings, method), {}));
  const auto expected = values_of(method.ask(on_cpu, settings_of(settings, method), {}));
  ASSERT_EQ(found.size(), expected.size());
  for (size_t k = 0; k < found.size(); ++k) {
    EXPECT_LE(difference(numbers_of(found[k].value), numbers_of(expected[k].value)), 1e-6 * test::rounding())
        << found[k].part << ": " << found[k].quantity.name;
  }
}

TEST_P(MethodOfNetwork, AnswersWhatItAnswersOnTheCpu) {
  static const Model network = test::small_model(test::tested_device());
  static const Subject here = subject_of_model(network), on_cpu = subject_of_model(seen_from_cpu(network));
  expect_same_answers(find_method(GetParam()), here, on_cpu);
}

TEST_P(MethodOfWorld, AnswersWhatItAnswersOnTheCpu) {
  static const Subject here = subject_of_model(exact_world(test::tested_device()));
  static const Subject on_cpu = subject_of_model(exact_world(torch::kCPU));
  expect_same_answers(find_method(GetParam()), here, on_cpu);
}

TEST(NetworkOnDevice, DrawsWhatItDrawsOnTheCpu) {
  const Subject here = subject_of_model(test::small_model(test::tested_device()));
  const Subject on_cpu = subject_of_model(test::small_model(torch::kCPU));
  test::expect_same(here.trajectory.pictures(), on_cpu.trajectory.pictures(), 1e-5);
}

}  // namespace
}  // namespace noisescope
