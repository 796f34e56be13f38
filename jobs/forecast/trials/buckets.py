"""Python over whole series inside Spark: buckets of about the same size, one task each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from pyspark.sql import DataFrame

if TYPE_CHECKING:
    import pandas as pd


# Each partition costs every later stage a task. Beyond so many times ``least`` buckets grow, up to so many times.
_PLENTY: Final = 16
_MOST_GROWTH: Final = 20


def in_buckets(
    history: DataFrame,
    run: Callable[[pd.DataFrame], pd.DataFrame],
    schema: str,
    *,
    rows: int,
    rows_per_bucket: int,
    least: int,
) -> DataFrame:
    """What ``run`` makes of the series of ``history`` (``unique_id``, ``ds`` and more), as rows of ``schema``.

    ``run`` gets a few whole series at a time, sorted by ``unique_id, ds``. There is a bucket for each
    ``rows_per_bucket`` of the ``rows`` in all, but at least ``least``; where there would be more than 16 times as many
    as that, buckets hold up to 20 times the rows. A bucket is a partition, which adaptive execution leaves alone: the
    data is small, the work is not. A task holds one batch of Arrow and one series.
    """
    fine, coarse = (-(-rows // (rows_per_bucket * growth)) for growth in (1, _MOST_GROWTH))
    buckets = max(least, min(fine, max(_PLENTY * least, coarse)))

    def over_batches(batches: Iterable[pd.DataFrame]) -> Iterable[pd.DataFrame]:
        return map(run, whole_series(batches))

    spread = history.repartition(buckets, "unique_id").sortWithinPartitions("unique_id", "ds")
    return spread.mapInPandas(over_batches, schema)


def whole_series(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The rows of ``batches``, which are sorted by ``unique_id``, cut between two series only."""
    import pandas as pd

    rest: pd.DataFrame | None = None
    for batch in batches:
        if batch.empty:
            continue
        rows = batch if rest is None else pd.concat([rest, batch], ignore_index=True)
        is_last = rows["unique_id"] == rows["unique_id"].iloc[-1]
        if not is_last.all():
            yield rows[~is_last]
        rest = rows[is_last]
    if rest is not None:
        yield rest
