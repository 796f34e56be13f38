"""What lies beyond the edges of bands: how bands of whole numbers are judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

POINTS: Final = 2.0
"""How many points a share may be off."""


def tails(rows: DataFrame, horizon: int) -> DataFrame:
    """``demand_class, step_group``, and for each edge of each band what share of values lies beyond it.

    ``low_80`` without the values on the edge and ``low_80_on`` with them, ``low_80_error`` half the 95 % interval of
    the latter; ``high_80`` and so on alike. A quantile of whole numbers is right where its level lies between both.
    """
    from pyspark.sql import functions as F

    from jobs.forecast.trials.coverage import BANDS, GROUPS, half_width

    group = F.floor((F.col("step") - 1) * GROUPS / F.lit(horizon)).cast("int")
    known, y = rows.where(F.col("q500").isNotNull()).withColumn("step_group", group), F.col("y")
    edges = {}
    for band, (low, high) in BANDS.items():
        edges |= {f"low_{band}": y < F.col(low), f"low_{band}_on": y <= F.col(low)}
        edges |= {f"high_{band}": y > F.col(high), f"high_{band}_on": y >= F.col(high)}
    counted = [F.count_if(edge).alias(name) for name, edge in edges.items()]
    keys = ("demand_class", "step_group")
    by_series = known.groupBy(*keys, "unique_id").agg(F.count(F.lit(1)).alias("n"), *counted)
    shares = [(F.sum(name) / F.sum("n")).alias(name) for name in edges]
    errors = [
        half_width(F.col(name)).alias(f"{name.removesuffix('_on')}_error") for name in edges if name.endswith("_on")
    ]
    return by_series.groupBy(*keys).agg(*shares, *errors)


def tails_off(row: Mapping[str, Any], band: str, nominal: float) -> bool:
    """Whether a tail of a band of whole numbers surely holds another share than half of what is outside."""
    wanted = (100 - nominal) / 2
    for side in ("low", "high"):
        least, most = (100 * row[f"{side}_{band}{on}"] for on in ("", "_on"))
        error = 100 * (row[f"{side}_{band}_error"] or 0.0) + POINTS
        if not least - error <= wanted <= most + error:
            return True
    return False
