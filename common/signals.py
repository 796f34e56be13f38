"""SIGTERM as an exception of the main thread, so that leases are released on the way out."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """The process was told to end (SIGTERM). Not an Exception: no ``except Exception`` of a body may swallow it."""


def _stop(number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second signal must not cut short what the first one set off.
    signal.signal(number, signal.SIG_IGN)
    raise Stopped


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise Stopped in the main thread on SIGTERM; outside of the main thread nothing is changed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, _stop)
    if before[signal.SIGINT] in (signal.SIG_IGN, None):
        # A shell starts background jobs with SIGINT ignored; a person who sends it still means it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def take_back_interrupt() -> None:
    """Have SIGINT raise KeyboardInterrupt at once.

    PySpark's own handler cancels the jobs first, over the connection that is busy with the interrupted call, and so it
    waits for the end of what it is meant to stop.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore SIGTERM and SIGINT while the end of a run is written down; SIGKILL still ends it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
