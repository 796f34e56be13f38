"""What is exceptional about a series: at most one label, the most urgent one, with its evidence in a sentence.

Only known periods in which the shop sold anything count. "Recent" are the last m of them, "before" the up to 4 m before
these. A rise or fall that most series share is not the series' own, nor is one that the same periods of the year before
had too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.forecast.demand.periods import UNITS, Periods

SUSPICIOUS, NEW, ENDING, ZEROS, BREAK = "suspicious data", "new item", "ending", "more zeros", "structural break"
PROMOTED, AHEAD = "promoted lately", "promotion or event ahead"
OLD_COUNT, FALLBACK = "old stock count", "fallback"
LABELS: Final = (SUSPICIOUS, NEW, ENDING, ZEROS, PROMOTED, BREAK, AHEAD, OLD_COUNT, FALLBACK)
"""The most urgent first."""

OCCASIONS: Final = (PROMOTED, AHEAD)
"""Those whose evidence several series share."""

_RECENT: Final = {"H": 168, "D": 28, "W": 8, "M": 6, "Q": 4, "Y": 3}
_YEAR: Final = {"D": 364, "W": 52, "M": 12, "Q": 4}
BEFORE: Final = 4
"""The periods before are up to so many times those that are recent."""

# The largest value of a series, against the second largest: nobody sells ten times as much once.
_OUTLIER_RATIO: Final = 10.0
_FEWEST_DEMANDS: Final = 4
_WHOLE_LAKE: Final = 0.9
_FEWEST_SERIES: Final = 10
_BREAK_RATIO: Final = 2.0
_BREAK_SIGMAS: Final = 4.0
_ZERO_SIGMAS: Final = 3.0
_ZERO_RISE: Final = 0.3
_SILENCE_CHANCE: Final = 0.005


@dataclass(frozen=True)
class Look:
    """How series are looked at: their calendar and how many periods are recent."""

    periods: Periods
    recent: int

    @classmethod
    def of(cls, periods: Periods, recent: int | None) -> Look:
        """``recent`` periods, or as many as are usual for the frequency."""
        return cls(periods, recent or _RECENT.get(periods.freq, periods.horizon))

    @property
    def name(self) -> str:
        """``week``."""
        return UNITS[self.periods.freq]

    @property
    def shortest(self) -> int:
        """Fewer known periods than this make a new item."""
        return max(self.periods.fewest, self.recent)


def facts_of(demand: DataFrame, look: Look) -> DataFrame:
    """``demand`` (unique_id, ds, y) as one row per series: what its label is judged by."""
    total = F.sum(F.abs("y"))
    is_open = demand.groupBy("ds").agg(total.alias("_total")).where(F.col("_total") > 0).select("ds")
    known = demand.where(F.col("y").isNotNull()).join(F.broadcast(is_open), "ds", "left_semi")
    series = Window.partitionBy("unique_id").orderBy("ds")
    placed = known.withColumn("_nth", F.row_number().over(series)).withColumn(
        "_place", F.row_number().over(Window.partitionBy("unique_id").orderBy(F.col("ds").desc()))
    )
    sold = F.col("y") > 0
    before_rows = series.rowsBetween(Window.unboundedPreceding, -1)
    placed = placed.withColumn("_sold_before", F.max(F.when(sold, F.col("_nth"))).over(before_rows))
    m, place = look.recent, F.col("_place")
    recent, before = place <= m, place.between(m + 1, m + BEFORE * m)
    year = _YEAR.get(look.periods.freq)
    a_year_before = F.lit(False) if year is None else place.between(year + 1, year + m)
    judged = F.lit(True) if year is None else place <= year + m

    def among(condition: Column, value: Column) -> Column:
        return F.when(condition, value)

    y = F.col("y")
    return placed.groupBy("unique_id").agg(
        F.count(F.lit(1)).alias("known"),
        F.min("ds").alias("since"),
        F.avg(among(recent, y)).alias("recent_mean"),
        F.count_if(recent).alias("recent_known"),
        F.count_if(recent & ~sold).alias("recent_zeros"),
        F.avg(among(recent & sold, y)).alias("recent_size"),
        F.sum(among(recent, F.abs(y))).alias("recent_units"),
        F.avg(among(before, y)).alias("before_mean"),
        F.var_samp(among(before, y)).alias("before_variance"),
        F.count_if(before).alias("before_known"),
        F.count_if(before & ~sold).alias("before_zeros"),
        F.avg(among(before & sold, y)).alias("before_size"),
        F.avg(among(a_year_before, y)).alias("year_mean"),
        F.count_if(sold).alias("times"),
        F.coalesce(F.min(among(sold, place)) - 1, F.lit(0)).alias("silence"),
        (F.max(among(sold, F.col("_nth"))) - F.min(among(sold, F.col("_nth"))) + 1).alias("span"),
        F.max(among(sold, F.col("_nth") - F.col("_sold_before") - 1)).alias("longest_silence"),
        F.slice(F.sort_array(F.collect_list(among(sold, y)), asc=False), 1, 2).alias("largest"),
        F.max_by("ds", F.when(sold, y)).alias("largest_ds"),
        F.max_by(judged, F.when(sold, y)).alias("is_largest_judged"),
    )


def labelled(facts: DataFrame, known: DataFrame, look: Look) -> DataFrame:
    """``unique_id, label, evidence`` for each series of ``facts`` or ``known``; both null if nothing is exceptional.

    ``known`` (unique_id, counted_days_ago, fallback_reason, starts_day, ahead, lately, is_last_promoted; each may be
    null) is what other tables say; the last three as ``said_of_series`` of events.py gives them. An announced item has
    no row in ``facts``: nobody has bought it yet.
    """
    ratio = F.when((F.col("before_mean") > 0) & (F.col("recent_mean") > 0), F.col("recent_mean") / F.col("before_mean"))
    rated = facts.withColumn("_ratio", F.when(F.col("before_known") >= look.recent, ratio))
    common = rated.agg(
        F.when(F.count("_ratio") >= _FEWEST_SERIES, F.expr("percentile(_ratio, 0.5)")).alias("_common"),
        F.sum("recent_units").alias("_all_units"),
        F.count(F.lit(1)).alias("_series"),
    )
    rows = rated.join(known, "unique_id", "full").crossJoin(F.broadcast(common))
    rows = rows.withColumn("_common", F.coalesce("_common", F.lit(1.0)))
    found = [
        (SUSPICIOUS, _is_whole_lake(), _whole_lake()),
        (SUSPICIOUS, _is_outlier(), _outlier(look)),
        (NEW, F.col("known") < look.shortest, _new(look)),
        (NEW, F.col("known").isNull() & F.col("starts_day").isNotNull(), _announced()),
        (ENDING, _is_ending(), _ending(look)),
        (ZEROS, _has_more_zeros(look), _more_zeros(look)),
        (PROMOTED, _is_promoted(look), _promoted()),
        (BREAK, _is_broken(look), _broken(look)),
        (AHEAD, F.col("ahead").isNotNull(), F.col("ahead")),
        (OLD_COUNT, F.col("counted_days_ago").isNotNull(), _old_count()),
        (FALLBACK, F.col("fallback_reason").isNotNull(), F.concat(F.lit("No full forecast: "), "fallback_reason")),
    ]
    label, evidence = F.lit(None).cast("string"), F.lit(None).cast("string")
    for name, holds, words in reversed(found):
        label = F.when(holds, name).otherwise(label)
        evidence = F.when(holds, words).otherwise(evidence)
    return rows.select("unique_id", label.alias("label"), evidence.alias("evidence"))


def _units(column: str | Column) -> Column:
    value = F.col(column) if isinstance(column, str) else column
    places = F.when(F.abs(value) >= 100, F.format_number(value, 0)).otherwise(F.format_number(value, 1))
    return F.regexp_replace(places, r"\.0$", "")


def period_words(period: str) -> Column:
    """A day, or of an hour its day and time."""
    return F.substring(F.col(period).cast("string"), 1, 16)


def _in_units(column: str | Column) -> Column:
    value = F.col(column) if isinstance(column, str) else column
    return F.concat(_units(value), F.when(value == 1, " unit").otherwise(" units"))


def _counted(column: str, noun: str) -> Column:
    number = F.col(column)
    return F.concat(F.format_string("%d ", number), F.when(number == 1, noun).otherwise(f"{noun}s"))


def _is_whole_lake() -> Column:
    share = F.col("recent_units") / F.when(F.col("_all_units") > 0, F.col("_all_units"))
    return (share >= _WHOLE_LAKE) & (F.col("_series") >= _FEWEST_SERIES)


def _whole_lake() -> Column:
    share = 100 * F.col("recent_units") / F.when(F.col("_all_units") > 0, F.col("_all_units"))
    return F.format_string(
        "It has %.0f %% of all units that %d series sold lately: are its units those of the others?", share, "_series"
    )


def _is_outlier() -> Column:
    first, second = F.get("largest", F.lit(0)), F.get("largest", F.lit(1))
    return (F.col("times") >= _FEWEST_DEMANDS) & F.col("is_largest_judged") & (first >= _OUTLIER_RATIO * second)


def _outlier(look: Look) -> Column:
    first, second = F.get("largest", F.lit(0)), F.get("largest", F.lit(1))
    day = period_words("largest_ds")
    times = F.format_string(f" in the {look.name} of %s, %.0f times as many as ever else", day, first / second)
    return F.concat(_in_units(first), times, F.lit(": is that demand that comes again?"))


def _new(look: Look) -> Column:
    return F.concat(
        F.format_string("On sale since %s: ", period_words("since")),
        _counted("known", look.name),
        F.lit(f" of the {look.shortest} that a comparison needs."),
    )


def _announced() -> Column:
    day = F.date_format("starts_day", "yyyy-MM-dd")
    return F.concat(F.lit("Announced for "), day, F.lit(", and not sold yet."))


def _is_ending() -> Column:
    """Croston's chance of the silence, as forecast.history ends a series; one that has ended is not forecast."""
    p = (F.col("times") - 1) / (F.col("span") + 1)
    is_longest = F.col("silence") > F.coalesce("longest_silence", F.lit(0))
    chance = F.pow(1 - p, F.col("silence").cast("double"))
    return (F.col("times") > 1) & is_longest & (chance < _SILENCE_CHANCE)


