"""The 15 features of the Fraud Detection Handbook, point in time, in built-in window functions.

A feature of a transaction at time t holds only what was known at t. Every window is the difference of two running
totals over the rows of one customer or one terminal in time order: the rows up to t, less the rows up to t - n days.
Running totals cost one step per row whatever the window holds (a sliding frame would add up its window again for each
row), need no self-join, and are exact here because counts and amounts are added as whole numbers.

Ties: of several transactions of one customer in the same microsecond, each sees those with smaller ids and itself, as
``pandas.DataFrame.rolling`` does on rows sorted by (time, id). Ids are compared by length and then as text, which for
plain integers is their numeric order. Terminal windows end ``label_delay_days`` before t, so ties cannot affect them.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from common.days import DayRange
from common.spark.few_rows import few_rows
from jobs.fraud.transactions.tables import AMOUNT_SCALE, LABELS
from jobs.fraud.velocity.free_features import with_free_columns
from jobs.fraud.velocity.params import FeaturesParams
from jobs.fraud.velocity.tables import FEATURE_ROWS, FEATURES, WINDOW_DAYS

DAY_MICROSECONDS = 86_400_000_000
LAST_NIGHT_HOUR = 6


def features(params: FeaturesParams, transactions: DataFrame, labels: DataFrame | None, *, days: DayRange) -> DataFrame:
    """The step of ``fraud.features``: ``build_features``, without labels until their table exists."""
    known = no_labels(transactions) if labels is None else labels
    narrowed = with_free_columns(transactions, params.extra_features)
    return build_features(narrowed, known, days=days, label_delay_days=params.label_delay_days)


def no_labels(transactions: DataFrame) -> DataFrame:
    """Columns of ``fraud.labels`` without a row."""
    return few_rows(transactions.sparkSession, [], LABELS.schema)


def build_features(transactions: DataFrame, labels: DataFrame, *, days: DayRange, label_delay_days: int) -> DataFrame:
    """The rows of ``fraud.features`` for ``days``.

    ``transactions`` has the columns of ``fraud.transactions`` and ``labels`` those of ``fraud.labels``, both for
    ``days`` and the ``history_days`` (of FeaturesParams) before them; more history changes nothing. Each transaction
    of ``days`` gives one row, with the free columns that it has.
    Definitions: Fraud Detection Handbook, chapter 3, baseline feature transformation.
    """
    within_days = days.predicate("tx_day")
    timed = transactions.withColumn("_at_us", F.unix_micros("tx_datetime"))
    spending = with_customer_windows(timed)
    changes = known_changes(labels, label_delay_days=label_delay_days)
    complete = with_terminal_windows(spending, changes, label_delay_days=label_delay_days).where(within_days)
    return with_time_flags(complete).select(*(_as_published(name) for name in FEATURE_ROWS.schema.names))


def with_time_flags(transactions: DataFrame) -> DataFrame:
    """Adds ``tx_during_weekend`` (Saturday, Sunday) and ``tx_during_night`` (hour 0 to 6), 0 or 1, in session time."""
    is_weekend = F.dayofweek("tx_datetime").isin(1, 7)
    is_night = F.hour("tx_datetime") <= LAST_NIGHT_HOUR
    return transactions.withColumns(
        {"tx_during_weekend": is_weekend.cast("int"), "tx_during_night": is_night.cast("int")}
    )


def with_customer_windows(transactions: DataFrame) -> DataFrame:
    """Adds number and mean amount of the customer's transactions in (t - n days, t], the current one included.

    ``transactions`` carries ``_at_us``, microseconds since 1970. Amounts are in units of the currency.
    """
    units = (F.col("tx_amount") * F.lit(10**AMOUNT_SCALE)).cast("bigint")
    own = (
        Window.partitionBy("customer_id")
        .orderBy("_at_us", F.length("transaction_id"), "transaction_id")
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    so_far = transactions.withColumn("_units", units).withColumns(
        {"_nb": F.count(F.lit(1)).over(own), "_sum": F.sum("_units").over(own)}
    )
    totals: dict[str, Column] = {}
    for n in WINDOW_DAYS:
        before = _up_to("customer_id", n)
        totals[f"_nb_{n}"] = F.count(F.lit(1)).over(before)
        totals[f"_sum_{n}"] = _sum(F.col("_units"), before)
    columns: dict[str, Column] = {}
    for n in WINDOW_DAYS:
        count = F.col("_nb") - F.col(f"_nb_{n}")
        columns[f"customer_id_nb_tx_{n}day_window"] = count.cast("int")
        columns[f"customer_id_avg_amount_{n}day_window"] = (
            (F.col("_sum") - F.col(f"_sum_{n}")).cast("double") / F.lit(float(10**AMOUNT_SCALE)) / count
        )
    counted = so_far.withColumns(totals).withColumns(columns)
    return counted.drop("_nb", "_sum", "_units", *totals)


def known_changes(labels: DataFrame, *, label_delay_days: int) -> DataFrame:
    """When the fraud label of a transaction changed, and from when the change counts.

    Columns: ``terminal_id``, ``tx_us`` (time of the transaction), ``known_us`` (the later of the report and the
    transaction plus the delay), ``change`` (1: now fraud, -1: withdrawn). Reports that change nothing give no row.
    """
    reports = Window.partitionBy("transaction_id", "tx_day").orderBy("reported_at")
    state = F.col("is_fraud").cast("int")
    previous = F.coalesce(F.lag(state).over(reports), F.lit(0))
    tx_us = F.unix_micros("tx_datetime")
    matured_us = tx_us + F.lit(label_delay_days * DAY_MICROSECONDS)
    return (
        labels.withColumn("change", state - previous)
        .where(F.col("change") != 0)
        .select(
            "terminal_id",
            tx_us.alias("tx_us"),
            F.greatest(F.unix_micros("reported_at"), matured_us).alias("known_us"),
            "change",
        )
    )


def with_terminal_windows(transactions: DataFrame, changes: DataFrame, *, label_delay_days: int) -> DataFrame:
    """Adds number and risk (share of known frauds) of the terminal's transactions in (t - d - n, t - d] days.

    d is the label delay. ``changes`` are those of ``known_changes``: a fraud counts from the time it was known, never
    earlier, until its transaction leaves the window. A window without transactions has risk 0. A fraud enters the
    timeline of its terminal as a row of its own, at the time it was known less the delay, and leaves it as another, at
    the time of the transaction; so one ordering by time serves transactions and labels.
    """
    timeline = transactions.withColumn("_is_tx", F.lit(1)).unionByName(
        _entries_and_exits(changes, label_delay_days), allowMissingColumns=True
    )
    matured = _up_to("terminal_id", label_delay_days)
    totals: dict[str, Column] = {"_nb": _sum(F.col("_is_tx"), matured)}
    for n in WINDOW_DAYS:
        gone = _up_to("terminal_id", label_delay_days + n)
        totals[f"_nb_{n}"] = _sum(F.col("_is_tx"), gone)
        totals[f"_in_{n}"] = _sum(F.col(f"_enters_{n}"), matured)
        totals[f"_out_{n}"] = _sum(F.col(f"_leaves_{n}"), gone)
    columns: dict[str, Column] = {}
    for n in WINDOW_DAYS:
        count = F.col("_nb") - F.col(f"_nb_{n}")
        frauds = (F.col(f"_in_{n}") - F.col(f"_out_{n}")).cast("double")
        columns[f"terminal_id_nb_tx_{n}day_window"] = count.cast("int")
        columns[f"terminal_id_risk_{n}day_window"] = F.when(count > 0, frauds / count).otherwise(F.lit(0.0))
    counted = timeline.withColumns(totals).where(F.col("_is_tx") == 1).withColumns(columns)
    flags = [f"_{verb}_{n}" for verb in ("enters", "leaves") for n in WINDOW_DAYS]
    return counted.drop("_is_tx", *totals, *flags)


def _entries_and_exits(changes: DataFrame, label_delay_days: int) -> DataFrame:
    """Two rows a change: where it enters the timeline of the terminal, and where its transaction leaves it."""
    nothing = F.lit(0)
    known = {n: _if_in_time(n, label_delay_days) for n in WINDOW_DAYS}
    entry = F.struct(
        (F.col("known_us") - F.lit(label_delay_days * DAY_MICROSECONDS)).alias("_at_us"),
        *(known[n].alias(f"_enters_{n}") for n in WINDOW_DAYS),
        *(nothing.alias(f"_leaves_{n}") for n in WINDOW_DAYS),
    )
    leaving = F.struct(
        F.col("tx_us").alias("_at_us"),
        *(nothing.alias(f"_enters_{n}") for n in WINDOW_DAYS),
        *(known[n].alias(f"_leaves_{n}") for n in WINDOW_DAYS),
    )
    return changes.select("terminal_id", F.explode(F.array(entry, leaving)).alias("_row")).select(
        "terminal_id", "_row.*"
    )


def _if_in_time(window_days: int, label_delay_days: int) -> Column:
    """The change, or 0 when it was known only after its transaction had left the window."""
    leaves_us = F.col("tx_us") + F.lit((label_delay_days + window_days) * DAY_MICROSECONDS)
    return F.when(F.col("known_us") < leaves_us, F.col("change")).otherwise(F.lit(0))


def _up_to(key: str, days: int) -> WindowSpec:
    """All rows of the key at t - ``days`` or earlier."""
    return Window.partitionBy(key).orderBy("_at_us").rangeBetween(Window.unboundedPreceding, -days * DAY_MICROSECONDS)


def _sum(values: Column, frame: WindowSpec) -> Column:
    return F.coalesce(F.sum(values).over(frame), F.lit(0))


def _as_published(name: str) -> Column:
    column = F.col(name)
    if name not in FEATURES:
        return column
    return column.cast(FEATURE_ROWS.schema[name].dataType).alias(name)
