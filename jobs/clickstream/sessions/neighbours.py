"""The rows around the days of a run that depend on them, read once at fixed versions of the tables."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import UsageError
from jobs.clickstream.sessions import scope
from jobs.clickstream.sessions.params import SessionRules
from jobs.clickstream.sessions.tables import SESSION_EVENTS, SESSIONS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.lake.lake import Lake

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Neighbours:
    """Rows around the days of a run, as published before it; None where a table or a part is missing.

    ``session_events`` and ``sessions`` are all days from the first on which a session reaching into the run may begin
    to the last of ``tail``, the chains after the days of the run that may hang on them; ``carried`` opens the window.
    """

    lookback_days: int
    session_events: DataFrame | None = None
    carried: DataFrame | None = None
    tail: DataFrame | None = None
    tail_last_day: date | None = None
    last_day: date | None = None
    sessions: DataFrame | None = None

    @property
    def tail_days(self) -> DayRange:
        """The days after the run's own on which rows are labelled again."""
        if self.last_day is None or self.tail_last_day is None:
            raise ValueError("there is no tail")
        return DayRange(self.last_day + _DAY, self.tail_last_day)

    @classmethod
    def found(cls, lake: Lake, days: DayRange, rules: SessionRules, held: ExitStack) -> Neighbours:
        """Look around ``days``. Raises UsageError CLK-001 when the day before or after was cut by other rules.

        Frames cached on the way are released when ``held`` closes.
        """
        if not lake.exists(SESSION_EVENTS):
            return cls(rules.lookback_days)
        published = lake.read(SESSION_EVENTS)
        _check_rules(published, days, rules)
        tail, tail_last_day = _tail(published, days, rules, held)
        around = days.extended(before_days=rules.lookback_days, after_days=_length_after(days, tail_last_day))
        return cls(
            lookback_days=rules.lookback_days,
            session_events=published.where(around.predicate("event_date")),
            carried=scope.carried_in(published, days.first, rules),
            tail=tail,
            tail_last_day=tail_last_day,
            last_day=days.last,
            sessions=lake.read(SESSIONS, days=around) if lake.exists(SESSIONS) else None,
        )


def _length_after(days: DayRange, tail_last_day: date | None) -> int:
    return 0 if tail_last_day is None else (tail_last_day - days.last).days


def _check_rules(published: DataFrame, days: DayRange, rules: SessionRules) -> None:
    beside = F.col("event_date").isin(days.first - _DAY, days.last + _DAY)
    other = (
        published.where(beside & (F.col("session_rules") != F.lit(rules.text)))
        .select("event_date", "session_rules")
        .first()
    )
    if other is not None:
        raise UsageError(
            "CLK-001",
            f"{other['event_date']} was cut into sessions with other rules than this run's.",
            cause=f"There: {other['session_rules']}. Here: {rules.text}.",
            remedy="Give the same parameters, or run all days of the table at once with the new ones (--from, --to).",
        )


def _tail(
    published: DataFrame, days: DayRange, rules: SessionRules, held: ExitStack
) -> tuple[DataFrame | None, date | None]:
    """The chains after the last day that may continue it, and the last day on which they have events.

    Day by day, for the visitors whose chain continues: after some days none are left.
    """
    day = days.last + _DAY
    chains = scope.leading_chains(published, day, rules)
    tail: DataFrame | None = None
    last: date | None = None
    while not chains.isEmpty():
        tail = chains if tail is None else tail.unionByName(chains)
        last = day
        visitors = scope.open_visitors(chains, day, rules).persist()
        held.callback(visitors.unpersist)
        day += _DAY
        chains = scope.continued(scope.leading_chains(published, day, rules), visitors)
    return tail, last
