"""Calendar files to rows of CALENDAR: days, scope and value of each entry, and what becomes of it.

An entry never changes. Another decision about the same days is an entry of its own, with a later ``known_at``: the
older one still says what was known before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.intake.fates import with_read_error
from common.quality.library import is_blank, is_null, not_finite, out_of_range
from common.quality.rules import Rule, split
from jobs.forecast.sales.steps import day_in
from jobs.forecast.taken import settled_by_content

FUTURE: Final = "FCT-165"
"""The reason of rows that may be right later."""

_SCOPE: Final = ("unique_id", "item_id", "store")
_CONTENT: Final = ("name", *_SCOPE, "first_day", "last_day", "value", "known_at")


def calendar_rules(latest: datetime, earliest_day: date) -> list[Rule]:
    """The rules of an entry; ``earliest_day`` and ``latest`` (UTC) are the first day and the last moment at which
    it can have become known: one of 1900 stands for a missing time, and would be known to every origin.
    """
    return [
        Rule("FCT-161", "the name of what is planned is missing", is_blank("name")),
        Rule("FCT-162", "the first day is missing or cannot be read", is_null("first_day")),
        Rule("FCT-163", "the time at which it was known is missing or cannot be read", is_null("known_at")),
        Rule("FCT-164", "the last day is before the first", _is_backwards),
        Rule(FUTURE, "it becomes known only in the future", out_of_range("known_at", high=latest)),
        Rule("FCT-166", "the value is missing, cannot be read or is not finite", _has_no_value),
        Rule("FCT-167", "it is known since before earliest_day", out_of_range("known_on", low=earliest_day)),
    ]


def _is_backwards() -> Column:
    return F.coalesce(F.col("last_day") < F.col("first_day"), F.lit(False))


def _has_no_value() -> Column:
    return F.col("value").isNull() | F.coalesce(not_finite("value")(), F.lit(False))


def calendar_rows(mapped: DataFrame, source_zone: str = "UTC", *, has_values: bool = True) -> DataFrame:
    """Mapped rows of CALENDAR_FEED with the columns of CALENDAR but ``line_id``, days by the clock of ``source_zone``.

    ``last_day`` is null for the entry of a period (``ds``). Without ``has_values`` no source maps ``value``: it is 1.
    """
    named = {name: F.when(~is_blank(name)(), F.trim(name)) for name in ("name", *_SCOPE)}
    first = F.coalesce(day_in("starts_on", source_zone), day_in("ds", source_zone))
    last = F.when(F.col("starts_on").isNotNull(), F.coalesce(day_in("ends_on", source_zone), first))
    value = F.col("value") if has_values else F.lit(1.0)
    return mapped.withColumns(
        {
            **named,
            "first_day": first,
            "last_day": last,
            # Minus zero is equal to zero, but not as text, of which the id of a line is made.
            "value": F.when(value == 0, F.lit(0.0)).otherwise(value),
            "known_on": day_in("known_at", source_zone),
        }
    )


def prepared_calendar(rows: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """``rows`` (see ``calendar_rows``) with ``reasons``: row by row."""
    return split(with_read_error(rows), rules)


def settled_calendar(ruled: DataFrame, stored: DataFrame | None) -> DataFrame:
    """Prepared rows with ``line_id``, made of their content, and their fate; ``stored`` are rows of CALENDAR."""
    return settled_by_content(ruled, stored, _CONTENT)
