"""Places where a load waits for the moment at which it disturbs least.

Compiling and warming up a graph takes several times as long as a frame, on the cores that run
frames meanwhile, and a low priority alone does not keep it off them: a scheduler lets what it runs
finish its slice. So a load comes in short steps, and each begins in the gap after a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_wait = ContextVar[Callable[[], None] | None]("wait", default=None)


def pause() -> None:
    """Between two steps of a load: wait, if this thread was told to."""
    if wait := _wait.get():
        wait()


@contextmanager
def pausing(wait: Callable[[], None]) -> Iterator[None]:
    """Have `pause` call `wait` meanwhile, in this thread alone."""
    token = _wait.set(wait)
    try:
        yield
    finally:
        _wait.reset(token)
