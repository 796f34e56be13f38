"""Published rows whose place a row of a batch takes."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.intake.fates import DISPLACED, FATE, NEW
from common.quality.rules import REASONS

_IS_DISPLACED = "_is_displaced"


def with_displaced(rows: DataFrame, published: str, columns: Sequence[str], reasons: Column) -> DataFrame:
    """``rows`` of a batch, and with each new one the published row whose place it takes, if there is one.

    ``rows`` has ``_fate``, ``reasons`` and the struct ``published`` of ``columns``, null where no row is published
    under the key of the row; it is dropped. A published row comes back with the fate ``displaced``, its own values of
    ``columns``, ``reasons``, and null in all other columns. Rows are read once: nothing is joined again.
    """
    takes_a_place = (F.col(FATE) == NEW) & F.col(published).isNotNull()
    both = F.when(takes_a_place, F.array(F.lit(False), F.lit(True))).otherwise(F.array(F.lit(False)))
    doubled = rows.withColumn(_IS_DISPLACED, F.explode(both))
    own = {FATE: F.lit(DISPLACED), REASONS: reasons, **{name: F.col(published)[name] for name in columns}}
    names = [name for name in rows.columns if name != published]
    values = [F.when(F.col(_IS_DISPLACED), own.get(name, F.lit(None))).otherwise(F.col(name)) for name in names]
    return doubled.select(*(value.alias(name) for name, value in zip(names, values, strict=True)))
