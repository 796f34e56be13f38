"""Card transactions and reports about them, as sent and as used."""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import (
    BooleanType,
    DecimalType,
    DoubleType,
    IntegerType,
    StringType,
    StructType,
    TimestampType,
)

from common.intake.bronze import bronze_table
from common.lake.table import Table
from common.privacy.pseudonyms import KEY_ID_COLUMN
from common.sources.mapping.extra import FIELDS as EXTRA_FIELDS
from common.sources.mapping.free_columns import EXTRA_MAPS
from jobs.fraud.fields import TRANSACTION_COLUMNS, optional, required, said

AMOUNT_SCALE: Final = 4
"""Decimal places kept for an amount: enough for every currency of ISO 4217."""


# Null in rows of earlier releases.
_FILE: Final = optional("_file_sha256", StringType())

AMOUNT: Final = DecimalType(18, AMOUNT_SCALE)


_FIRST: Final = (
    said("transaction_id", StringType(), "id of the transaction"),
    said("tx_datetime", TimestampType(), "when it took place"),
    said("customer_id", StringType(), "customer or card; published as a pseudonym"),
    said("terminal_id", StringType(), "terminal; where none is sent, the merchant stands for it"),
    said("tx_amount", AMOUNT, "amount, not negative"),
)
NEEDED: Final = tuple(field.name for field in _FIRST)
"""What every source of transactions maps to; ``merchant_id`` may stand for ``terminal_id``."""

_PLACES: Final = (
    said("customer_lat", DoubleType(), "latitude of the customer, degrees"),
    said("customer_lon", DoubleType(), "longitude of the customer, degrees"),
    said("merchant_lat", DoubleType(), "latitude of the merchant, degrees"),
    said("merchant_lon", DoubleType(), "longitude of the merchant, degrees"),
)
_TEXTS: Final = (
    said("merchant_id", StringType(), "merchant"),
    said("merchant_category", StringType(), "category of the merchant: a code (MCC) or a name"),
    said("channel", StringType(), "online, store, telephone ..."),
    said("device", StringType(), "device that was used; published as a pseudonym"),
    said("currency", StringType(), "currency of the amount, ISO 4217"),
    said("entry_mode", StringType(), "how the card was read: chip, contactless, stripe, keyed ..."),
)
MORE_TEXTS: Final = tuple(field.name for field in _TEXTS)
MORE_COLUMNS: Final = (*MORE_TEXTS, *(field.name for field in _PLACES))
"""What a feed of transactions may say besides."""

TRANSACTION_FEED: Final = StructType([*_FIRST, *_TEXTS, *_PLACES, *EXTRA_FIELDS])
"""What a source of transactions may map to; the comment of a field is its meaning."""


LABEL_FEED: Final = StructType(
    [
        said("transaction_id", StringType(), "the transaction that is reported"),
        said("reported_at", TimestampType(), "when that became known"),
        said("is_fraud", BooleanType(), "whether it was fraud"),
        said("fraud_scenario", IntegerType(), "which kind of fraud, by number"),
    ]
)
"""What a source of labels maps to; ``fraud_scenario`` may be left out."""


TRANSACTION_REQUIRED: Final = (NEEDED, tuple("merchant_id" if name == "terminal_id" else name for name in NEEDED))
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
        [
            *TRANSACTION_COLUMNS,
            required("tx_amount", AMOUNT),
            *_TEXTS,
            *_PLACES,
            *EXTRA_FIELDS,
            required(KEY_ID_COLUMN, StringType()),
            _FILE,
        ]
    ),
    keys=("transaction_id", "tx_day"),
    day_column="tx_day",
    personal_columns=("customer_id", "device", "customer_lat", "customer_lon", *EXTRA_MAPS),
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
