"""The twelve window features of fraud.features by other means, each from one Parquet file to Parquet files.

The input (``write_transactions``) has no two transactions of a customer or terminal in one instant, so that ties, which
engines treat differently, do not come in. Every side gives the same numbers; night and weekend are left out.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.fraud.simulation.world import World, simulate_transactions
from jobs.fraud.transactions.tables import LABELS, NEEDED
from jobs.fraud.velocity.tables import FEATURES, WINDOW_DAYS
from jobs.fraud.velocity.windows import build_features

FIRST_DAY = date(2018, 4, 1)
DELAY_DAYS = 7
DAY_US = 86_400_000_000
FIRST_DAY_US = (FIRST_DAY - date(1970, 1, 1)).days * DAY_US
WINDOWS = tuple(name for name in FEATURES if "_window" in name)


def write_transactions(spark: SparkSession, folder: Path, *, customers: int, days: int) -> DayRange:
    """Labelled transactions of a simulated world with two terminals a customer, in a few Parquet files; their days."""
    span = DayRange(FIRST_DAY, FIRST_DAY + timedelta(days=days - 1))
    if (folder / "_SUCCESS").exists():
        return span
    world = World(seed=1, customers=customers, terminals=2 * customers, first_day=FIRST_DAY)
    rows = simulate_transactions(spark.range(customers), spark.range(2 * customers), world, span)
    apart = Window.partitionBy("tx_datetime").orderBy("transaction_id")
    at_us = F.unix_micros("tx_datetime") + F.row_number().over(apart)
    rows = rows.withColumn("tx_datetime", F.timestamp_micros(at_us)).withColumn("reported_at", F.col("tx_datetime"))
    rows.coalesce(4).write.mode("overwrite").parquet(str(folder))
    return span


def _read(spark: SparkSession, folder: Path) -> DataFrame:
    at_us = F.unix_micros("tx_datetime")
    return spark.read.parquet(str(folder)).select(
        "transaction_id",
        "customer_id",
        "terminal_id",
        F.col("tx_amount").cast("double").alias("amount"),
        F.col("is_fraud").cast("double").alias("fraud"),
        at_us.alias("at_us"),
    )


def suite(spark: SparkSession, folder: Path, out: Path, days: DayRange) -> None:
    """The pure steps of fraud.features."""
    rows = spark.read.parquet(str(folder))
    labels = rows.where("is_fraud").select(*LABELS.schema.names)
    transactions = rows.select(*NEEDED, "tx_day")
    features = build_features(transactions, labels, days=days, label_delay_days=DELAY_DAYS)
    features.select("transaction_id", *WINDOWS).write.mode("overwrite").parquet(str(out))


def sliding_windows(spark: SparkSession, folder: Path, out: Path) -> None:
    """Sliding range frames, as one would write them first: Spark sums each frame again for every row."""
    rows = _read(spark, folder)
    columns = {}
    for n in WINDOW_DAYS:
        mine = Window.partitionBy("customer_id").orderBy("at_us").rangeBetween(1 - n * DAY_US, 0)
        theirs = Window.partitionBy("terminal_id").orderBy("at_us")
        theirs = theirs.rangeBetween(1 - (n + DELAY_DAYS) * DAY_US, -DELAY_DAYS * DAY_US)
        columns[f"customer_id_nb_tx_{n}day_window"] = F.count(F.lit(1)).over(mine)
        columns[f"customer_id_avg_amount_{n}day_window"] = F.avg("amount").over(mine)
        columns[f"terminal_id_nb_tx_{n}day_window"] = F.count(F.lit(1)).over(theirs)
        columns[f"terminal_id_risk_{n}day_window"] = F.coalesce(F.avg("fraud").over(theirs), F.lit(0.0))
    rows.withColumns(columns).select("transaction_id", *WINDOWS).write.mode("overwrite").parquet(str(out))


def self_join(spark: SparkSession, folder: Path, out: Path) -> None:
    """Each transaction joined to those of its customer, then of its terminal, within the longest window."""
    rows = _read(spark, folder)
    longest = max(WINDOW_DAYS) * DAY_US
    then = rows.select("customer_id", F.col("at_us").alias("then"), F.col("amount").alias("paid"))
    age = F.col("at_us") - F.col("then")
    mine = rows.select("transaction_id", "customer_id", "at_us").join(then, "customer_id")
    mine = mine.where((age >= 0) & (age < longest))
    spent = [
        column
        for n in WINDOW_DAYS
        for column in (
            F.count_if(age < n * DAY_US).alias(f"customer_id_nb_tx_{n}day_window"),
            F.avg(F.when(age < n * DAY_US, F.col("paid"))).alias(f"customer_id_avg_amount_{n}day_window"),
        )
    ]
    then = rows.select("terminal_id", F.col("at_us").alias("then"), F.col("fraud").alias("was_fraud"))
    delay = DELAY_DAYS * DAY_US
    theirs = rows.select("transaction_id", "terminal_id", "at_us").join(then, "terminal_id")
    theirs = theirs.where((age >= delay) & (age < longest + delay))
    risks = [
        column
        for n in WINDOW_DAYS
        for column in (
            F.count_if(age < n * DAY_US + delay).alias(f"terminal_id_nb_tx_{n}day_window"),
            F.avg(F.when(age < n * DAY_US + delay, F.col("was_fraud"))).alias(f"terminal_id_risk_{n}day_window"),
        )
    ]
    found = mine.groupBy("transaction_id").agg(*spent)
    found = found.join(theirs.groupBy("transaction_id").agg(*risks), "transaction_id", "left").fillna(0)
    found.select("transaction_id", *WINDOWS).write.mode("overwrite").parquet(str(out))


def apply_in_pandas(spark: SparkSession, folder: Path, out: Path) -> None:
    """One pandas frame a customer, then one a terminal, with pandas' rolling: the published code's way on Spark."""
    rows = _read(spark, folder)

    def of_customer(group: Any) -> Any:
        import pandas as pd

        group = group.sort_values("at_us")
        amounts = pd.Series(group["amount"].to_numpy(), index=pd.to_datetime(group["at_us"], unit="us"))
        for n in WINDOW_DAYS:
            rolling = amounts.rolling(f"{n}D")
            group[f"customer_id_nb_tx_{n}day_window"] = rolling.count().to_numpy()
            group[f"customer_id_avg_amount_{n}day_window"] = rolling.mean().to_numpy()
        return group

    def of_terminal(group: Any) -> Any:
        import pandas as pd

        group = group.sort_values("at_us")
        frauds = pd.Series(group["fraud"].to_numpy(), index=pd.to_datetime(group["at_us"], unit="us"))
        recent = frauds.rolling(f"{DELAY_DAYS}D")
        for n in WINDOW_DAYS:
            rolling = frauds.rolling(f"{DELAY_DAYS + n}D")
            count = rolling.count() - recent.count()
            group[f"terminal_id_nb_tx_{n}day_window"] = count.to_numpy()
            risk = ((rolling.sum() - recent.sum()) / count.where(count > 0)).fillna(0)
            group[f"terminal_id_risk_{n}day_window"] = risk.to_numpy()
        return group[["transaction_id", *WINDOWS]]

    spent = ", ".join(f"{name} double" for name in WINDOWS if name.startswith("customer"))
    base = "transaction_id string, customer_id string, terminal_id string, amount double, fraud double, at_us long"
    windows = ", ".join(f"{name} double" for name in WINDOWS)
    found = rows.groupBy("customer_id").applyInPandas(of_customer, f"{base}, {spent}")
    found = found.groupBy("terminal_id").applyInPandas(of_terminal, f"transaction_id string, {windows}")
    found.write.mode("overwrite").parquet(str(out))


def sorted_arrow(spark: SparkSession, folder: Path, out: Path) -> None:
    """Partitions sorted by customer, then by terminal, each given whole to numpy: running totals and binary search.

    Spark shuffles and sorts, but no window is planned; a task holds its partition in memory.
    """
    rows = _read(spark, folder)
    spent = ", ".join(f"{name} double" for name in WINDOWS if name.startswith("customer"))
    base = "transaction_id string, terminal_id string, fraud double, at_us long"
    windows = ", ".join(f"{name} double" for name in WINDOWS)
    by_customer = rows.repartition("customer_id").sortWithinPartitions("customer_id", "at_us")
    found = by_customer.mapInArrow(_over_partition(_of_customers), f"{base}, {spent}")
    by_terminal = found.repartition("terminal_id").sortWithinPartitions("terminal_id", "at_us")
    found = by_terminal.mapInArrow(_over_partition(_of_terminals), f"transaction_id string, {windows}")
    found.write.mode("overwrite").parquet(str(out))


def _over_partition(run: Callable[[pa.Table], pa.Table]) -> Callable[[Any], Iterator[pa.RecordBatch]]:
    def over(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        given = list(batches)
        if given:
            yield from run(pa.Table.from_batches(given)).to_batches()

    return over


class _Timeline:
    """The rows of a partition in order of key and time: how many came up to some time before each, and running sums."""

    def __init__(self, table: pa.Table, key: str) -> None:
        names = table[key].combine_chunks()
        is_new = np.concatenate([[0], np.asarray(pc.not_equal(names[1:], names[:-1])).astype(np.int64)])
        at_us = table["at_us"].to_numpy() - FIRST_DAY_US
        # Keys lie further apart than any window reaches back.
        self._place = np.cumsum(is_new) * (1 << 46) + at_us

    def before(self, us: int) -> np.ndarray:
        """For each row how many rows of the partition lie ``us`` or more before it."""
        return np.searchsorted(self._place, self._place - us, side="right")

    @staticmethod
    def running(values: pa.ChunkedArray) -> np.ndarray:
        """Sums of the first 0, 1, 2 ... values."""
        return np.concatenate([[0.0], np.cumsum(values.to_numpy())])


def _of_customers(table: pa.Table) -> pa.Table:
    timeline, paid = _Timeline(table, "customer_id"), _Timeline.running(table["amount"])
    upto = np.arange(1, table.num_rows + 1)
    kept = table.select(["transaction_id", "terminal_id", "fraud", "at_us"])
    for n in WINDOW_DAYS:
        since = timeline.before(n * DAY_US)
        count = (upto - since).astype(float)
        kept = kept.append_column(f"customer_id_nb_tx_{n}day_window", pa.array(count))
        kept = kept.append_column(f"customer_id_avg_amount_{n}day_window", pa.array((paid[upto] - paid[since]) / count))
    return kept


def _of_terminals(table: pa.Table) -> pa.Table:
    timeline, frauds = _Timeline(table, "terminal_id"), _Timeline.running(table["fraud"])
    upto = timeline.before(DELAY_DAYS * DAY_US)
    for n in WINDOW_DAYS:
        since = timeline.before((DELAY_DAYS + n) * DAY_US)
        count = (upto - since).astype(float)
        risk = np.divide(frauds[upto] - frauds[since], count, out=np.zeros_like(count), where=count > 0)
        table = table.append_column(f"terminal_id_nb_tx_{n}day_window", pa.array(count))
        table = table.append_column(f"terminal_id_risk_{n}day_window", pa.array(risk))
    return table.select(["transaction_id", *WINDOWS])


def duckdb_windows(folder: Path, out: Path) -> None:
    """Range windows of DuckDB on two threads."""
    import duckdb

    columns = []
    for n in WINDOW_DAYS:
        mine = f"(PARTITION BY customer_id ORDER BY at_us RANGE BETWEEN {n * DAY_US - 1} PRECEDING AND CURRENT ROW)"
        start, end = (n + DELAY_DAYS) * DAY_US - 1, DELAY_DAYS * DAY_US
        theirs = f"(PARTITION BY terminal_id ORDER BY at_us RANGE BETWEEN {start} PRECEDING AND {end} PRECEDING)"
        columns += [
            f"count(*) OVER {mine} AS customer_id_nb_tx_{n}day_window",
            f"avg(tx_amount::DOUBLE) OVER {mine} AS customer_id_avg_amount_{n}day_window",
            f"count(*) OVER {theirs} AS terminal_id_nb_tx_{n}day_window",
            f"coalesce(avg(is_fraud::DOUBLE) OVER {theirs}, 0) AS terminal_id_risk_{n}day_window",
        ]
    _fresh(out)
    source = f"(SELECT *, epoch_us(tx_datetime) AS at_us FROM '{folder}/*.parquet')"
    query = f"SELECT transaction_id, {', '.join(columns)} FROM {source}"
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(f"COPY ({query}) TO '{out}/part.parquet' (FORMAT parquet)")


def polars_rolling(folder: Path, out: Path) -> None:
    """Rolling group-bys of Polars: windows of the customer, and the difference of two windows of the terminal."""
    import polars as pl

    rows = (
        pl.scan_parquet(f"{folder}/*.parquet")
        .select(
            "transaction_id",
            "customer_id",
            "terminal_id",
            pl.col("tx_amount").cast(pl.Float64).alias("amount"),
            pl.col("is_fraud").cast(pl.Float64).alias("fraud"),
            pl.col("tx_datetime").cast(pl.Datetime("us")).dt.epoch("us").alias("at_us"),
        )
        .collect()
        .sort("at_us")
    )
    whole = rows
    for n in WINDOW_DAYS:
        period = f"{n * DAY_US}i"
        found = rows.rolling("at_us", period=period, group_by="customer_id").agg(
            pl.col("transaction_id").last(),
            pl.len().alias(f"customer_id_nb_tx_{n}day_window"),
            pl.col("amount").mean().alias(f"customer_id_avg_amount_{n}day_window"),
        )
        whole = whole.join(found.drop("customer_id", "at_us"), on="transaction_id")
        period, offset = f"{n * DAY_US}i", f"{-(n + DELAY_DAYS) * DAY_US}i"
        found = rows.rolling("at_us", period=period, offset=offset, group_by="terminal_id").agg(
            pl.len().alias(f"terminal_id_nb_tx_{n}day_window"),
            pl.col("fraud").mean().fill_null(0.0).alias(f"terminal_id_risk_{n}day_window"),
        )
        # An empty window has no last row to name it: terminal and time do.
        whole = whole.join(found, on=["terminal_id", "at_us"])
    _fresh(out)
    whole.select("transaction_id", *WINDOWS).write_parquet(out / "part.parquet")


def fingerprint(out: Path) -> tuple[float, ...]:
    """Rows, and of each feature the sum and a sum that depends on which row has which value."""
    import duckdb

    weight = "(hash(transaction_id) % 1000)::DOUBLE"
    sums = ", ".join(f"round(sum({name}), 3), round(sum({name} * {weight}), 1)" for name in WINDOWS)
    with duckdb.connect() as connection:
        return tuple(connection.execute(f"SELECT count(*), {sums} FROM '{out}/*.parquet'").fetchall()[0])


def _fresh(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
