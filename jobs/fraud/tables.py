"""The tables of the fraud family, by room."""

from __future__ import annotations

from jobs.fraud.evaluation.tables import EVALUATIONS
from jobs.fraud.scoring.tables import SCORES
from jobs.fraud.training.tables import MODELS
from jobs.fraud.transactions.tables import LABEL_RECORDS, LABELS, TRANSACTION_RECORDS, TRANSACTIONS
from jobs.fraud.velocity.tables import FEATURE_ROWS

__all__ = [
    "EVALUATIONS",
    "FEATURE_ROWS",
    "LABELS",
    "LABEL_RECORDS",
    "MODELS",
    "SCORES",
    "TRANSACTIONS",
    "TRANSACTION_RECORDS",
]
