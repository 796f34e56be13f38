"""Rows whose time has not come: they are rejected for now, and taken by a later run."""

from __future__ import annotations

from datetime import datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.intake.feed import DUE, WAITS
from common.quality.rules import REASONS

_LONGEST_WAIT = timedelta(days=366)


def with_waiting(rows: DataFrame, code: str, time: str, latest: datetime, now: datetime) -> DataFrame:
    """``rows`` (with ``reasons``) with ``_due`` and ``_waits``: those rejected for ``code`` alone, their ``time`` being
    after ``latest``, and due as soon as it no longer is.

    Times more than a year ahead, such as 9999-12-31, stand for something else: these rows do not wait.
    """
    is_early = (F.size(REASONS) == 1) & F.startswith(F.get(REASONS, F.lit(0)), F.lit(code))
    will_come = F.col(time) <= F.lit(now + _LONGEST_WAIT)
    waits = F.coalesce(is_early & will_come, F.lit(False))
    tolerance_micros = int((latest - now) / timedelta(microseconds=1))
    due = F.timestamp_micros(F.unix_micros(time) - F.lit(tolerance_micros))
    return rows.withColumns({WAITS: waits, DUE: F.when(waits, due)})
