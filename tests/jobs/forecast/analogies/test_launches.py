"""Which launches a lake has seen, who is like whom, and which announced items are series of a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.forecast.analogies.announced import announced, listed_attributes
from jobs.forecast.analogies.cold import waits_of
from jobs.forecast.analogies.launches import calendar, launches, numbered
from jobs.forecast.analogies.likeness import shared_names
from jobs.forecast.analogies.steps import Terms, by_analogy
from jobs.forecast.demand.hierarchy import with_listed
from jobs.forecast.demand.params import HistoryParams
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.series import Rules
from jobs.forecast.items.tables import ITEMS

pytestmark = pytest.mark.unit

MONDAY = date(2026, 3, 2)
KNOWN = "unique_id string, ds date, is_series boolean, y double, censored string"


def week(number: int) -> date:
    return MONDAY + timedelta(days=7 * number)


def test_a_launch_is_seen_if_the_silence_before_it_was_longer_than_any_since(spark: SparkSession) -> None:
    def sold(name: str, weeks: dict[int, float | None], *, ready: bool = False) -> list[tuple[Any, ...]]:
        return [(name, week(n), ready, y, "unknown" if y == 5 else None) for n, y in weeks.items()]

    rows = [
        *sold("old", {0: 1.0, 1: 1.0}),  # sold from the beginning: nobody knows since when
        *sold("rare", {1: 1.0, 4: 1.0}),  # two weeks of silence, after one
        *sold("new", {2: 3.0, 4: 1.0, 5: 5.0}),  # out of stock in the last one
        *sold("ready", {0: 0.0, 1: 0.0, 2: 0.0, 3: 4.0, 5: 2.0}, ready=True),  # its zeros are known, its gap is not
        *sold("credit", {2: 4.0, 3: -9.0}, ready=True),
    ]
    spell = calendar(spark.range(1), Periods("W"), week(0), week(5))
    known = numbered(spark.createDataFrame(rows, KNOWN), spell)
    found = launches(known, last=5, ages=3, cycle=1).orderBy("unique_id").collect()
    assert [(row["unique_id"], row["born"], row["lived"], row["demand"]) for row in found] == [
        ("new", 2, 4, [3.0, 0.0, 1.0]),
        ("ready", 3, 3, [4.0, None, 2.0]),
    ]


def test_an_hour_of_a_launch_has_its_place_in_the_day(spark: SparkSession) -> None:
    rows = spark.range(1).select(
        F.lit("a").alias("unique_id"), F.expr("timestamp_ntz'2026-03-03 07:00:00'").alias("ds"),
        F.lit(False).alias("is_series"), F.lit(2.0).alias("y"), F.lit(None).cast("string").alias("censored"),
    )  # fmt: skip
    hours = Periods("H")
    spell = calendar(rows, hours, hours.at(MONDAY, 0), hours.at(MONDAY + timedelta(days=1), 9))
    (found,) = launches(numbered(rows, spell), last=33, ages=2, cycle=24).collect()
    assert (found["born"], found["place"], found["demand"]) == (31, 7, [2.0, 0.0])


def test_a_new_item_is_like_those_that_share_the_most_of_its_attributes_if_they_are_enough(spark: SparkSession) -> None:
    kinds = "attributes map<string,string>, place int"
    mugs = [(f"mug{n}", {"kind": "mug", "store": "S1"}, 0, [8.0, 4.0]) for n in range(2)]
    caps = [(f"cap{n}", {"kind": "cap", "store": f"S{n}"}, 0, [2.0, 2.0]) for n in range(3)]
    like = spark.createDataFrame([*mugs, *caps], f"unique_id string, {kinds}, demand array<double>")
    assert [row["key"] for row in shared_names(like).collect()] == ["kind", "store"]
    new = spark.createDataFrame(
        [
            ("new mug", {"kind": "mug", "store": "S1"}, 0, 1, []),
            ("new cap", {"kind": "cap", "store": "S9"}, 0, 0, []),
            ("new hat", {"kind": "hat", "store": "S1"}, 0, 0, []),
            ("mug0", {"kind": "mug", "store": "S1"}, 0, 0, [8.0, 4.0]),  # two others of its kind are not there
        ],
        f"unique_id string, {kinds}, waits int, own array<double>",
    )
    rows = by_analogy(new, like, ("kind", "store"), Terms(horizon=2, cycle=1, fewest=2, most=10)).collect()
    found = {(row["unique_id"], row["step"]): row for row in rows}
    whose = {name: row["likeness"] for (name, step), row in found.items() if step == 1}
    assert whose == {
        "new mug": "like 2 launches with the same kind, store",
        "new cap": "like 3 launches with the same kind",
        "new hat": "like 5 launches of any item",
        "mug0": "like 4 launches of any item",
    }
    assert [found["new mug", step]["y_hat"] for step in (1, 2)] == pytest.approx([0, 8])
    assert [found["new cap", step]["y_hat"] for step in (1, 2)] == pytest.approx([2, 2])


def test_an_item_is_announced_from_the_day_on_which_it_is_known_until_it_is_sold_or_forgotten(
    spark: SparkSession,
) -> None:
    def said(name: str, known: int, starts: int | None, store: str = "S1") -> dict[str, Any]:
        row = {"line_id": f"{name}{known}", "unique_id": name, "_batch_id": "b", "known_day": week(known)}
        starts_day = None if starts is None else week(starts)
        kept = dict.fromkeys(ITEMS.schema.names) | row
        return kept | {"starts_day": starts_day, "extra_categories": {"kind": "mug", "store": store}}

    items = spark.createDataFrame(
        [
            said("S1/soon", 0, 9),
            said("S1/soon", 1, 8),  # the last word holds
            said("S1/soon", 5, 7),  # said after the day of the run
            said("S1/later", 5, 9),
            said("S1/sold", 0, 2),
            said("S1/begins", 0, 5),
            said("S1/listed", 0, None),
            said("S1/stale", 0, 1),
            said("S2/first", 0, 8, "S2"),  # of a store that has sold nothing
        ],
        ITEMS.schema,
    )
    births = [("S1/sold", week(2)), ("[store] S1", week(0)), ("S1/begins", week(5))]
    there = spark.createDataFrame(births, "unique_id string, first_ds date")
    params = HistoryParams(series_by=("store", "item_id"), hierarchy=(("store",),), attributes=("kind",))
    rules = Rules(Periods("W"), week(4) + timedelta(days=6), 4, 26, 0.005, 0)
    found = {row["unique_id"]: row for row in announced(items, (there, there), params, rules, week(4)).collect()}
    assert {name: (row["status"], row["reason"][:7]) for name, row in found.items()} == {
        "S1/soon": ("fallback", "FCT-211"),
        "S1/begins": ("fallback", "FCT-211"),  # first sold in the week that is not over
        "S1/stale": ("left out", "FCT-212"),
        "S2/first": ("left out", "FCT-213"),
    }
    soon = found["S1/soon"]
    assert (soon["starts_day"], soon["attributes"]) == (week(8), {"store": "S1", "kind": "mug"})
    assert (soon["periods"], soon["first_ds"], soon["level"]) == (0, None, None)
    # The list says more of what was sold, too, but not where it was.
    sold = spark.createDataFrame(
        [("S1/sold", {"store": "S9", "kind": "unknown"}), ("S1/other", {"store": "S9", "kind": "hat"})],
        "unique_id string, attributes map<string,string>",
    )
    kinds = with_listed(sold, listed_attributes(items, week(4)), params).collect()
    assert {row["unique_id"]: row["attributes"] for row in kinds} == {
        "S1/sold": {"store": "S9", "kind": "mug"},
        "S1/other": {"store": "S9", "kind": "hat"},
    }


def test_an_item_waits_for_its_first_day_on_sale_and_beyond_the_horizon_for_all_of_it(spark: SparkSession) -> None:
    # The last period is number 3; four more are forecast.
    rows = [(3, False), (4, True), (6, True), (None, True), (None, False)]
    found = spark.createDataFrame(rows, "number int, is_later boolean").select(waits_of(F.col("is_later"), 3, 4))
    assert [row[0] for row in found.collect()] == [0, 0, 2, 4, 0]
