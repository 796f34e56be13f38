"""Reports follow their transactions: which published ones are no longer about the transaction that they name."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.intake.moments import on_days

_OF_TRANSACTION = ("transaction_id", "tx_day", "tx_datetime", "customer_id", "terminal_id")


def outdated(labels: DataFrame, transactions: DataFrame, days: Sequence[str]) -> DataFrame:
    """Those of ``labels`` whose transaction is not as they say, or no longer the only one that they may mean.

    ``transactions`` are those of ``days``, in ISO form. A report may mean any of its id that had taken place by the end
    of the day after it: nearly the right ones, and never too few.
    """
    known = labels.where(F.col("_file_sha256").isNotNull())
    changed = known.where(on_days("tx_day", days)).join(
        transactions.select(*_OF_TRANSACTION), list(_OF_TRANSACTION), "left_anti"
    )
    others = transactions.select(
        "transaction_id", F.col("tx_day").alias("_other_day"), F.col("tx_datetime").alias("_other_time")
    )
    by_then = F.date_add(F.to_date("reported_at"), 2).cast("timestamp")
    is_another = (F.col("tx_day") != F.col("_other_day")) & (F.col("_other_time") < by_then)
    meant_too = known.join(others, "transaction_id").where(is_another).select(*known.columns)
    return changed.select(*known.columns).unionByName(meant_too)
