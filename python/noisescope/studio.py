"""The studio: a live page of a model, beside a notebook or script."""

import atexit
import weakref
import webbrowser
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from noisescope import _core
from noisescope.model import Model, ModelLike
from noisescope.model import model as model_of
from noisescope.run import Run
from noisescope.world import World


class Studio:
    """A running studio. `address` holds its token: who knows it may draw. Ends with `stop()`, with the `with` block, or
    with the interpreter."""

    def __init__(self, core: _core.Studio) -> None:
        self._core = core
        self.address = core.address
        stop = weakref.WeakMethod(self.stop)
        atexit.register(lambda: (method := stop()) and method())

    def __repr__(self) -> str:
        return f"Studio({self.address!r})"

    def _repr_html_(self) -> str:
        return f'<a href="{self.address}" target="_blank">the studio</a>'

    def stop(self) -> None:
        """Ends it: nothing answers at the address any more."""
        self._core.stop()

    def __enter__(self) -> "Studio":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()


def _argument(model: Any) -> str:
    """How the command line calls it; "": not at all."""
    if isinstance(model, Run):
        return model.folder
    return f"world:{model.member}" if isinstance(model, World) and not model.changes else ""


def studio(model: ModelLike, *, examples: Sequence[str] = (), host: str = "127.0.0.1", port: int = 0,
           open_browser: bool = False) -> Studio:
    """Serves a model as a live page: draw, scrub the noise, change it, see why. `examples`: prompts that the page
    offers (default: those that the model is known to draw); `port` 0: any that is free. The model is asked on another
    thread, one question at a time. Raises IoError for a port that is taken."""
    folder = model.folder if isinstance(model, Run) else ""
    served = model if isinstance(model, Model) else model_of(model)
    made = Studio(_core.Studio(served._model, folder, _argument(model), list(examples), host, port))
    if open_browser:
        webbrowser.open(made.address)
    return made
