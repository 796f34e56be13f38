"""The regressors of a backtest: read, checked, written to REGRESSORS, and read again by what forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import InputMissingError, UsageError
from common.report.wording import plural
from common.run.gate import pass_gate
from common.spark.few_rows import few_rows
from jobs.forecast.demand.hours import OF_PERIOD, as_periods, as_stored
from jobs.forecast.demand.inputs import History
from jobs.forecast.demand.steps import with_series
from jobs.forecast.regressors.declared import HOLIDAYS, KNOWN_AHEAD, LAGGED, VIEWS, WITH_REGRESSORS, Declared
from jobs.forecast.regressors.horizons import check_ends, ends_of_calendars
from jobs.forecast.regressors.observed import holiday_rows, of_lines, viewed
from jobs.forecast.regressors.places import holidays_by_place, places_of_series
from jobs.forecast.regressors.planned import before_the_plan, of_no_series, planned, scoped
from jobs.forecast.regressors.public_holidays import holidays_of_periods
from jobs.forecast.regressors.tables import CALENDAR, REGRESSORS
from jobs.forecast.sales.tables import SALES
from jobs.forecast.tables import CLICKSTREAM_EVENTS

if TYPE_CHECKING:
    from common.run.context import RunContext


@dataclass(frozen=True)
class Span:
    """The periods of which regressors are kept: those of a history, and ``horizon`` more; the origins that need them.

    ``cutoffs`` are the last periods known at the origins of the backtest, the latest first.
    """

    history: History
    cutoffs: tuple[date, ...]
    horizon: int

    @property
    def starts(self) -> list[date]:
        """The first days of all periods, those to come among them."""
        found, periods = [self.history.first_ds], self.history.periods
        last = periods.plus(self.history.last_ds, self.horizon)
        while found[-1] < last:
            found.append(periods.plus(found[-1], 1))
        return found

    @property
    def days(self) -> DayRange:
        """The days on which these periods begin, and the next one: its holidays are looked at as well."""
        starts, periods = self.starts, self.history.periods
        return DayRange(periods.day(starts[0]), periods.day(periods.plus(starts[-1], 1)))


def write_regressors(context: RunContext, declared: Declared, series_by: Sequence[str], span: Span) -> DataFrame | None:
    """The regressors of the series of ``span`` as ``read_regressors`` gives them, published; None without any.

    Those of a period replace what another run kept of it. They are of all days: what became known after the day of the
    run is kept as well, so that a rerun loses nothing. Raises UsageError FCT-072 when a calendar ends too early, and
    InputMissingError FCT-071 or FCT-073 when nothing gives a regressor its values.
    """
    if not declared:
        return None
    if VIEWS in declared.names(LAGGED) and span.history.periods.freq == "H":
        raise UsageError(
            "FCT-075",
            "Views cannot be used for hours.",
            cause="Events have a moment, but which hour of the shop's clock that is no event says.",
            remedy="Leave views out, or use freq=D in forecast.history.",
        )
    items = _Items(context, series_by, span, declared)
    ahead = _ahead(context, declared, items, span)
    past = _past(context, declared, items, span)
    found = [
        part.withColumn("kind", F.lit(kind))
        for kind, part in ((KNOWN_AHEAD, ahead), (LAGGED, past))
        if part is not None
    ]
    if not found:
        raise _no_values(declared.names(LAGGED))
    rows = reduce(DataFrame.unionByName, found)
    of_history = span.history.series.select("unique_id")
    kept = rows.where("unique_id IS NOT NULL").join(of_history, "unique_id", "left_semi")
    stored = as_stored(kept.unionByName(rows.where("unique_id IS NULL")), OF_PERIOD)
    with context.lake.stage(REGRESSORS, stored.select(*REGRESSORS.schema.names)) as staged:
        names = {row["name"] for row in staged.rows.select("name").distinct().collect()}
        missing = sorted(set(declared.by_name) - {HOLIDAYS} - names)
        if missing:
            raise _no_values(missing)
        written = context.lake.replace_days(pass_gate(context, staged), days=span.days)
        context.counts.detail("regressor_rows", written.rows_written)
    items.forget()
    return read_regressors(context, declared, span)


def read_regressors(context: RunContext, declared: Declared, span: Span) -> DataFrame:
    """``unique_id, name, ds, known, value`` of the declared names: rows of REGRESSORS, ``known`` in days since 1970."""
    kinds = F.create_map(*(F.lit(part) for pair in declared.by_name.items() for part in pair))
    rows = context.lake.read(REGRESSORS, days=span.days).where(F.col("kind") == kinds[F.col("name")])
    rows = as_periods(rows, span.history.periods, OF_PERIOD)
    return rows.select("unique_id", "name", "ds", F.unix_date("known_on").alias("known"), "value")


def kept_regressors(context: RunContext, declared: Declared, span: Span) -> DataFrame:
    """What the backtest kept of its regressors; raises InputMissingError FCT-074 when it is no longer there."""
    found: set[str] = set()
    if context.lake.exists(REGRESSORS):
        rows = read_regressors(context, declared, span)
        found = {row["name"] for row in rows.select("name").distinct().collect()}
    if set(declared.by_name) - found:
        raise InputMissingError(
            "FCT-074",
            f"forecast.regressors has no {', '.join(sorted(set(declared.by_name) - found))}, which the backtest had.",
            cause="A later backtest with other regressors has replaced them, or the table is gone.",
            remedy=f"Run forecast.backtest --day {span.history.as_of} again with its regressors.",
        )
    return rows


def kept_beside(model: str, declared: Declared) -> Column:
    """``declared`` as a map, for the rows of a model with regressors: forecast.predict takes the same."""
    parts = [F.lit(part) for pair in declared.as_map().items() for part in pair]
    return F.when(F.col(model).isin(*WITH_REGRESSORS), F.create_map(*parts).cast("map<string,string>"))


class _Items:
    """Sales lines of the history with their series and period, and which products and stores the series are of."""

    def __init__(self, context: RunContext, series_by: Sequence[str], span: Span, declared: Declared) -> None:
        self.lines: DataFrame | None = None
        self.items: DataFrame | None = None
        self.places: DataFrame | None = None
        if context.lake.exists(SALES):
            sales = context.lake.read(SALES)
            history, periods = span.history, span.history.periods
            ends = [periods.literal(end) for end in (history.first_ds, history.last_ds)]
            self.lines = with_series(sales, series_by).withColumn("ds", periods.of_line())
            self.lines = self.lines.where(F.col("ds").between(*ends))
            self.items = self.lines.select("unique_id", "item_id", "store").distinct().persist()
            if isinstance(declared.holidays_of, Mapping):
                found = places_of_series(self.lines, declared.holidays_by, declared.holidays_of)
                self.places = found.persist()

    def forget(self) -> None:
        """Give back what was kept for the run."""
        for kept in (self.items, self.places):
            if kept is not None:
                kept.unpersist()


def _ahead(context: RunContext, declared: Declared, items: _Items, span: Span) -> DataFrame | None:
    """Values of what is known ahead: holidays, the calendar, and before it what the sales lines say."""
    periods, parts = span.history.periods, []
    if declared.holidays_of:
        parts.append(_holidays(context, declared, items, span))
    names = declared.names(KNOWN_AHEAD)
    if names:
        entries = _entries(context, names, items, span)
        values = planned(entries, span.starts, periods)
        # Of hours it is not known when they were known, only on which day.
        if items.lines is not None and periods.freq != "H":
            values = before_the_plan(values, of_lines(items.lines, names, periods), entries)
        parts.append(values)
    return reduce(DataFrame.unionByName, parts) if parts else None


def _holidays(context: RunContext, declared: Declared, items: _Items, span: Span) -> DataFrame:
    """The holidays of all series, or of each those of its place."""
    periods, places = span.history.periods, declared.holidays_of
    starts = [*span.starts, periods.plus(span.starts[-1], 1)]
    if isinstance(places, str):
        counted = holidays_of_periods(places, starts, periods)
        return holiday_rows(few_rows(context.spark, counted, f"ds {periods.sql_type}, value double"))
    if items.places is None or not places or items.places.where("place IS NOT NULL").isEmpty():
        raise _no_values([HOLIDAYS])
    # Counted, not named: a warning holds no values of rows, and a free category may be personal.
    nowhere = items.places.where("place IS NULL").select("value").distinct().count()
    if nowhere:
        values = f"{plural(nowhere, 'value')} of {declared.holidays_by}"
        context.warn(f"holidays_of has no place for {values}: no holidays count there.")
    each = sorted(set(places.values()))
    rows = [(place, *one) for place in each for one in holidays_of_periods(place, starts, periods)]
    of_places = few_rows(context.spark, rows, f"place string, ds {periods.sql_type}, value double")
    return holidays_by_place(items.places, of_places)


def _entries(context: RunContext, names: Sequence[str], items: _Items, span: Span) -> DataFrame:
    if not context.lake.exists(CALENDAR):
        raise _no_calendar(names)
    calendar = context.lake.read(CALENDAR).where(F.col("name").isin(*names))
    found = {row["name"] for row in calendar.select("name").distinct().collect()}
    if set(names) - found:
        raise _no_calendar(sorted(set(names) - found))
    strangers = of_no_series(calendar, items.items, span.history.series).count()
    if strangers:
        context.counts.detail("calendar_rows_of_no_series", strangers)
        context.warn(
            f"{plural(strangers, 'row')} of forecast.calendar: no series of the backtest has that series, product or "
            "store, so they tell nothing. Ids are compared as they are written in forecast.sales."
        )
    entries = scoped(calendar, items.items, span.history.periods)
    history, cutoffs = span.history, (span.history.last_ds, *span.cutoffs)
    ends = ends_of_calendars(entries, history.series, history.periods, cutoffs, span.horizon).collect()
    check_ends(ends, history.periods, cutoffs, span.horizon)
    return entries


def _no_calendar(names: Sequence[str]) -> InputMissingError:
    return InputMissingError(
        "FCT-071",
        f"No calendar says what comes of {', '.join(names)}.",
        cause="A regressor that is known_ahead needs values of the periods to come, and forecast.calendar has none.",
        remedy="Take a calendar in by forecast.ingest_calendar, or declare the regressor as lagged.",
    )


def _past(context: RunContext, declared: Declared, items: _Items, span: Span) -> DataFrame | None:
    """Values of what is known afterwards only: columns and free numbers of sales lines, and product views."""
    names, periods, parts = declared.names(LAGGED), span.history.periods, []
    in_lines = [name for name in names if name != VIEWS]
    if in_lines and items.lines is not None:
        parts.append(of_lines(items.lines, in_lines, periods))
    if VIEWS in names and items.items is not None and context.lake.exists(CLICKSTREAM_EVENTS):
        past = [start for start in span.starts if start <= span.history.last_ds]
        parts.append(viewed(context.lake.read(CLICKSTREAM_EVENTS), items.items, past, periods))
    return reduce(DataFrame.unionByName, parts) if parts else None


def _no_values(names: Sequence[str]) -> InputMissingError:
    return InputMissingError(
        "FCT-073",
        f"There are no values of the {', '.join(names)} of any series.",
        cause="No sales line of these days has such a column or free number, or no event is a view of a product.",
        remedy="Map it in the source of the sales (docs/sources.md), or leave the regressor out.",
    )
