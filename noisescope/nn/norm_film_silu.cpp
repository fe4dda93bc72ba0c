#include "noisescope/nn/norm_film_silu.h"

#include <torch/csrc/autograd/custom_function.h>

#include "noisescope/core/error.h"
#include "noisescope/core/parallel.h"
#include "noisescope/nn/norm_kernels.h"

namespace noisescope::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

NormShape shape_of(const Tensor& x, const Tensor& film, int64_t groups, double epsilon) {
  NormShape shape{x.size(2), x.size(3), x.size(1), groups, 0, 0, static_cast<float>(epsilon)};
  if (film.defined()) {
    shape.film_height = film.size(2);
    shape.film_width = film.size(3);
  }
  return shape;
}

int64_t numbers_of_row(const Tensor& tensor) { return tensor.numel() / tensor.size(0); }

/// The start of sample `i` of a tensor of samples; null for an undefined one.
float* row(const Tensor& tensor, int64_t i) {
  return tensor.defined() ? tensor.data_ptr<float>() + i * numbers_of_row(tensor) : nullptr;
}

uint16_t* half_row(const Tensor& tensor, int64_t i) {
  return reinterpret_cast<uint16_t*>(tensor.data_ptr<at::BFloat16>()) + i * numbers_of_row(tensor);
}

bool is_half(const Tensor& tensor) { return tensor.scalar_type() == torch::kBFloat16; }

/// Sample `i` in float32: in place, or of bfloat16 a copy.
class WideRow {
 public:
  WideRow(const Tensor& tensor, int64_t i) : tensor_(tensor), i_(i) {
    if (is_half(tensor)) copy_.resize(static_cast<size_t>(numbers_of_row(tensor)));
  }
  float* data() { return copy_.empty() ? row(tensor_, i_) : copy_.data(); }
  float* read() {
    if (!copy_.empty()) widen(half_row(tensor_, i_), copy_.data(), numbers_of_row(tensor_));
    return data();
  }
  void write() {
    if (!copy_.empty()) narrow(copy_.data(), half_row(tensor_, i_), numbers_of_row(tensor_));
  }

 private:
  const Tensor& tensor_;
  int64_t i_;
  std::vector<float> copy_;
};

class Fused : public torch::autograd::Function<Fused> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const std::optional<Tensor>& map, const NormShape& shape) {
    const Tensor film = map.value_or(Tensor());
    const Tensor y = torch::empty_like(x), statistics = torch::empty({x.size(0), 2 * shape.groups}, weight.options());
    for_each_in_parallel(x.size(0), [&](int64_t i) {
      WideRow from(x, i), to(y, i);
      norm_film_silu_forward(shape, {from.read(), weight.data_ptr<float>(), bias.data_ptr<float>(), row(film, i)},
                             to.data(), row(statistics, i));
      to.write();
    });
    context->save_for_backward({x, weight, bias, film, statistics});
    context->saved_data["groups"] = shape.groups;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    if (at::GradMode::is_enabled()) {
      throw ValueError("[nn.norm_film_silu] expected to be differentiated once, got create_graph");
    }
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &bias = saved[2], &film = saved[3], &statistics = saved[4];
    const NormShape shape = shape_of(x, film, context->saved_data["groups"].toInt(), 0);
    const Tensor dy = gradients[0].contiguous(kChannelsLast), dx = torch::empty_like(x);
    const Tensor dweight = torch::empty({x.size(0), shape.channels}, weight.options()),
                 dbias = torch::empty_like(dweight);
    const Tensor dfilm = film.defined() ? torch::empty_like(film) : Tensor();
    for_each_in_parallel(x.size(0), [&](int64_t i) {
      WideRow from(x, i), up(dy, i), to(dx, i);
      norm_film_silu_backward(shape, {from.read(), weight.data_ptr<float>(), bias.data_ptr<float>(), row(film, i)},
                              row(statistics, i), up.read(),
                              {to.data(), row(dweight, i), row(dbias, i), row(dfilm, i)});
      to.write();
    });
    return {dx, dweight.sum(0), dbias.sum(0), dfilm, Tensor()};
  }
};

void check_film(const Tensor& x, const Tensor& film) {
  check_shape("nn.norm_film_silu", "x", x, {-1, -1, -1, -1});
  if (film.defined()) check_shape("nn.norm_film_silu", "film", film, {x.size(0), 2 * x.size(1), -1, -1});
}

/// Nearest neighbour, so that a map of 8 x 8 addresses 2 x 2 blocks of a 16 x 16 feature map.
Tensor grown(const Tensor& map, const Tensor& x) {
  return map.size(2) == x.size(2) && map.size(3) == x.size(3) ? map
                                                              : at::upsample_nearest2d(map, {x.size(2), x.size(3)});
}

bool divides(const Tensor& film, const Tensor& x) {
  return x.size(2) % film.size(2) == 0 && x.size(3) % film.size(3) == 0;
}

}  // namespace

Tensor norm_film_silu(const Tensor& x, torch::nn::GroupNorm& norm, const Tensor& film) {
  check_film(x, film);
  const bool known = x.scalar_type() == torch::kFloat32 || is_half(x);
  if (!x.is_cpu() || !known || norm->weight.scalar_type() != torch::kFloat32) {
    return norm_film_silu_composed(x, norm, film);
  }
  std::optional<Tensor> map;
  if (film.defined()) {
    map = (divides(film, x) ? film : grown(film, x)).to(torch::kFloat32).contiguous(kChannelsLast);
  }
  const NormShape shape = shape_of(x, map.value_or(Tensor()), norm->options.num_groups(), norm->options.eps());
  return Fused::apply(x.contiguous(kChannelsLast), norm->weight, norm->bias, map, shape);
}

Tensor norm_film_silu_composed(const Tensor& x, torch::nn::GroupNorm& norm, const Tensor& film) {
  check_film(x, film);
  const Tensor normed = norm(x);
  if (!film.defined()) return torch::silu(normed);
  const std::vector<Tensor> halves = film.chunk(2, 1);
  // The 1 is added before the map grows: a quarter of the work or less.
  return torch::silu(torch::addcmul(grown(halves[1], x), normed, grown(halves[0] + 1, x)));
}

}  // namespace noisescope::nn
