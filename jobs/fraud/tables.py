"""The tables of the fraud family and the columns that its jobs rely on."""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from common.intake import PROVENANCE
from common.lake.table import Table
from common.privacy import KEY_ID_COLUMN

WINDOW_DAYS: Final = (1, 7, 30)
"""Lengths of the behaviour windows, in days, of the Fraud Detection Handbook."""

AMOUNT_SCALE: Final = 4
"""Decimal places kept of an amount: enough for every currency of ISO 4217."""

AMOUNT: Final = DecimalType(18, AMOUNT_SCALE)

FEATURES: Final[tuple[str, ...]] = (
    "tx_amount",
    "tx_during_weekend",
    "tx_during_night",
    *(
        name
        for n in WINDOW_DAYS
        for name in (f"customer_id_nb_tx_{n}day_window", f"customer_id_avg_amount_{n}day_window")
    ),
    *(name for n in WINDOW_DAYS for name in (f"terminal_id_nb_tx_{n}day_window", f"terminal_id_risk_{n}day_window")),
)
"""The handbook's 15 features, in the order in which models take them."""


def _required(name: str, kind: DataType) -> StructField:
    return StructField(name, kind, nullable=False)


def _optional(name: str, kind: DataType) -> StructField:
    return StructField(name, kind, nullable=True)


_TRANSACTION = (
    _required("transaction_id", StringType()),
    _required("tx_datetime", TimestampType()),
    _required("tx_day", DateType()),
    _required("customer_id", StringType()),
    _required("terminal_id", StringType()),
)


def _feature(name: str) -> StructField:
    is_fraction = name == "tx_amount" or "_avg_amount_" in name or "_risk_" in name
    return _required(name, DoubleType() if is_fraction else IntegerType())


TRANSACTION_FEED: Final = StructType(
    [
        _optional("transaction_id", StringType()),
        _optional("tx_datetime", TimestampType()),
        _optional("customer_id", StringType()),
        _optional("terminal_id", StringType()),
        _optional("tx_amount", AMOUNT),
    ]
)
"""What a source of transactions maps to."""

LABEL_FEED: Final = StructType(
    [
        _optional("transaction_id", StringType()),
        _optional("reported_at", TimestampType()),
        _optional("is_fraud", BooleanType()),
        _optional("fraud_scenario", IntegerType()),
    ]
)
"""What a source of labels maps to; ``fraud_scenario`` may be left out."""

TRANSACTIONS_RAW = Table(
    name="fraud.transactions_raw",
    layer="bronze",
    schema=StructType([*TRANSACTION_FEED.fields, *PROVENANCE]),
    keys=(),
    day_column="ingest_date",
    personal_columns=("customer_id", "payload"),
    retention_days=90,
    description="Card transactions as sent: the record, what could be read of it, and where it came from.",
)

LABELS_RAW = Table(
    name="fraud.labels_raw",
    layer="bronze",
    schema=StructType([*LABEL_FEED.fields, *PROVENANCE]),
    keys=(),
    day_column="ingest_date",
    personal_columns=("payload",),
    retention_days=90,
    description="Reports about transactions as sent.",
)

TRANSACTIONS = Table(
    name="fraud.transactions",
    layer="silver",
    schema=StructType([*_TRANSACTION, _required("tx_amount", AMOUNT), _required(KEY_ID_COLUMN, StringType())]),
    keys=("transaction_id", "tx_day"),
    day_column="tx_day",
    personal_columns=("customer_id",),
    suite="fraud.transactions",
    description="Card transactions: typed, valid, an id once a day; customers are pseudonyms (key: pseudonym_key_id).",
)

LABELS = Table(
    name="fraud.labels",
    layer="silver",
    schema=StructType(
        [
            *_TRANSACTION,
            _required("reported_at", TimestampType()),
            _required("is_fraud", BooleanType()),
            _optional("fraud_scenario", IntegerType()),
        ]
    ),
    keys=("transaction_id", "tx_day", "reported_at"),
    day_column="tx_day",
    personal_columns=("customer_id",),
    suite="fraud.labels",
    description="What was reported about a transaction, and when: several reports may follow one another.",
)

FEATURE_ROWS = Table(
    name="fraud.features",
    layer="gold",
    schema=StructType([*_TRANSACTION, *(_feature(name) for name in FEATURES)]),
    keys=("transaction_id", "tx_day"),
    day_column="tx_day",
    personal_columns=("customer_id",),
    suite="fraud.features",
    description="The 15 features of each transaction, as they were known at its time.",
)

MODELS = Table(
    name="fraud.models",
    layer="gold",
    schema=StructType(
        [
            _required("model_version", StringType()),
            _required("algorithm", StringType()),
            _required("train_first_day", DateType()),
            _required("train_last_day", DateType()),
            _required("rows", LongType()),
            _required("frauds", LongType()),
            _required("sha256", StringType()),
            _required("trainer", StringType()),
            _required("trained_at", TimestampType()),
            # Null in rows of releases that did not know it: the model's card tells it then.
            _optional("labels_known_by", TimestampType()),
        ]
    ),
    keys=("model_version",),
    suite="fraud.models",
    description="The register of trained models; the model itself lies in the model folder of the lake.",
)

EVALUATIONS = Table(
    name="fraud.evaluations",
    layer="gold",
    schema=StructType(
        [
            _required("model_version", StringType()),
            _required("test_first_day", DateType()),
            _required("test_last_day", DateType()),
            _required("metric", StringType()),
            _required("segment", StringType()),
            _required("value", DoubleType()),
            _required("support", LongType()),
            # Rows of one test compare only where these are equal: the same cards were left out as known.
            _optional("cards_known_from", DateType()),
        ]
    ),
    keys=("model_version", "test_first_day", "test_last_day", "metric", "segment"),
    suite="fraud.evaluations",
    description="Metrics of a model over the days of a test: one row for each metric and segment.",
)

REASON = StructType(
    [
        _optional("feature", StringType()),
        _optional("value", DoubleType()),
        _optional("contribution", DoubleType()),
    ]
)
"""One reason: a feature, its value, and what it added to the log-odds of fraud.

Nullable only because Delta knows no constraints inside of arrays; none is ever null.
"""

SCORES = Table(
    name="fraud.scores",
    layer="gold",
    schema=StructType(
        [
            *_TRANSACTION,
            _required("tx_amount", DoubleType()),
            _required("score", DoubleType()),
            _required("decision", StringType()),
            _optional("card_rank", IntegerType()),
            _optional("reasons", ArrayType(REASON)),
            _required("model_version", StringType()),
        ]
    ),
    keys=("transaction_id", "tx_day"),
    day_column="tx_day",
    personal_columns=("customer_id",),
    suite="fraud.scores",
    description="Fraud probability, decision and reasons of each transaction of a day.",
)
