"""The features of transactions."""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import (
    DoubleType,
    IntegerType,
    StructField,
    StructType,
)

from common.lake.table import Table
from common.sources.mapping.extra import FIELDS as EXTRA_FIELDS
from common.sources.mapping.free_columns import EXTRA_MAPS
from jobs.fraud.fields import TRANSACTION_COLUMNS, required

WINDOW_DAYS: Final = (1, 7, 30)
"""Lengths of the behaviour windows, in days, of the Fraud Detection Handbook."""


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


def _feature(name: str) -> StructField:
    is_fraction = name == "tx_amount" or "_avg_amount_" in name or "_risk_" in name
    return required(name, DoubleType() if is_fraction else IntegerType())


FEATURE_ROWS = Table(
    name="fraud.features",
    layer="gold",
    schema=StructType([*TRANSACTION_COLUMNS, *(_feature(name) for name in FEATURES), *EXTRA_FIELDS]),
    keys=("transaction_id", "tx_day"),
    day_column="tx_day",
    personal_columns=("customer_id", *EXTRA_MAPS),
    suite="fraud.features",
    description="The 15 features of each transaction, as they were known at its time, and free columns of its feed.",
)
