"""Reports follow their transactions: which files have published ones whose transaction is no longer what it was."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.intake.moments import on_days
from common.lake.touched import LogGoneError, TableState, held_days, table_state, touches
from common.run.changed.inputs import is_upkeep
from jobs.fraud.transactions.tables import LABELS, TRANSACTIONS

if TYPE_CHECKING:
    from common.lake.storage.objects import ObjectStore
    from common.run.context import RunContext

_SEEN = f"_batches/{LABELS.name}/state/transactions.json"
_OF_TRANSACTION = ("transaction_id", "tx_day", "tx_datetime", "customer_id", "terminal_id")


@contextmanager
def outdated_files(context: RunContext) -> Iterator[Collection[str]]:
    """The contents of files of reports that are to be looked at again since transactions have changed.

    The state of the transactions is noted when the block ends well: the files must be written down by then.
    """
    objects, lake = context.objects, context.lake
    now = table_state(objects, TRANSACTIONS.relative_path)
    days = _touched_days(objects, now) if lake.exists(LABELS) else set()
    if days:
        on = sorted(day.isoformat() for day in days)
        transactions = lake.read(TRANSACTIONS).where(on_days("tx_day", on))
        found = outdated(lake.read(LABELS), transactions, on).select("_file_sha256").distinct().collect()
        yield [row["_file_sha256"] for row in found]
    else:
        yield ()
    if now is not None:
        objects.write(_SEEN, json.dumps(vars(now)).encode())


def outdated(labels: DataFrame, transactions: DataFrame, days: list[str]) -> DataFrame:
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


def _touched_days(objects: ObjectStore, now: TableState | None) -> set[date]:
    """The days of transactions that have changed since they were seen last; all that there are when that is not known.

    Days that were deleted for their age have not changed.
    """
    if now is None:
        return set()
    path = TRANSACTIONS.relative_path
    stored = objects.get(_SEEN)
    seen = None if stored is None else TableState(**json.loads(stored.body))
    if seen is not None and seen.table_id == now.table_id:
        try:
            found = touches(
                objects, path, after=seen.version, until=now.version, day_column="tx_day", is_upkeep=is_upkeep
            )
        except LogGoneError:
            found = []
        else:
            if all(touch.days is not None for touch in found):
                return {day for touch in found for day in touch.days or ()}
    return set(held_days(objects, path, "tx_day") or ())
