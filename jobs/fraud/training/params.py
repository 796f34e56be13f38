"""Parameters of fraud.train."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from common.config.params import Params

Algorithm = Literal["logistic_regression", "xgboost"]


class TrainParams(Params):
    """Parameters of ``fraud.train``."""

    label_delay_days: int = Field(
        7,
        ge=0,
        le=365,
        description="Reports that came more than this many days after the last training day are ignored.",
    )
    allow_unripe_labels: bool = Field(
        False,
        description="Train on days whose label delay has not passed yet, with the labels known when the run starts.",
    )
    algorithms: tuple[Algorithm, ...] = Field(
        ("logistic_regression", "xgboost"), min_length=1, description="Algorithms to train; each gives its own model."
    )
    extra_features: tuple[str, ...] | None = Field(
        None, description="Free columns to train on; by default all that the features of the days carry."
    )
    most_categories: int = Field(
        20, ge=1, le=100, description="Values of a category that a model knows, the most frequent ones."
    )
    smallest_category_rows: int = Field(
        10, ge=1, le=10**6, description="Fewest training rows of such a value; the model's card shows these values."
    )
    driver_rows_limit: int = Field(
        2_000_000,
        ge=100,
        le=50_000_000,
        description="Rows up to which training runs on the driver; beyond that, on the cluster.",
    )
    smallest_class_rows: int = Field(
        10, ge=1, le=10**6, description="Fewest rows of each class needed to train a model."
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
        description="xgboost with hist or approx, and on the cluster: bins per feature; fewer: faster, less exact.",
    )
    base_score: float = Field(
        0.5, gt=0, lt=1, description="xgboost: prediction before the first tree; releases from 2 on fit it if unset."
    )
    inverse_regularisation: float = Field(
        1.0, gt=0, le=1e6, description="Logistic regression: C, the inverse strength of the L2 penalty."
    )
    cluster_workers: int = Field(2, ge=1, le=1000, description="Tasks of a training run on the cluster.")
