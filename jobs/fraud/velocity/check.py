"""The check of fraud.features: rows computed again from the raw log, before any of them is published."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from common.errors import ContractError, InputMissingError, UsageError
from common.lake.free_columns import FreeColumns
from common.report.wording import plural
from common.words import did_you_mean
from jobs.fraud.transactions.tables import TRANSACTIONS
from jobs.fraud.velocity.params import FeaturesParams
from jobs.fraud.velocity.proof import compared_rows, sample_of
from jobs.fraud.velocity.windows import no_labels

if TYPE_CHECKING:
    import logging

    from pyspark.sql import DataFrame

    from common.days import DayRange
    from common.lake.storage.objects import ObjectStore
    from common.run.counts import Counts


def proved(
    params: FeaturesParams,
    features: DataFrame,
    transactions: DataFrame,
    labels: DataFrame | None,
    *,
    days: DayRange,
    counts: Counts,
    log: logging.Logger,
    objects: ObjectStore,
    is_changed: bool,
) -> None:
    """Notes ``rows_proved``, and warns when there are no labels.

    Raises InputMissingError FRD-005 (no transactions on the days, unless they ``is_changed``: then the last one was
    withdrawn, and its features go as well), ContractError FRD-010 (the proof finds a leak), and
    as ``check_free_columns``.
    """
    check_free_columns(params, objects)
    if counts.rows_read == 0 and is_changed:
        return
    if counts.rows_read == 0:
        raise InputMissingError(
            "FRD-005",
            f"There are no transactions on {days}.",
            remedy="Run fraud.ingest for these days, or choose others.",
        )
    if labels is None:
        log.warning("there are no labels yet: the risk of every terminal is 0")
    if params.proof_rows:
        sample = sample_of(features, rows=params.proof_rows)
        known = no_labels(transactions) if labels is None else labels
        compared = compared_rows(sample, transactions, known, label_delay_days=params.label_delay_days)
        # Safe to collect: the sample has at most proof_rows rows.
        leaks = [[leak["column"] for leak in row["leaks"]] for row in compared.select("leaks").collect()]
        counts.detail("rows_proved", len(leaks))
        refuse_leaks(leaks)


def check_free_columns(params: FeaturesParams, objects: ObjectStore) -> None:
    """What ``--plan`` refuses, too: UsageError FRD-029 for a free column that no source of transactions has declared.

    Days on which no transaction has it are fine: features of days before it came must not fail.
    """
    if not params.extra_features:
        return
    known = [one.name for one in FreeColumns(objects, TRANSACTIONS.name).all()]
    for name in params.extra_features:
        if name not in known:
            raise UsageError(
                "FRD-029",
                f"No source of transactions has the free column '{name}'.{did_you_mean(name, known)}",
                cause=f"Known: {', '.join(known) or 'none'}.",
                remedy="Declare it under extra: in the source and run fraud.ingest, or correct extra_features.",
            )


def refuse_leaks(leaks: list[list[str]]) -> None:
    """Raises ContractError FRD-010 when a recomputed row has ``leaks``: the features that differ."""
    if not any(leaks):
        return
    by_column = Counter(column for columns in leaks for column in columns)
    shown = "; ".join(f"{column} in {plural(number, 'row')}" for column, number in by_column.most_common())
    raise ContractError(
        "FRD-010",
        "Features differ from what was known at the time of their transaction; nothing was published.",
        cause=f"Of {plural(len(leaks), 'row')} computed again: {shown}.",
        remedy="This is a defect of the job, not of its input: report it with the run record.",
    )
