"""Aggregates of series: what they are called, what belongs to them, and that their demand is the sum of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.errors import ContractError, UsageError
from jobs.forecast.demand.aggregates import aggregate_changes, unknown_periods
from jobs.forecast.demand.changes import DEMAND_CHANGES, demand_as_of
from jobs.forecast.demand.hierarchy import (
    HANDED_DOWN,
    attributes_of,
    check_columns,
    check_names,
    check_parents,
    members_of,
)
from jobs.forecast.demand.params import HistoryParams
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.tables import DEMAND, SERIES

pytestmark = pytest.mark.unit

MONDAY = date(2026, 3, 2)
_LINES = (
    "line_id string, sold_day date, sold_at timestamp, unique_id string, item_id string, store string, "
    "extra_categories map<string,string>"
)


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


def lines(spark: SparkSession, *rows: tuple[str, str | None, dict[str, str | None]]) -> DataFrame:
    """Lines of series: unique_id, store, free categories; one a day."""
    found = [
        (str(n), day(n), datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=n), name, name, store, categories)
        for n, (name, store, categories) in enumerate(rows)
    ]
    return spark.createDataFrame(found, _LINES)


def test_a_series_belongs_to_one_aggregate_of_each_level(spark: SparkSession) -> None:
    sold = lines(
        spark,
        ("MUG", "S/1", {"kind": "kitchen"}),
        ("PEN", "S2", {"kind": None}),
        ("MUG", " ", {"kind": "kitchen"}),
    )
    levels = ((), ("store",), ("store", "kind"))
    attributes = attributes_of(sold, ("store", "kind"))
    params = HistoryParams.model_validate({"hierarchy": levels})
    assert check_parents(attributes, params) == 0
    rows = members_of(attributes, levels).collect()
    assert sorted((row["unique_id"], row["level"], row["node"]) for row in rows) == [
        ("MUG", "store", "[store] S/1"),
        ("MUG", "store/kind", "[store/kind] S%2F1/kitchen"),
        ("MUG", "total", "[total]"),
        ("PEN", "store", "[store] S2"),
        ("PEN", "store/kind", "[store/kind] S2/unknown"),
        ("PEN", "total", "[total]"),
    ]
    (mug,) = (row["attributes"] for row in rows if row["node"] == "[store] S/1")
    assert mug == {"store": "S/1"}


def test_two_parents_are_refused_or_the_last_one_counts(spark: SparkSession) -> None:
    sold = lines(spark, ("MUG", "S1", {"kind": "gift"}), ("MUG", "S1", {"kind": "kitchen"}), ("PEN", "S1", {}))
    attributes = attributes_of(sold, ("kind",))
    strict: dict[str, Any] = {"hierarchy": [[], ["kind"]]}
    with pytest.raises(ContractError, match="1 series would have two parents") as refused:
        check_parents(attributes, HistoryParams.model_validate(strict))
    assert (refused.value.code, "gift" in str(refused.value)) == ("FCT-031", False)
    assert check_parents(attributes, HistoryParams.model_validate({**strict, "changed_parents": "last"})) == 1
    # What is only kept with the series makes no parents.
    assert check_parents(attributes, HistoryParams.model_validate({"attributes": ["kind"]})) == 1
    found = {row["unique_id"]: row["attributes"]["kind"] for row in attributes.collect()}
    assert found == {"MUG": "kitchen", "PEN": "unknown"}


def test_a_series_has_its_own_parent_and_that_of_what_it_replaces_only_until_it_is_sold(spark: SparkSession) -> None:
    sold = lines(spark, ("CUP", "S1", {"kind": "gift"}), ("MUG", "S1", {}), ("MUG", "S2", {"kind": "kitchen"}))
    is_old = F.col("line_id").isin("0", "2")
    # Lines 0 and 2 are those of an old series: the last of all, and the only ones that have a kind.
    one = sold.withColumns({"unique_id": F.lit("MUG"), HANDED_DOWN: is_old})
    params = HistoryParams.model_validate({"hierarchy": [[], ["store"], ["store", "kind"]]})
    attributes = attributes_of(one, ("store", "kind"))
    assert check_parents(attributes, params) == 0
    assert [row["attributes"] for row in attributes.collect()] == [{"store": "S1", "kind": "kitchen"}]


def test_an_aggregate_with_two_parents_is_refused_unless_levels_cross(spark: SparkSession) -> None:
    sold = lines(spark, ("MUG", "S1", {"kind": "gift"}), ("PEN", "S2", {"kind": "gift"}), ("CUP", "S2", {"kind": "x"}))
    attributes = attributes_of(sold, ("store", "kind"))
    levels = {"hierarchy": [[], ["store"], ["kind"]]}
    with pytest.raises(ContractError, match="Of the level kind 1 aggregate would have two parents") as refused:
        check_parents(attributes, HistoryParams.model_validate(levels))
    assert refused.value.code == "FCT-032"
    assert check_parents(attributes, HistoryParams.model_validate({**levels, "crossed": True})) == 0
    assert check_parents(attributes, HistoryParams.model_validate({"hierarchy": [["store"], ["store", "kind"]]})) == 0


def test_a_column_that_no_line_has_and_the_name_of_an_aggregate_are_refused(spark: SparkSession) -> None:
    sold = lines(spark, ("[total]", "S1", {"kind": "gift"}), ("PEN", "S2", {}))
    check_columns(sold, ("store", "kind"))
    with pytest.raises(UsageError, match="No sales line has the column region") as refused:
        check_columns(sold, ("store", "region"))
    assert refused.value.code == "FCT-037"
    with pytest.raises(ContractError, match="1 series would have the name of an aggregate"):
        check_names(members_of(attributes_of(sold, ("kind",)), ((),)))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"hierarchy": [["store", "store"]]}, "names a column twice"),
        ({"hierarchy": [["store", "kind"], ["kind", "store"]]}, "same columns"),
        ({"hierarchy": [[], ["item_id"]]}, "lowest level already"),
        ({"hierarchy": [["customer_id"]]}, "free category"),
        ({"series_by": ["invoice_id"]}, "free category"),
    ],
)
def test_levels_that_make_no_sense_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        HistoryParams.model_validate(given)


def test_an_aggregate_is_the_sum_of_its_series_as_of_every_day(spark: SparkSession) -> None:
    rows = [
        ("A", "W", MONDAY, day(1), False, 1, 5.0, 0.0, 10.0, 0),
        ("A", "W", MONDAY, day(9), False, 1, 0.0, 8.0, -16.0, 0),  # more given back than was sold: A is 0, not -3
        ("B", "W", MONDAY, day(2), False, 2, 7.0, 1.0, 12.0, 0),
        ("A", "W", day(7), day(8), False, 1, 4.0, 0.0, 8.0, 0),
        ("R", "W", MONDAY, day(6), True, 1, -2.0, 0.0, 0.0, 0),  # a ready series may be negative
    ]
    changes = spark.createDataFrame([(*row, None, None) for row in rows], DEMAND_CHANGES.schema).drop("hour")
    pairs = [("A", "[total]"), ("B", "[total]"), ("R", "[all]"), ("A", "[all]")]
    members = spark.createDataFrame(pairs, "unique_id string, node string")
    sums = aggregate_changes(changes, members, None, day(13)).persist()

    def as_of(n: int) -> dict[tuple[str, int], float]:
        found = demand_as_of(sums, day(n), Periods("W")).collect()
        return {(row["unique_id"], (row["ds"] - MONDAY).days): row["y"] for row in found}

    assert as_of(1) == {("[total]", 0): 5.0, ("[all]", 0): 5.0}
    assert as_of(8) == {("[total]", 0): 11.0, ("[total]", 7): 4.0, ("[all]", 0): 3.0, ("[all]", 7): 4.0}
    assert as_of(9) == {("[total]", 0): 6.0, ("[total]", 7): 4.0, ("[all]", 0): -2.0, ("[all]", 7): 4.0}

    gap = spark.createDataFrame([("R", day(7))], "unique_id string, ds date")
    known = aggregate_changes(changes, members, gap, day(13)).select("unique_id", "ds").distinct().collect()
    assert {(row["unique_id"], (row["ds"] - MONDAY).days) for row in known} == {
        ("[total]", 0),
        ("[total]", 7),
        ("[all]", 0),
    }


def test_what_has_ended_leaves_no_gap_behind_it(spark: SparkSession) -> None:
    values = {"LATE": [1.0, None, 2.0, None], "OVER": [1.0, None, 2.0, None]}
    cells = [
        (name, "W", day(7 * n), y, max(y or 0.0, 0.0), 0.0, False, 0, False, None)
        for name, ys in values.items()
        for n, y in enumerate(ys)
    ]
    grid = spark.createDataFrame(cells, DEMAND.schema)
    judged = [("LATE", "modelled"), ("OVER", "left out")]
    series = spark.createDataFrame(judged, "unique_id string, status string")
    found = unknown_periods(grid, series).collect()
    assert sorted((row["unique_id"], (row["ds"] - MONDAY).days) for row in found) == [
        ("LATE", 7),
        ("LATE", 21),
        ("OVER", 7),
    ]
    assert {"level", "attributes"} <= set(SERIES.schema.names)
