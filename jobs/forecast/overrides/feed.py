"""Overrides of planners: rows as sent to rows of OVERRIDES, and what becomes of each.

An override never changes. Another one for the same periods, made later, takes its place in forecasts of later days; the
older one still says what was known before. Which of them holds is decided by the forecast (see steps.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.intake.fates import with_read_error
from common.quality.library import is_blank, is_null, out_of_range
from common.quality.rules import Rule, split
from jobs.forecast.demand.steps import with_series
from jobs.forecast.sales.steps import day_in
from jobs.forecast.taken import settled_by_content

FUTURE: Final = "FCT-197"
"""The reason of rows that may be right later."""

MOST_UNITS: Final = 1e12
"""The most units of a period believed."""

MOST_TIMES: Final = 1e6
"""The largest factor believed."""

_CONTENT: Final = ("unique_id", "first_ds", "last_ds", "y_hat", "factor", "reason", "made_at")


def override_rules(latest: datetime, earliest_day: date) -> list[Rule]:
    """The rules of an override; ``earliest_day`` and ``latest`` (UTC) are the first day and the last moment at which
    it can have been made.
    """
    return [
        Rule("FCT-191", "the series of the override is missing", is_blank("unique_id")),
        Rule("FCT-192", "the first period is missing or cannot be read", is_null("first_ds")),
        Rule("FCT-193", "it gives neither units nor a factor, or both", _gives_not_one),
        Rule("FCT-194", "its units or its factor are not a number of zero or more", _is_no_number),
        Rule("FCT-195", "the reason is missing", is_blank("reason")),
        Rule("FCT-196", "the time at which it was made is missing or cannot be read", is_null("made_at")),
        Rule(FUTURE, "it is made only in the future", out_of_range("made_at", high=latest)),
        Rule("FCT-198", "it was made before earliest_day", out_of_range("made_day", low=earliest_day)),
        Rule("FCT-199", "the last period is before the first", _is_backwards),
    ]


def _gives_not_one() -> Column:
    return F.col("y_hat").isNull() == F.col("factor").isNull()


def _is_no_number() -> Column:
    outside = [~F.col("y_hat").between(0.0, MOST_UNITS), ~F.col("factor").between(0.0, MOST_TIMES)]
    return reduce(or_, (F.coalesce(one, F.lit(False)) for one in outside))


def _is_backwards() -> Column:
    return F.coalesce(F.col("last_ds") < F.col("first_ds"), F.lit(False))


def override_rows(mapped: DataFrame, series_by: Sequence[str], source_zone: str = "UTC") -> DataFrame:
    """Mapped rows of OVERRIDES_FEED with ``unique_id``, ``reason`` and the days ``first_ds, last_ds, made_day``.

    A row without a unique_id gets the one that forecast.history makes of ``series_by``, null when all of them are
    blank. Days are by the clock of ``source_zone``; a date without a time of day stays the date that it is.
    """
    is_named = ~is_blank("unique_id")()
    has_parts = reduce(or_, (~is_blank(name)() for name in series_by))
    # A row that names its series is like the value of a ready series, whose name with_series keeps.
    kept = mapped.withColumns({"is_series": is_named, "_has_name": is_named | has_parts})
    named = kept.withColumn("item_id", F.when(is_named, F.trim("unique_id")).otherwise(F.col("item_id")))
    made = with_series(named, series_by)
    # Minus zero is equal to zero, but not as text, of which the id of a line is made.
    numbers = {name: F.when(F.col(name) == 0, F.lit(0.0)).otherwise(F.col(name)) for name in ("y_hat", "factor")}
    days = {name: day_in(name, source_zone) for name in ("first_ds", "last_ds")}
    return made.withColumns(
        {
            **numbers,
            **days,
            "unique_id": F.when(F.col("_has_name"), F.col("unique_id")),
            "reason": F.trim("reason"),
            "made_day": day_in("made_at", source_zone),
        }
    ).drop("is_series", "_has_name")


def prepared_overrides(rows: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """``rows`` (see ``override_rows``) with ``reasons``: row by row."""
    return split(with_read_error(rows), rules)


def settled_overrides(ruled: DataFrame, stored: DataFrame | None) -> DataFrame:
    """Prepared rows with ``line_id``, made of their content, and their fate; ``stored`` are rows of OVERRIDES."""
    return settled_by_content(ruled, stored, _CONTENT)
