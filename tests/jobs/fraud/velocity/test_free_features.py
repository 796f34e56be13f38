"""Free columns of transactions as features: carried, learned from training rows, and made of the names of a model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import InputMissingError
from jobs.fraud.training.params import TrainParams
from jobs.fraud.training.vocabulary import carried_names, features_of, frequent_values
from jobs.fraud.velocity.carried import check_carried
from jobs.fraud.velocity.free_features import (
    column_names,
    feature_columns,
    free_column,
    public_name,
    with_free_columns,
)

pytestmark = pytest.mark.unit

DAYS = DayRange(date(2026, 3, 2), date(2026, 3, 2))
MODEL = ("tx_amount", "extra.score", "extra.tier=Gold", "extra.tier=gold", "extra.tier=a=b`.c")


@pytest.fixture
def carried(spark: SparkSession) -> DataFrame:
    """Rows of fraud.features, as far as free columns go."""
    rows = [
        (1.0, {"score": 7.5, "age": None}, {"tier": "gold"}),
        (2.0, {"score": None, "age": None}, {"tier": "Gold"}),
        (3.0, {"score": -2.0, "age": None}, {"tier": "a=b`.c"}),
        (4.0, None, {"tier": "gold"}),
        (5.0, None, {"tier": None}),
        (6.0, None, None),
    ]
    schema = "tx_amount double, extra_numbers map<string,double>, extra_categories map<string,string>"
    return spark.createDataFrame(rows, schema)


def test_a_feature_is_made_of_its_name_alone_and_an_unknown_value_counts_as_none(carried: DataFrame) -> None:
    assert column_names(MODEL) == ("tx_amount", "_free_1", "_free_2", "_free_3", "_free_4")
    rows = carried.orderBy("tx_amount").select(*feature_columns(MODEL)).collect()
    assert [tuple(row) for row in rows] == [
        (1.0, 7.5, 0.0, 1.0, 0.0),
        (2.0, None, 1.0, 0.0, 0.0),
        (3.0, -2.0, 0.0, 0.0, 1.0),
        (4.0, None, 0.0, 1.0, 0.0),
        (5.0, None, 0.0, 0.0, 0.0),
        (6.0, None, 0.0, 0.0, 0.0),
    ]
    assert [free_column(name) for name in MODEL] == ["", "score", "tier", "tier", "tier"]
    assert [public_name(name) for name in MODEL[:3]] == ["tx_amount", "extra.score", "extra.tier"]


def test_a_model_learns_the_frequent_values_of_a_category_and_the_numbers_that_have_one(carried: DataFrame) -> None:
    names = carried.agg(carried_names()).collect()[0][0]
    assert names == ["age", "score", "tier"]
    rows = frequent_values(carried, names, TrainParams(smallest_category_rows=2)).collect()
    assert features_of(map(tuple, rows)) == ["extra.score", "extra.tier=gold"]
    rows = frequent_values(carried, ["tier"], TrainParams(smallest_category_rows=1, most_categories=2)).collect()
    assert features_of(map(tuple, rows)) == ["extra.tier=Gold", "extra.tier=gold"]


def test_features_without_a_free_column_are_refused_but_not_those_without_a_value(carried: DataFrame) -> None:
    check_carried(carried, ["score", "age", "tier"], DAYS, "the model m")
    with pytest.raises(InputMissingError) as caught:
        check_carried(carried, ["score", "colour"], DAYS, "the model m")
    assert caught.value.code == "FRD-028"
    assert caught.value.message == "The features of 2026-03-02 lack colour, which the model m takes."
    with pytest.raises(InputMissingError):
        check_carried(carried.limit(0), ["score"], DAYS, "the model m")


def test_only_the_named_columns_are_carried(transactions: Callable[..., DataFrame]) -> None:
    sent = transactions(
        {"extra_numbers": {"score": 7.5, "age": 30.0}, "extra_categories": {"tier": "gold"}},
        {"extra_numbers": {"age": 30.0}},
    )
    maps = ("extra_numbers", "extra_categories")
    rows = with_free_columns(sent, ["score", "tier"]).orderBy("transaction_id").select(*maps).collect()
    assert [tuple(row) for row in rows] == [({"score": 7.5}, {"tier": "gold"}), (None, None)]
    assert with_free_columns(sent, []).where(F.coalesce(*(F.size(name) for name in maps)) > 0).count() == 0
