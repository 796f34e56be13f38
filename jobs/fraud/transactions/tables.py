"""Card transactions and reports about them, as sent and as used."""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import (
    BooleanType,
    DecimalType,
    IntegerType,
    StringType,
    StructType,
    TimestampType,
)

from common.intake.feed import PROVENANCE
from common.lake.table import Table
from common.privacy.pseudonyms import KEY_ID_COLUMN
from jobs.fraud.fields import TRANSACTION_COLUMNS, optional, required

AMOUNT_SCALE: Final = 4
"""Decimal places kept for an amount: enough for every currency of ISO 4217."""


AMOUNT: Final = DecimalType(18, AMOUNT_SCALE)


TRANSACTION_FEED: Final = StructType(
    [
        optional("transaction_id", StringType()),
        optional("tx_datetime", TimestampType()),
        optional("customer_id", StringType()),
        optional("terminal_id", StringType()),
        optional("tx_amount", AMOUNT),
    ]
)
"""What a source of transactions maps to."""


LABEL_FEED: Final = StructType(
    [
        optional("transaction_id", StringType()),
        optional("reported_at", TimestampType()),
        optional("is_fraud", BooleanType()),
        optional("fraud_scenario", IntegerType()),
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
    schema=StructType([*TRANSACTION_COLUMNS, required("tx_amount", AMOUNT), required(KEY_ID_COLUMN, StringType())]),
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
            *TRANSACTION_COLUMNS,
            required("reported_at", TimestampType()),
            required("is_fraud", BooleanType()),
            optional("fraud_scenario", IntegerType()),
        ]
    ),
    keys=("transaction_id", "tx_day", "reported_at"),
    day_column="tx_day",
    personal_columns=("customer_id",),
    suite="fraud.labels",
    description="What was reported about a transaction, and when: several reports may follow one another.",
)
