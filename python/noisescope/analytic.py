"""Data whose denoiser is known in closed form: what samplers and explainers can be tested on.

Pictures [B, C, H, W] are read as vectors of N = C H W numbers; tables are float64.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from noisescope import _core
from noisescope._core import Denoiser
from noisescope.pictures import pictures_of, tensor_of


class GaussianData:
    """x_0 = mean [N] + matrix [N, M] y + residual, y ~ N(0, I), residual ~ N(0, covariance [N, N] or its diagonal [N]).

    Condition rows are [y_1 .. y_M, known]: known = 1 reveals y, 0 is the null condition.

    >>> import torch
    >>> gaussian = GaussianData(torch.zeros(4).double(), torch.ones(4).double())
    >>> gaussian.denoiser()(torch.ones(1, 1, 2, 2), torch.ones(1), torch.zeros(1, 1)).flatten().tolist()
    [0.5, 0.5, 0.5, 0.5]
    """

    def __init__(self, mean: Any, covariance: Any, matrix: Any = None) -> None:
        self._core = _core.GaussianData(tensor_of(mean, "mean"), tensor_of(covariance, "covariance"),
                                        None if matrix is None else tensor_of(matrix, "matrix"))

    def denoiser(self) -> Denoiser:
        """D(x, sigma, c) = m + S (S + sigma^2 I)^-1 (x - m), mean m and covariance S under c."""
        return self._core.denoiser()

    def flow(self, x: Any, sigma_from: float, sigma_to: float, condition: Any) -> Tensor:
        """The probability-flow ODE from one noise level to another, exactly."""
        return self._core.flow(pictures_of(x, "x"), sigma_from, sigma_to, tensor_of(condition, "condition"))

    def information(self, sigma: float) -> float:
        """Nats between the noisy picture at sigma (0: the clean one) and the condition."""
        return float(self._core.information(sigma))

    def sample(self, sample_ids: Sequence[int], y: Any = None, *, seed: int = 0) -> Tensor:
        """x_0 [B, N] given y [B, M]; row b depends on (seed, sample_ids[b])."""
        return self._core.sample(seed, list(sample_ids), None if y is None else tensor_of(y, "y"))


class GaussianMixture:
    """K Gaussians with means [K, N] and variances [K, N]. Condition rows are weights over the components, [B, K]."""

    def __init__(self, means: Any, variances: Any) -> None:
        self._core = _core.GaussianMixture(tensor_of(means, "means"), tensor_of(variances, "variances"))

    def denoiser(self) -> Denoiser:
        """D = sum_k p(k | x, c) (mu_k + v_k / (v_k + sigma^2) (x - mu_k))."""
        return self._core.denoiser()

    def posterior(self, x: Any, sigma: Any, condition: Any) -> Tensor:
        """p(k | x, c), [B, K] float64."""
        return self._core.posterior(pictures_of(x, "x"), tensor_of(sigma, "sigma"), tensor_of(condition, "condition"))

    def log_density(self, x: Any, sigma: Any, condition: Any) -> Tensor:
        """ln p(x; sigma | c) in nats, [B] float64; sigma [B] >= 0."""
        return self._core.log_density(pictures_of(x, "x"), tensor_of(sigma, "sigma"),
                                      tensor_of(condition, "condition"))