def _ending(look: Look) -> Column:
    return F.concat(
        F.lit("No demand for "),
        _counted("silence", look.name),
        F.lit(", never so long before: is it still sold?"),
    )


def _has_more_zeros(look: Look) -> Column:
    """More periods without demand than a binomial distribution allows, and sizes that are what they were."""
    before = (F.col("before_zeros") + 1) / (F.col("before_known") + 2)
    now = F.col("recent_zeros") / F.col("recent_known")
    sigma = F.sqrt(before * (1 - before) / F.col("recent_known"))
    same_size = (F.col("recent_size") / F.col("before_size")).between(1 / _BREAK_RATIO, _BREAK_RATIO)
    return (
        (F.col("before_known") >= look.recent)
        & (now - before >= _ZERO_SIGMAS * sigma)
        & (now - before >= _ZERO_RISE)
        & same_size
    )


def _more_zeros(look: Look) -> Column:
    return F.format_string(
        f"No demand in %d of the last %d {look.name}s, in %d of the %d before; as many units as ever in the others: "
        "was it out of stock?",
        "recent_zeros", "recent_known", "before_zeros", "before_known",
    )  # fmt: skip


def _own_ratio() -> Column:
    return F.col("recent_mean") / F.when(F.col("before_mean") > 0, F.col("before_mean") * F.col("_common"))


