"""From model files to scores and reasons: the same code in a batch task, on the driver and for a single row."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from jobs.fraud.scoring.booster_files import BrokenBoosterError, check_booster
from jobs.fraud.training.classifiers import BOOSTER_FILE, COEFFICIENTS_FILE, SCALER_FILE
from jobs.fraud.training.scaling import Matrix, Scaler, without_missing

DECIDING_FILES = {"logistic_regression": COEFFICIENTS_FILE, "xgboost": BOOSTER_FILE}
"""Algorithm -> the file that holds the fitted model."""


class ModelFileError(ValueError):
    """A file of a model from which no scores can be made: its name is ``file``, the message says what is wrong."""

    def __init__(self, file: str, what: str) -> None:
        super().__init__(what)
        self.file = file


class Scorer(Protocol):
    """A model that can score."""

    features: tuple[str, ...]

    def scores(self, values: Matrix) -> Matrix:
        """The probability of fraud of each row of features."""
        ...

    def contributions(self, values: Matrix) -> Matrix:
        """What each feature adds to the log-odds of each row, exactly; the rest is the same for all rows."""
        ...


class LinearScorer:
    """Logistic regression: the log-odds are the intercept plus one term a feature."""

    def __init__(self, files: Mapping[str, bytes], features: Sequence[str]) -> None:
        weights = _json_object(files, COEFFICIENTS_FILE)
        self.features = tuple(features)
        self._scaler = _scaler(files, len(features))
        coefficients = _numbers(weights, "coefficients", COEFFICIENTS_FILE, len(features))
        self._coefficients = np.asarray(coefficients, dtype=float)
        self._intercept = _number(weights.get("intercept"), "intercept", COEFFICIENTS_FILE)

    def scores(self, values: Matrix) -> Matrix:
        """See Scorer."""
        log_odds = self._intercept + self.contributions(values).sum(axis=1)
        # exp of a number that is never positive cannot overflow.
        small = np.exp(-np.abs(log_odds))
        return np.asarray(np.where(log_odds >= 0, 1.0 / (1.0 + small), small / (1.0 + small)), dtype=float)

    def contributions(self, values: Matrix) -> Matrix:
        """See Scorer. Features are scaled, so a term is measured from the mean of the training rows."""
        return np.asarray(without_missing(self._scaler.scaled(values)) * self._coefficients, dtype=float)


class BoostedScorer:
    """Xgboost, one thread: Spark already runs one task a core."""

    def __init__(self, files: Mapping[str, bytes], features: Sequence[str]) -> None:
        import xgboost

        self.features = tuple(features)
        self._scaler = _scaler(files, len(features))
        body = _file(files, BOOSTER_FILE)
        try:
            check_booster(body, len(features))
            self._booster: Any = xgboost.Booster({"nthread": 1})
            self._booster.load_model(bytearray(body))
        except BrokenBoosterError as error:
            raise ModelFileError(BOOSTER_FILE, str(error)) from error
        except xgboost.core.XGBoostError as error:
            raise ModelFileError(BOOSTER_FILE, "xgboost cannot load it") from error
        self._booster.set_param({"nthread": 1})
        if self._booster.num_features() != len(features):
            what = f"it takes {self._booster.num_features()} features, the card names {len(features)}"
            raise ModelFileError(BOOSTER_FILE, what)

    def scores(self, values: Matrix) -> Matrix:
        """See Scorer."""
        return np.asarray(self._booster.inplace_predict(self._scaler.scaled(values)), dtype=float)

    def contributions(self, values: Matrix) -> Matrix:
        """See Scorer. Exact Shapley values of the trees (TreeSHAP); the last column of xgboost is the constant."""
        import xgboost

        rows = xgboost.DMatrix(self._scaler.scaled(values), nthread=1)
        return np.asarray(self._booster.predict(rows, pred_contribs=True), dtype=float)[:, :-1]


def scorer_of(algorithm: str, features: Sequence[str], files: Mapping[str, bytes]) -> Scorer:
    """The scorer for the files of a model.

    Raises ModelFileError when a file is missing, cannot be read, does not fit the features or holds numbers that are
    not finite. No code of a file is run.
    """
    if algorithm == "logistic_regression":
        return LinearScorer(files, features)
    return BoostedScorer(files, features)


def check_scores(scorer: Scorer, file: str) -> None:
    """Score and explain a row of zeros and one of ones; raises ModelFileError naming ``file`` on failure."""
    probe = np.vstack([np.zeros(len(scorer.features)), np.ones(len(scorer.features))])
    try:
        scores, terms = scorer.scores(probe), scorer.contributions(probe)
    except Exception as error:  # Libraries may raise anything; in any case the model cannot be used.
        raise ModelFileError(file, f"it cannot score ({type(error).__name__})") from error
    if scores.shape != (len(probe),) or not ((scores >= 0) & (scores <= 1)).all():
        raise ModelFileError(file, "its scores are not probabilities")
    if terms.shape != probe.shape or not np.isfinite(terms).all():
        raise ModelFileError(file, "its contributions are not one finite number for each feature")


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise ModelFileError(name, "it is missing")
    return files[name]


def _json_object(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        found = json.loads(_file(files, name))
    except ModelFileError:
        raise
    except (ValueError, RecursionError) as error:
        raise ModelFileError(name, "it is not JSON") from error
    if not isinstance(found, dict):
        raise ModelFileError(name, "it is not a JSON object")
    return found


def _number(value: Any, name: str, file: str) -> float:
    try:
        # JSON has no other numbers; true would pass for 1.
        number = float(value) if type(value) in (int, float) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ModelFileError(file, f"{name} has a value that is not a finite number")
    return number


def _numbers(values: Mapping[str, Any], name: str, file: str, count: int) -> tuple[float, ...]:
    held = values.get(name)
    if not isinstance(held, list) or len(held) != count:
        number = len(held) if isinstance(held, list) else "no"
        raise ModelFileError(file, f"it has {number} {name} for {count} features")
    return tuple(_number(value, name, file) for value in held)


def _scaler(files: Mapping[str, bytes], count: int) -> Scaler:
    values = _json_object(files, SCALER_FILE)
    means, deviations = (_numbers(values, name, SCALER_FILE, count) for name in ("means", "deviations"))
    if min(deviations, default=1.0) <= 0:
        raise ModelFileError(SCALER_FILE, "a standard deviation is not positive")
    return Scaler(means, deviations)
