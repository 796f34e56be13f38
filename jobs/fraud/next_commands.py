"""What to run after a job of this family, with days that work: training, then its label delay, then the test."""

from __future__ import annotations

import shlex
from datetime import date, timedelta
from typing import TYPE_CHECKING

from jobs.fraud.evaluation.params import EvaluateParams
from jobs.fraud.training.params import TrainParams
from jobs.fraud.velocity.params import FeaturesParams

if TYPE_CHECKING:
    from common.run.context import RunContext

_DEFAULT_DELAY_DAYS = EvaluateParams.model_fields["label_delay_days"].default
_TRANSACTIONS, _LABELS = "transactions", "labels"


def after_ingest(context: RunContext) -> str:
    """The command that ingests the fraud reports; spelled out only for sources whose reports are known."""
    command = "lakejobs run fraud.ingest_labels --lake {lake}"
    source, folder = context.source_name or "", (context.input_path or "").rstrip("/")
    if source == "fraud_handbook":
        return f"{command} --source fraud_handbook_labels --input {shlex.quote(folder)}"
    if source == "fraud_simulated" and folder.endswith(f"/{_TRANSACTIONS}"):
        labels = f"{folder.removesuffix(_TRANSACTIONS)}{_LABELS}"
        return f"{command} --source fraud_simulated_labels --input {shlex.quote(labels)}"
    return f"{command} with --source and --input of the fraud reports"


def after_features(context: RunContext) -> str:
    """Training on two thirds of the days left after the label delay; the test gets the rest."""
    days, delay = context.days, context.params_as(FeaturesParams).label_delay_days
    left = len(days) - delay
    if left < 2:
        return (
            f"lakejobs run fraud.score --lake {{lake}} {{days}} once a model is trained; features of at least "
            f"{delay + 2} days are needed to train and test one"
        )
    last = days.first + timedelta(days=left - max(1, left // 3) - 1)
    return f"lakejobs run fraud.train --lake {{lake}} {_span(days.first, last)}{_delay(delay)}"


def after_train(context: RunContext) -> str:
    """A test on as many days as were trained on, starting once the frauds of the training days are known."""
    days, delay = context.days, max(1, context.params_as(TrainParams).label_delay_days)
    first = days.last + timedelta(days=delay + 1)
    last = first + timedelta(days=len(days) - 1)
    return f"lakejobs run fraud.evaluate --lake {{lake}} {_span(first, last)}{_delay(delay)}"


def _span(first: date, last: date) -> str:
    return f"--day {first}" if first == last else f"--from {first} --to {last}"


def _delay(days: int) -> str:
    return "" if days == _DEFAULT_DELAY_DAYS else f" --set label_delay_days={days}"
