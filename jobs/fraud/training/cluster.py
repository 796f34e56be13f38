"""Training inside Spark, for more rows than one machine should hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyspark
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.fraud.training.classifiers import TrainedModel, boosted, linear, xgboost_settings
from jobs.fraud.training.scaling import Scaler
from jobs.fraud.velocity.free_features import column_names, may_be_missing

if TYPE_CHECKING:
    from jobs.fraud.training.params import TrainParams

_DIGITS = 12


def fitted_scaler(rows: DataFrame, features: Sequence[str]) -> Scaler:
    """The scaler of ``rows``, by one aggregation."""
    wanted = [function(name) for name in features for function in (F.avg, F.stddev_pop)]
    # Sums differ in their last digits by the order of their parts; the version of a model has the hash of its scaler.
    found = [float(f"{value:.{_DIGITS}g}") for value in rows.agg(*wanted).first() or ()]
    return Scaler.of(found[::2], found[1::2])


def fit_on_cluster(algorithm: str, rows: DataFrame, features: Sequence[str], params: TrainParams) -> TrainedModel:
    """A model of ``algorithm``, without bringing ``rows`` to the driver.

    ``rows`` holds ``is_fraud`` and the features in the columns that ``column_names`` gives.
    """
    from pyspark.ml.feature import VectorAssembler

    names = column_names(features)
    scaler = fitted_scaler(rows, names)
    values = [
        (F.col(name) - F.lit(mean)) / F.lit(deviation)
        for name, mean, deviation in zip(names, scaler.means, scaler.deviations, strict=True)
    ]
    if algorithm == "logistic_regression":
        # It knows no missing values: the mean of the training rows, 0, stands for them.
        values = [
            F.coalesce(value, F.lit(0.0)) if may_be_missing(feature) else value
            for feature, value in zip(features, values, strict=True)
        ]
    scaled = rows.select(
        F.col("is_fraud").cast("double").alias("is_fraud"),
        *(value.alias(name) for name, value in zip(names, values, strict=True)),
    )
    # What is missing becomes NaN, as xgboost has it.
    invalid = "keep" if any(map(may_be_missing, features)) else "error"
    vectors = VectorAssembler(inputCols=list(names), outputCol="features", handleInvalid=invalid).transform(scaled)
    assembled = vectors.select("features", "is_fraud")
    if algorithm == "logistic_regression":
        return _logistic_regression(assembled, scaler, features, params)
    return _xgboost(assembled, scaler, features, params)


def _xgboost(assembled: DataFrame, scaler: Scaler, features: Sequence[str], params: TrainParams) -> TrainedModel:
    from xgboost.spark import SparkXGBClassifier

    settings = xgboost_settings(params.model_copy(update={"tree_method": "hist"}))
    # The estimator sets the objective itself, and calls the seed by another name.
    settings = {key: value for key, value in settings.items() if key not in {"objective", "seed"}}
    estimator = SparkXGBClassifier(
        features_col="features",
        label_col="is_fraud",
        num_workers=params.cluster_workers,
        n_estimators=params.trees,
        random_state=params.seed,
        **settings,
    )
    booster = estimator.fit(assembled).get_booster()
    # Trained from vectors, its features would be called f0, f1, ...: ours are named by the card.
    booster.feature_names = None
    booster.feature_types = None
    return boosted(booster, scaler, features, params.trees, trainer="cluster")


def _logistic_regression(
    assembled: DataFrame, scaler: Scaler, features: Sequence[str], params: TrainParams
) -> TrainedModel:
    from pyspark.ml.classification import LogisticRegression

    # scikit-learn minimises C x (sum of losses) + |w|^2 / 2, Spark the mean loss + regParam x |w|^2 / 2.
    penalty = 1.0 / (params.inverse_regularisation * assembled.count())
    estimator = LogisticRegression(
        featuresCol="features", labelCol="is_fraud", regParam=penalty, elasticNetParam=0.0, standardization=False
    )
    estimator.setMaxIter(1000)
    model = estimator.fit(assembled)
    effective = {
        "library": f"pyspark {pyspark.__version__}",
        "config": {param.name: value for param, value in model.extractParamMap().items()},
        "iterations": model.summary.totalIterations,
    }
    return linear(list(model.coefficients), model.intercept, scaler, features, effective, trainer="cluster")
