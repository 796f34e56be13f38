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

from common.intake.bronze import bronze_table
from common.lake.table import Table
from common.privacy.pseudonyms import KEY_ID_COLUMN
from jobs.fraud.fields import TRANSACTION_COLUMNS, optional, required

AMOUNT_SCALE: Final = 4
"""Decimal places kept for an amount: enough for every currency of ISO 4217."""


# Null in rows of earlier releases.
_FILE: Final = optional("_file_sha256", StringType())

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


TRANSACTION_REQUIRED: Final = (("transaction_id", "tx_datetime", "customer_id", "terminal_id", "tx_amount"),)
LABEL_REQUIRED: Final = (("transaction_id", "reported_at", "is_fraud"),)
"""A source maps all of these."""


TRANSACTION_RECORDS = bronze_table("fraud.transaction_records", "Every record of every file of transactions, as sent.")


LABEL_RECORDS = bronze_table(
    "fraud.label_records", "Every record of every file of reports about transactions, as sent."
)


TRANSACTIONS = Table(
    name="fraud.transactions",
    layer="silver",
    schema=StructType(
        [*TRANSACTION_COLUMNS, required("tx_amount", AMOUNT), required(KEY_ID_COLUMN, StringType()), _FILE]
    ),
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
            _FILE,
        ]
    ),
    keys=("transaction_id", "tx_day", "reported_at"),
    day_column="tx_day",
    personal_columns=("customer_id",),
    suite="fraud.labels",
    description="What was reported about a transaction, and when: several reports may follow one another.",
)
