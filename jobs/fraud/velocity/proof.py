"""Proof that features hold nothing of the future: a sample is computed again from the raw log as of each row's time.

The formulation deliberately differs from that of ``windows``: each sampled row is joined to the history that
was known at its time, and the history is added up directly. It costs a scan of the history and a join with a small
sample.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.fraud.transactions.tables import TRANSACTIONS
from jobs.fraud.velocity.tables import WINDOW_DAYS

TOLERANCE = 1e-9
_KEYS = TRANSACTIONS.keys
# The same keys of the sampled rows, apart from those of the log.
_SAMPLED = {"_id": "transaction_id", "_day": "tx_day"}


def sample_of(features: DataFrame, *, rows: int) -> DataFrame:
    """At most ``rows`` rows of ``features``, the same for the same table: those of the smallest hashes."""
    return features.orderBy(F.xxhash64(*_KEYS), *_KEYS).limit(rows)


def compared_rows(sample: DataFrame, transactions: DataFrame, labels: DataFrame, *, label_delay_days: int) -> DataFrame:
    """Each row of ``sample`` once, with the windows that differ from the log as of its time.

    Columns: ``transaction_id``, ``tx_day`` and ``leaks``, an array of ``column`` (the feature), ``stored`` and
    ``recomputed``, empty when all is well.
    """
    now = sample.select(
        *(F.col(name).alias(alias) for alias, name in _SAMPLED.items()),
        F.col("customer_id").alias("_customer"),
        F.col("terminal_id").alias("_terminal"),
        F.col("tx_datetime").alias("_now"),
    )
    ids = list(_SAMPLED)
    counts = (
        now.select(*ids)
        .join(_customer_totals(now, transactions), ids, "left")
        .join(_terminal_totals(now, transactions, label_delay_days), ids, "left")
        .join(_terminal_frauds(now, labels, label_delay_days), ids, "left")
    )
    is_same = [sample[name] == counts[alias] for alias, name in _SAMPLED.items()]
    pairs = [
        F.struct(F.lit(name).alias("column"), F.col(name).cast("double").alias("stored"), value.alias("recomputed"))
        for name, value in _recomputed().items()
    ]

    def differs(pair: Column) -> Column:
        return F.coalesce(~(F.abs(pair["stored"] - pair["recomputed"]) <= TOLERANCE), F.lit(True))

    return sample.join(counts, is_same, "inner").select(*_KEYS, F.filter(F.array(*pairs), differs).alias("leaks"))


def leaking_rows(sample: DataFrame, transactions: DataFrame, labels: DataFrame, *, label_delay_days: int) -> DataFrame:
    """The leaks of ``compared_rows``, one a row; empty when all is well.

    Columns: ``transaction_id``, ``tx_day``, ``column``, ``stored``, ``recomputed``.
    """
    compared = compared_rows(sample, transactions, labels, label_delay_days=label_delay_days)
    return compared.select(*_KEYS, F.explode("leaks").alias("leak")).select(*_KEYS, "leak.*")


def _recomputed() -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for n in WINDOW_DAYS:
        own = F.col(f"_own_{n}").cast("double")
        count = F.coalesce(F.col(f"_nb_{n}"), F.lit(0)).cast("double")
        frauds = F.coalesce(F.col(f"_frauds_{n}"), F.lit(0)).cast("double")
        columns[f"customer_id_nb_tx_{n}day_window"] = own
        columns[f"customer_id_avg_amount_{n}day_window"] = F.col(f"_spent_{n}").cast("double") / own
        columns[f"terminal_id_nb_tx_{n}day_window"] = count
        columns[f"terminal_id_risk_{n}day_window"] = F.when(count > 0, frauds / count).otherwise(F.lit(0.0))
    return columns


def _days_before(moment: Column, days: int) -> Column:
    return moment - F.expr(f"INTERVAL {days * 24} HOURS")


def _rank(id_name: str) -> Column:
    """The order of ids within one instant. Spark compares structs only when their fields are named alike."""
    return F.struct(F.length(id_name).alias("length"), F.col(id_name).alias("id"))


def _customer_totals(now: DataFrame, transactions: DataFrame) -> DataFrame:
    when = F.col("tx_datetime")
    is_earlier_id = _rank("transaction_id") <= _rank("_id")
    is_known = (when < F.col("_now")) | ((when == F.col("_now")) & is_earlier_id)
    known = transactions.join(F.broadcast(now), (F.col("customer_id") == F.col("_customer")) & is_known, "inner")
    totals = []
    for n in WINDOW_DAYS:
        within = when > _days_before(F.col("_now"), n)
        totals += [
            F.count_if(within).alias(f"_own_{n}"),
            F.sum(F.when(within, F.col("tx_amount"))).alias(f"_spent_{n}"),
        ]
    return known.groupBy(*_SAMPLED).agg(*totals)


def _terminal_totals(now: DataFrame, transactions: DataFrame, label_delay_days: int) -> DataFrame:
    when = F.col("tx_datetime")
    is_known = when <= _days_before(F.col("_now"), label_delay_days)
    known = transactions.join(F.broadcast(now), (F.col("terminal_id") == F.col("_terminal")) & is_known, "inner")
    within = {n: when > _days_before(F.col("_now"), label_delay_days + n) for n in WINDOW_DAYS}
    return known.groupBy(*_SAMPLED).agg(*(F.count_if(within[n]).alias(f"_nb_{n}") for n in WINDOW_DAYS))


def _terminal_frauds(now: DataFrame, labels: DataFrame, label_delay_days: int) -> DataFrame:
    when = F.col("tx_datetime")
    is_matured = when <= _days_before(F.col("_now"), label_delay_days)
    is_reported = F.col("reported_at") <= F.col("_now")
    same_terminal = F.col("terminal_id") == F.col("_terminal")
    known = (
        labels.join(F.broadcast(now), same_terminal & is_matured & is_reported, "inner")
        .groupBy(*_SAMPLED, "_now", *_KEYS, "tx_datetime")
        .agg(F.max_by("is_fraud", "reported_at").alias("is_fraud"))
    )
    within = {n: when > _days_before(F.col("_now"), label_delay_days + n) for n in WINDOW_DAYS}
    return known.groupBy(*_SAMPLED).agg(
        *(F.count_if(F.col("is_fraud") & within[n]).alias(f"_frauds_{n}") for n in WINDOW_DAYS)
    )