def _is_broken(look: Look) -> Column:
    """The mean is another one: by a factor and by its standard error, beyond what most series did."""
    expected = F.col("before_mean") * F.col("_common")
    variance = F.greatest(F.coalesce("before_variance", F.lit(0.0)), F.col("before_mean"))
    error = F.sqrt(variance * (1 / F.col("recent_known") + F.pow("_common", F.lit(2.0)) / F.col("before_known")))
    sigmas = F.abs(F.col("recent_mean") - expected) / F.when(error > 0, error)
    own = _own_ratio()
    is_far = (own >= _BREAK_RATIO) | (own <= 1 / _BREAK_RATIO)
    as_last_year = F.coalesce(
        (F.col("recent_mean") / F.when(F.col("year_mean") > 0, F.col("year_mean"))).between(0.67, 1.5), F.lit(False)
    )
    return (F.col("before_known") >= look.recent) & is_far & (sigmas >= _BREAK_SIGMAS) & ~as_last_year


def _broken(look: Look) -> Column:
    usual = F.col("before_mean") * F.col("_common")
    return F.concat(
        _in_units("recent_mean"),
        F.format_string(f" a {look.name} in the last %d {look.name}s, ", "recent_known"),
        _units("before_mean"),
        F.format_string(" in the %d before; as most series went, %s would be usual", "before_known", _units(usual)),
    )


def _is_promoted(look: Look) -> Column:
    """Its last period was promoted and nothing follows, or a promotion explains its other level."""
    is_over = F.coalesce(F.col("is_last_promoted") & F.col("ahead").isNull(), F.lit(False))
    return F.col("lately").isNotNull() & (is_over | F.coalesce(_is_broken(look), F.lit(False)))


def _promoted() -> Column:
    return F.concat_ws("; ahead: ", "lately", "ahead")


def _old_count() -> Column:
    return F.concat(
        F.lit("The stock was counted "), _counted("counted_days_ago", "day"), F.lit(" before: count it again.")
    )
