"""Progress of long calls: one line on stderr that is redrawn, in terminals and notebooks alike."""

import sys
import time
from collections.abc import Callable

from noisescope._core import Progress

ProgressSink = Callable[[Progress], None]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02d}:{rest:02d}"


class Line:
    """Prints after a second, so that short calls stay silent: `u_turns  45% 9/20 pictures [00:03<00:04]`."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.shown = 0.0

    def __call__(self, report: Progress) -> None:
        now, done, total = time.monotonic(), report.done, report.total
        if now - self.started < 1 or (now - self.shown < 0.2 and done < total):
            return
        self.shown = now
        spent = now - self.started
        left = f"<{_clock(spent * (total - done) / done)}" if total and done else ""
        share = f" {done / total:4.0%} {done:g}/{total:g}" if total else f" {done:g}"
        sys.stderr.write(f"\r{report.task}{share} {report.unit} [{_clock(spent)}{left}] {report.detail}\x1b[K"
                         + ("\n" if total and done >= total else ""))
        sys.stderr.flush()


def _in_notebook() -> bool:
    return type(sys.stdout).__name__ == "OutStream"


def sink(progress: ProgressSink | bool | None) -> ProgressSink | None:
    """What to hand to a long call: `progress` itself, a line where somebody watches (None), or nothing (False)."""
    if callable(progress):
        return progress
    if progress is False or (progress is None and not (sys.stderr.isatty() or _in_notebook())):
        return None
    return Line()
