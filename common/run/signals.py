"""SIGTERM as an exception of the main thread, so that leases are released on the way out."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """The process was asked to end (SIGTERM). Not an Exception: no ``except Exception`` of a body may swallow it."""


def _stop(number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second signal must not cut short what the first one set off.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt if number == signal.SIGINT else Stopped


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise Stopped on SIGTERM and KeyboardInterrupt on SIGINT, each once; only the main thread can do so.

    SIGINT counts also where it was ignored, as a shell has it for jobs in the background: who sends it means it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def take_back_interrupt() -> None:
    """Inside of ``stoppable``: have SIGINT raise KeyboardInterrupt at once again, after a session was opened.

    PySpark's own handler cancels the jobs first, over the connection that is busy with the interrupted call, and so it
    waits for the end of what it is meant to stop.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _stop:
        signal.signal(signal.SIGINT, _stop)


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
