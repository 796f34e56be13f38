"""Series and their regressors side by side in a task, a segment each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.regressors.features import COLUMNS

if TYPE_CHECKING:
    import pandas as pd


def segment_of(segments: int) -> Column:
    """The segment of the series ``unique_id``, from 0."""
    return F.pmod(F.xxhash64("unique_id"), F.lit(segments)).cast("int")


def beside_each_other(
    history: DataFrame,
    regressors: DataFrame,
    run: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame],
    schema: str,
    *,
    segments: int,
) -> DataFrame:
    """Rows of ``schema``: what ``run`` makes of each segment of ``history`` (with ``segment``) and its regressors.

    Regressors that hold for all series go to every segment.
    """
    own = regressors.where("unique_id IS NOT NULL").withColumn("segment", segment_of(segments))
    numbers = F.explode(F.sequence(F.lit(0), F.lit(segments - 1)))
    for_all = regressors.where("unique_id IS NULL").withColumn("segment", numbers)

    def over(group: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        return run(group.drop(columns="segment"), known[list(COLUMNS)].assign(ds=pd.to_datetime(known["ds"])))

    spread = own.unionByName(for_all)
    return history.groupBy("segment").cogroup(spread.groupBy("segment")).applyInPandas(over, schema)
