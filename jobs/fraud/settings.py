"""Parameters of the fraud jobs: defaults, bounds and meaning."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from common.config.params import Params

Algorithm = Literal["logistic_regression", "xgboost"]


class SimulateParams(Params):
    """The world of ``fraud.simulate``."""

    seed: int = Field(0, ge=0, le=2**31 - 1, description="The same seed gives the same rows.")
    customers: int = Field(5_000, ge=1, le=10**9, description="Number of customers (cards).")
    terminals: int = Field(10_000, ge=1, le=10**9, description="Number of terminals.")
    first_day: date = Field(date(2018, 4, 1), description="The day on which the simulated world begins.")
    radius: float = Field(5.0, gt=0, le=150, description="Reach of a customer, on a square with sides of 100.")
    terminals_a_day: float = Field(2, ge=0, le=10**6, description="Terminals newly compromised a day, on average.")
    customers_a_day: float = Field(3, ge=0, le=10**6, description="Customers whose card data leak a day, on average.")
    report_within_days: float = Field(7.0, ge=0, le=365, description="A fraud is reported within so many days.")


class IngestParams(Params):
    """Parameters of ``fraud.ingest``."""

    highest_amount: float = Field(
        10_000_000.0, gt=0, le=1e13, description="Amounts above are quarantined, in units of the currency."
    )
    clock_tolerance_minutes: int = Field(
        10, ge=0, le=1440, description="How far a transaction may lie ahead of the start of the run."
    )


class IngestLabelsParams(Params):
    """Parameters of ``fraud.ingest_labels``."""

    oldest_transaction_days: int = Field(
        180, ge=1, le=3650, description="How long after its transaction a label may be reported; older: quarantined."
    )


class FeaturesParams(Params):
    """Parameters of ``fraud.features``."""

    label_delay_days: int = Field(
        7, ge=1, le=365, description="Days after which a transaction counts as judged: terminal windows end there."
    )
    proof_rows: int = Field(
        100, ge=0, le=10_000, description="Rows computed again from the raw log, as of their time; 0: no proof."
    )


class TrainParams(Params):
    """Parameters of ``fraud.train``."""

    label_delay_days: int = Field(
        7,
        ge=0,
        le=365,
        description="Reports that came later than so many days after the last training day are unknown.",
    )
    allow_unripe_labels: bool = Field(
        False,
        description="Train on days whose label delay has not passed yet, with the labels known when the run starts.",
    )
    algorithms: tuple[Algorithm, ...] = Field(
        ("logistic_regression", "xgboost"), min_length=1, description="What is trained, each as a model of its own."
    )
    driver_rows_limit: int = Field(
        2_000_000,
        ge=100,
        le=50_000_000,
        description="Up to so many rows are trained on the driver, more on the cluster.",
    )
    smallest_class_rows: int = Field(
        10, ge=1, le=10**6, description="Fewest rows of each class with which a model is trained."
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of the trainers.")
    trees: int = Field(100, ge=1, le=10_000, description="xgboost: number of boosting rounds.")
    learning_rate: float = Field(0.3, gt=0, le=1, description="xgboost: step of each round.")
    max_depth: int = Field(6, ge=1, le=30, description="xgboost: depth of a tree.")
    tree_method: Literal["exact", "hist", "approx"] = Field(
        "exact", description="xgboost on the driver: how splits are found; the cluster always uses hist."
    )
    max_bin: int = Field(
        16_384,
        ge=2,
        le=65_536,
        description="xgboost by hist or approx, and on the cluster: bins of a feature; fewer are faster, less exact.",
    )
    base_score: float = Field(
        0.5, gt=0, lt=1, description="xgboost: prediction before the first tree; releases from 2 on fit it if unset."
    )
    inverse_regularisation: float = Field(
        1.0, gt=0, le=1e6, description="Logistic regression: C, the inverse strength of the L2 penalty."
    )
    cluster_workers: int = Field(2, ge=1, le=1000, description="Tasks of a training on the cluster.")


class PublishedRow(Params):
    """A published result to print beside ours."""

    model: str = Field(min_length=1, max_length=60, description="Name of the published model.")
    auc_roc: float = Field(ge=0, le=1, description="Area under the ROC curve.")
    average_precision: float = Field(ge=0, le=1, description="Average precision.")
    card_precision_at_100: float = Field(ge=0, le=1, description="Card precision at 100.")


class EvaluateParams(Params):
    """Parameters of ``fraud.evaluate``."""

    models: tuple[str, ...] = Field(
        (), description="Model versions to evaluate; none given: all whose labels were known when the test begins."
    )
    label_delay_days: int = Field(7, ge=1, le=365, description="Days after which a fraud is known.")
    top_k: int = Field(100, ge=1, le=1000, description="Cards an investigator looks at a day.")
    published_first_day: date | None = Field(None, description="First test day of the published rows.")
    published_last_day: date | None = Field(None, description="Last test day of the published rows.")
    published: tuple[PublishedRow, ...] = Field((), description="Published rows of a test on those days.")


class ScoreParams(Params):
    """Parameters of ``fraud.score``."""

    model: str = Field(
        "latest",
        min_length=1,
        max_length=120,
        description="Model version, or latest: of those whose labels were known when the days begin, the newest.",
    )
    allow_later_model: bool = Field(
        False, description="Score with the named model although it was trained on labels that came later."
    )
    algorithm: Algorithm = Field("xgboost", description="Which algorithm latest refers to.")
    alerts_per_day: int = Field(100, ge=1, le=1000, description="Cards that can be looked at on a day.")
    lowest_alert_score: float = Field(
        0.01, ge=0, le=1, description="Below this probability no alert is raised, even within the budget."
    )
    reasons: int = Field(3, ge=1, le=15, description="Reasons given for each alert.")
