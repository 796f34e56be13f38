"""Scores and reasons of feature rows in Spark tasks, through Arrow batches; the model travels as a broadcast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql.types import ArrayType, DoubleType, StructField, StructType

from jobs.fraud.scoring.scorers import Scorer, scorer_of
from jobs.fraud.scoring.tables import REASON
from jobs.fraud.training.classifiers import content_hash
from jobs.fraud.training.scaling import Matrix, matrix_of
from jobs.fraud.velocity.free_features import column_names, feature_columns, free_column

if TYPE_CHECKING:
    from pyspark import Broadcast

_SCORERS: dict[str, Scorer] = {}


@dataclass(frozen=True)
class ModelPayload:
    """What a task needs of a model."""

    version: str
    algorithm: str
    features: tuple[str, ...]
    files: Mapping[str, bytes]

    @cached_property
    def sha256(self) -> str:
        """The hash of its content, as a card and the register hold it."""
        return content_hash(self.algorithm, self.features, self.files)

    @property
    def free_columns(self) -> tuple[str, ...]:
        """The free columns that it takes."""
        return tuple(dict.fromkeys(name for name in map(free_column, self.features) if name))

    def scorer(self) -> Scorer:
        """The scorer, built once per Python process and content. Raises ModelFileError."""
        if self.sha256 not in _SCORERS:
            _SCORERS.clear()
            _SCORERS[self.sha256] = scorer_of(self.algorithm, self.features, self.files)
        return _SCORERS[self.sha256]


def with_scores(rows: DataFrame, model: Broadcast[ModelPayload], *, keep: Sequence[str]) -> DataFrame:
    """The columns ``keep`` of ``rows`` and ``score``, the probability of fraud. ``rows`` are of ``fraud.features``."""
    schema = StructType([*(rows.schema[name] for name in keep), StructField("score", DoubleType(), False)])
    return _inputs(rows, model.value, keep).mapInArrow(_score_batches(model, tuple(keep)), schema)


def with_reasons(rows: DataFrame, model: Broadcast[ModelPayload], *, keep: Sequence[str], reasons: int) -> DataFrame:
    """The columns ``keep`` of ``rows`` and ``reasons``: the features that raise the log-odds most, strongest first.

    Exact contributions cost some hundred times a score, so give the flagged rows only.
    """
    kind = ArrayType(REASON)
    schema = StructType([*(rows.schema[name] for name in keep), StructField("reasons", kind, False)])
    return _inputs(rows, model.value, keep).mapInArrow(_reason_batches(model, tuple(keep), reasons), schema)


def _inputs(rows: DataFrame, model: ModelPayload, keep: Sequence[str]) -> DataFrame:
    """The columns ``keep`` and the model's features, each column once."""
    values = zip(column_names(model.features), feature_columns(model.features), strict=True)
    return rows.select(*keep, *(value for name, value in values if name not in keep))


def reasons_of(
    features: Sequence[str], values: Matrix, contributions: Matrix, count: int
) -> list[list[dict[str, Any]]]:
    """For each row the ``count`` largest positive contributions; equal ones in the order of the features.

    A missing value is null.
    """
    found = []
    for row, terms in zip(values, contributions, strict=True):
        order = np.argsort(-terms, kind="stable")[:count]
        found.append(
            [
                {
                    "feature": features[i],
                    "value": None if np.isnan(row[i]) else float(row[i]),
                    "contribution": float(terms[i]),
                }
                for i in order
                if terms[i] > 0
            ]
        )
    return found


def _score_batches(model: Broadcast[ModelPayload], keep: tuple[str, ...]) -> Callable[[Iterable[Any]], Iterable[Any]]:
    def score(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow

        for batch in batches:
            scorer = model.value.scorer()
            scores = scorer.scores(matrix_of(batch, column_names(scorer.features)))
            columns = [batch.column(name) for name in keep]
            yield pyarrow.RecordBatch.from_arrays([*columns, pyarrow.array(scores)], [*keep, "score"])

    return score


def _reason_batches(
    model: Broadcast[ModelPayload], keep: tuple[str, ...], count: int
) -> Callable[[Iterable[Any]], Iterable[Any]]:
    def explain(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow

        item = pyarrow.struct(
            [
                pyarrow.field("feature", pyarrow.string()),
                pyarrow.field("value", pyarrow.float64()),
                pyarrow.field("contribution", pyarrow.float64()),
            ]
        )
        kind = pyarrow.list_(pyarrow.field("element", item))
        for batch in batches:
            if not batch.num_rows:
                continue
            scorer = model.value.scorer()
            values = matrix_of(batch, column_names(scorer.features))
            reasons = reasons_of(scorer.features, values, scorer.contributions(values), count)
            columns = [batch.column(name) for name in keep]
            yield pyarrow.RecordBatch.from_arrays([*columns, pyarrow.array(reasons, kind)], [*keep, "reasons"])

    return explain
