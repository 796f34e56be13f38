"""Promotions and events of a series: what is planned in the periods that are forecast, and what was lately.

They are the regressors of the series as known on the day: those that are known ahead, prices and holidays aside, and
promotions of any kind. What is other than zero in more than half of the periods looked at is no event but a number,
such as a temperature.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.planning.exceptions import BEFORE, Look, period_words
from jobs.forecast.regressors.declared import HOLIDAYS, KNOWN_AHEAD, PRICE, PROMOTION, WITH_REGRESSORS

_LARGEST_SHARE: Final = 0.5


def is_event() -> Column:
    """Whether a row of REGRESSORS can be a promotion or an event."""
    name = F.col("name")
    return ((F.col("kind") == KNOWN_AHEAD) & ~name.isin(PRICE, HOLIDAYS)) | (name == PROMOTION)


def first_looked_at(look: Look, last_ds: date) -> date:
    """The first of the past periods that are looked at: as many as the exceptions look at."""
    return look.periods.plus(last_ds, 1 - (BEFORE + 1) * look.recent)


def events_of(regressors: DataFrame, look: Look, last_ds: date, horizon: int, as_of: date) -> DataFrame:
    """One row per series and name of an event: ``unique_id, name, ahead, first_ahead, lately, last_lately``.

    ``regressors`` are rows of REGRESSORS that can be events, with periods put together; what was not known at the end
    of ``as_of`` does not count. ``ahead`` and ``lately`` are numbers of periods, of the ``horizon`` next ones and of
    the recent ones up to ``last_ds``. ``unique_id`` is null for what holds for all.
    """
    plus, here = look.periods.plus, look.periods.literal
    first, last = first_looked_at(look, last_ds), plus(last_ds, horizon)
    known = regressors.where((F.col("known_on") <= F.lit(as_of)) & F.col("ds").between(here(first), here(last)))
    values = known.groupBy("unique_id", "name", "ds").agg(F.max_by("value", "known_on").alias("value"))
    on = values.where((F.col("value") != 0) & ~F.isnan("value"))
    is_ahead = F.col("ds") > here(last_ds)
    is_recent = F.col("ds").between(here(plus(last_ds, 1 - look.recent)), here(last_ds))
    found = on.groupBy("unique_id", "name").agg(
        F.count_if(is_ahead).alias("ahead"),
        F.min(F.when(is_ahead, F.col("ds"))).alias("first_ahead"),
        F.count_if(is_recent).alias("lately"),
        F.max(F.when(is_recent, F.col("ds"))).alias("last_lately"),
        F.count(F.lit(1)).alias("_all"),
    )
    most = _LARGEST_SHARE * ((BEFORE + 1) * look.recent + horizon)
    return found.where((F.col("_all") <= most) & (F.col("ahead") + F.col("lately") > 0)).drop("_all")


def said_of_series(events: DataFrame, trials: DataFrame, look: Look, last_ds: date, horizon: int) -> DataFrame:
    """``unique_id, ahead, lately, is_last_promoted``: what ``events_of`` the series says, in words; null for nothing.

    ``trials`` (TRIALS) say whether the forecast knows of what is ahead: a model with this regressor has a share.
    """
    own = events.where("unique_id IS NOT NULL")
    used = trials.where(F.col("model").isin(*WITH_REGRESSORS) & (F.col("weight") > 0))
    knows = used.groupBy("unique_id").agg(
        F.array_distinct(F.flatten(F.collect_list(F.map_keys("regressors")))).alias("_known")
    )
    named = own.join(knows, "unique_id", "left")
    is_known = F.coalesce(F.array_contains("_known", F.col("name")), F.lit(False))
    ahead = F.when(F.col("ahead") > 0, _ahead(look, horizon))
    lately = F.when(F.col("lately") > 0, _lately(look))
    is_last = F.col("last_lately") == look.periods.literal(last_ds)
    found = named.groupBy("unique_id").agg(
        F.array_join(F.sort_array(F.collect_list(ahead)), ", ").alias("_ahead"),
        F.array_join(F.sort_array(F.collect_list(lately)), ", ").alias("_lately"),
        F.bool_and(F.when(F.col("ahead") > 0, is_known)).alias("_is_known"),
        F.coalesce(F.bool_or(is_last), F.lit(False)).alias("is_last_promoted"),
    )
    tail = F.when(F.col("_is_known"), "; its forecast knows of that").otherwise("; its forecast does not know of that")
    return found.select(
        "unique_id",
        F.when(F.col("_ahead") != "", F.concat("_ahead", tail)).alias("ahead"),
        F.when(F.col("_lately") != "", F.col("_lately")).alias("lately"),
        "is_last_promoted",
    )


def with_events(known: DataFrame, said: DataFrame | None) -> DataFrame:
    """``known`` (unique_id, ...) with the columns of ``said_of_series``; null where there are none."""
    if said is None:
        nothing = {"ahead": "string", "lately": "string", "is_last_promoted": "boolean"}
        return known.withColumns({name: F.lit(None).cast(kind) for name, kind in nothing.items()})
    return known.join(said, "unique_id", "left")


def said_of_all(events: DataFrame, look: Look, horizon: int) -> DataFrame:
    """``words`` about each event ahead that holds for every series: a handful of rows."""
    for_all = events.where(F.col("unique_id").isNull() & (F.col("ahead") > 0))
    return for_all.select(_ahead(look, horizon).alias("words")).orderBy("words")


def _ahead(look: Look, horizon: int) -> Column:
    if horizon == 1:
        return F.concat(F.col("name"), F.lit(f" in the next {look.name}, "), period_words("first_ahead"))
    span = f" in %d of the next {horizon} {look.name}s, first "
    return F.concat(F.col("name"), F.format_string(span, "ahead"), period_words("first_ahead"))


def _lately(look: Look) -> Column:
    span = f" in %d of the last {look.recent} {look.name}s, last "
    return F.concat(F.col("name"), F.format_string(span, "lately"), period_words("last_lately"))
