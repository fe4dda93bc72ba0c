"""The two-object world: pictures whose captions, masks, factors and optimal denoiser are known exactly."""

from collections.abc import Sequence
from typing import Any, Unpack

from torch import Tensor

from noisescope import _core
from noisescope._keywords import takes_options
from noisescope._options import WorldOptions
from noisescope.model import Model
from noisescope.pictures import Pictures, pictures_of, tensor_of


class Scenes:
    """Scenes of a world: `pictures`, `captions`, `factors`, `object_masks` [B, 2, 32, 32]."""

    def __init__(self, core: _core.Scenes) -> None:
        self._core = core

    def __len__(self) -> int:
        return len(self._core)

    @property
    def pictures(self) -> Tensor:
        """[B, 3, 32, 32] float32 in [-1, 1]."""
        return self._core.pictures

    @property
    def captions(self) -> list[str]:
        """All that a caption of the world says of each."""
        return list(self._core.captions)

    @property
    def factors(self) -> dict[str, list[str]]:
        """left_shape, left_colour, right_shape, right_colour, background: a word a scene."""
        return dict(self._core.factors)

    @property
    def object_masks(self) -> Tensor:
        """[B, 2, 32, 32] bool: the pixels of the left and of the right object."""
        return self._core.object_masks

    def counterfactual_masks(self, factor: str) -> Tensor:
        """[B, 32, 32] bool: the pixels that change when this factor alone takes any other value. The truth of where
        evidence on it can lie: for a shape the disputed edges, not the object."""
        return self._core.counterfactual_masks(factor)

    def _repr_png_(self) -> bytes:
        return Pictures(self.pictures)._repr_png_()


class World(Model):
    """The exact model of the world "demo" (12 px objects, captions with order and background) or "fine" (8 px, 1 px
    grid), with changes.

    >>> len(World().captions())
    396
    >>> round(World().entropy(), 2)
    5.98
    """

    @takes_options("World")
    def __init__(self, member: str = "demo", **options: Unpack[WorldOptions]) -> None:
        self._core = _core.World(member, options)
        self.member, self.changes = member, dict(options)
        super().__init__(self._core.model())

    @property
    def options(self) -> dict[str, Any]:
        return dict(self._core.options)

    @property
    def words(self) -> list[str]:
        return list(self._core.words)

    def captions(self) -> list[str]:
        """One caption for every full meaning."""
        return list(self._core.captions())

    def scenes(self, count: int, seed: int = 0, **factors: str) -> Scenes:
        """`count` scenes, all alike likely; scene i depends on (seed, i) alone. With factors, such as
        left_colour="red", the first `count` that show them."""
        return Scenes(self._core.scenes(count, seed, factors))

    def entropy(self, given: str = "") -> float:
        """Nats of a scene's full meaning, given a caption that is true of it."""
        return float(self._core.entropy(given))

    def posterior(self, x: Any, sigma: Any, condition: Any, factor: str) -> Tensor:
        """p(factor | x, condition), [B, values] float64; factor as in Scenes.factors, or left_object, left_position."""
        return self._core.posterior(pictures_of(x, "x"), tensor_of(sigma, "sigma"), tensor_of(condition), factor)

    def log_likelihood_ratio(self, x: Any, sigma: Any, conditions: Any, reference: Any) -> Tensor:
        """log p(x | conditions[k]) - log p(x | reference) in nats, [B, K] float64."""
        return self._core.log_likelihood_ratio(pictures_of(x, "x"), tensor_of(sigma, "sigma"), tensor_of(conditions),
                                               tensor_of(reference))

    def agreement(self, pictures: Any, captions: Sequence[str]) -> dict[str, Tensor]:
        """The exact reader: [B] bool for shapes, colours, sides, background, joint (the caption is true of the
        picture) and rejected (nothing of the world), and residual_rms."""
        return dict(self._core.agreement(pictures_of(pictures).float(), list(captions)))
