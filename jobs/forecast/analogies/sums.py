"""Demand of several periods together, of an item that is forecast by analogy.

What nobody knows of a new item is its level, and that is the same in all of its periods: they sell well or badly
together. So the quantiles of a sum are the sums of the quantiles, as if no period made up for another (comonotonic
sums: Dhaene et al. 2002, Insurance: Mathematics and Economics 31). That is never narrower than the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, log1p

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.analogies.steps import ANALOGY
from jobs.forecast.trials.tables import QUANTILES

COVERED_BANDS, REVIEW_BANDS = "covered_bands", "review_bands"
"""Columns of QUANTILES of demand, in their order: over the time that an order covers, and over a review."""


def bands_of_sums(forecasts: DataFrame, facts: DataFrame, review_periods: int) -> DataFrame:
    """``unique_id``, COVERED_BANDS and REVIEW_BANDS of those of FORECASTS by analogy.

    ``facts`` (unique_id, lead_time_periods, length) say how many periods an order covers. The review is the one that
    begins when it comes.
    """
    times = facts.select("unique_id", "lead_time_periods", "length")
    rows = forecasts.where(F.col("model") == ANALOGY).join(times, "unique_id", "inner")
    since = F.col("step") - F.col("lead_time_periods")
    return rows.groupBy("unique_id").agg(
        _sums(F.col("step") <= F.col("length")).alias(COVERED_BANDS),
        _sums(since.between(1, review_periods)).alias(REVIEW_BANDS),
    )


def _sums(condition: Column) -> Column:
    return F.array(*(F.sum(F.when(condition, F.col(name)).otherwise(0.0)) for name in QUANTILES))


def places_of(levels: Sequence[float]) -> list[tuple[int, int, float]]:
    """Where ``levels`` lie among those of QUANTILES: (i, j, w) stands for the value at i plus w times (that at j - i).

    Linear between two of them. Beyond the outermost the distance from the median grows as in an exponential tail.
    """
    known = list(QUANTILES.values())
    middle, last = known.index(0.5), len(known) - 1
    found = []
    for level in levels:
        if level > known[last]:
            found.append((middle, last, log1p(-level) / log1p(-known[last])))
        elif level < known[0]:
            found.append((middle, 0, log(level) / log(known[0])))
        else:
            upper = next(place for place, one in enumerate(known) if one >= level)
            lower = max(0, upper - 1)
            width = known[upper] - known[lower]
            found.append((lower, upper, (level - known[lower]) / width if width else 0.0))
    return found


def at_levels(bands: str, levels: Sequence[float]) -> Column:
    """The values at ``levels`` of the quantiles in the array ``bands`` (see ``bands_of_sums``), at least 0."""
    places = F.array(
        *(F.struct(F.lit(i).alias("i"), F.lit(j).alias("j"), F.lit(w).alias("w")) for i, j, w in places_of(levels))
    )

    def value(place: Column) -> Column:
        low, high = F.get(bands, place["i"]), F.get(bands, place["j"])
        return F.greatest(low + place["w"] * (high - low), F.lit(0.0))

    return F.transform(places, value)
