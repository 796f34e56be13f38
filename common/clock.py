"""The one place that asks the clock; everything else is given the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time of day, aware, in UTC."""
    return datetime.fromtimestamp(time.time(), tz=UTC)


def monotonic_seconds() -> float:
    """Seconds on a clock that never goes back, for measuring how long something takes."""
    return time.monotonic()


def utc_text(moment: datetime) -> str:
    """``2026-11-20T06:00:00.000Z``: the one spelling of times in records, logs and reports."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
