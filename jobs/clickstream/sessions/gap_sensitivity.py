"""How many sessions there would be under other gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

_MICROS_A_MINUTE = 60_000_000
_PARTS = 1_000_000


@dataclass(frozen=True)
class CutAtGap:
    """Sessions under one gap, and how many of them would be a single event."""

    gap_minutes: int
    sessions: int
    lone_events: int

    @property
    def lone_share(self) -> float:
        """The share of sessions that are a single event, 0 to 1."""
        return self.lone_events / self.sessions if self.sessions else 0.0


def sample_of_visitors(rows: DataFrame, share: float) -> DataFrame:
    """All rows of about ``share`` (0 to 1) of the visitors, always the same ones."""
    return rows.where(F.pmod(F.xxhash64("domain_userid"), F.lit(_PARTS)) < int(share * _PARTS))


def cut_at_gaps(rows: DataFrame, gaps_minutes: Sequence[int]) -> list[CutAtGap]:
    """Sessions and lone events of ``rows`` (domain_userid, derived_tstamp, event_id) under each gap, by the gap alone.

    A visitor's session begins where nothing happened in the gap before; a lone event is one with nothing in the gap
    behind it either. One pass for all gaps.
    """
    by_time = Window.partitionBy("domain_userid").orderBy("derived_tstamp", "event_id")
    at_us = F.unix_micros("derived_tstamp")
    spaced = rows.select(
        (at_us - F.lag(at_us).over(by_time)).alias("before_us"), (F.lead(at_us).over(by_time) - at_us).alias("after_us")
    )
    counted = []
    for gap in gaps_minutes:
        gap_us = gap * _MICROS_A_MINUTE
        begins = F.col("before_us").isNull() | (F.col("before_us") > gap_us)
        ends = F.col("after_us").isNull() | (F.col("after_us") > gap_us)
        counted += [
            F.count(F.when(begins, 1)).alias(f"sessions_{gap}"),
            F.count(F.when(begins & ends, 1)).alias(f"lone_{gap}"),
        ]
    totals = spaced.agg(*counted).collect()[0]
    return [CutAtGap(gap, totals[f"sessions_{gap}"], totals[f"lone_{gap}"]) for gap in gaps_minutes]
