"""What is exceptional about a series: one label, the most urgent, with its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.forecast.demand.periods import Periods
from jobs.forecast.planning.exceptions import Look, facts_of, labelled

pytestmark = pytest.mark.unit

FIRST = date(2026, 1, 5)
WEEKLY = Look(Periods("W"), 4)


def weeks(spark: SparkSession, demand: Mapping[str, Sequence[float | None]]) -> DataFrame:
    """Series that all end in the twentieth week."""
    rows = [
        (name, FIRST + timedelta(days=7 * (20 - len(values) + n)), value)
        for name, values in demand.items()
        for n, value in enumerate(values)
    ]
    return spark.createDataFrame(rows, "unique_id string, ds date, y double")


def found(spark: SparkSession, demand: DataFrame, *known: tuple[object, ...]) -> dict[str, tuple[str, str]]:
    schema = "unique_id string, counted_days_ago int, fallback_reason string, ahead string, lately string"
    rows = [(*row, *(None,) * (7 - len(row))) for row in known]
    said = spark.createDataFrame(rows, f"{schema}, is_last_promoted boolean, starts_day date")
    found = labelled(facts_of(demand, WEEKLY), said, WEEKLY).collect()
    return {row["unique_id"]: (row["label"], row["evidence"]) for row in found}


def test_each_series_has_the_most_urgent_label_that_holds(spark: SparkSession) -> None:
    level = [10.0, 12.0] * 10
    demand = weeks(
        spark,
        {
            "steady": level,
            "gap": [*level[:10], None, None, *level[12:]],
            "once": [*level[:5], 130.0, *level[6:]],
            "young": level[:5],
            "silent": [5.0] * 14 + [0.0] * 6,
            "absent": [*level[:16], 0.0, 12.0, 0.0, 12.0],
            "higher": [*level[:16], 40.0, 40.0, 40.0, 40.0],
            "counted": level,
            "lured": [*level[:16], 40.0, 40.0, 40.0, 40.0],
            "lately": level,
            "longer": level,
            "planned": level,
            "failed": level,
        },
    )
    labels = found(
        spark,
        demand,
        ("counted", 9, "ETS failed"),
        ("failed", None, "ETS failed"),
        ("higher", 9, None),
        ("lured", 9, None, "fair ahead", "promoted thrice", False),
        ("lately", 9, None, None, "promoted", True),
        ("longer", 9, None, "promotion ahead", "promoted", True),
        ("planned", 9, None, "fair ahead"),
        ("announced", None, "FCT-211 announced, and not sold yet", None, None, None, date(2026, 6, 1)),
    )
    assert labels == {
        "steady": (None, None),
        "gap": (None, None),
        "once": (
            "suspicious data",
            "130 units in the week of 2026-02-09, 11 times as many as ever else: is that demand that comes again?",
        ),
        "young": ("new item", "On sale since 2026-04-20: 5 weeks of the 12 that a comparison needs."),
        "silent": ("ending", "No demand for 6 weeks, never so long before: is it still sold?"),
        "absent": (
            "more zeros",
            "No demand in 2 of the last 4 weeks, in 0 of the 16 before; as many units as ever in the others: "
            "was it out of stock?",
        ),
        "higher": (
            "structural break",
            "40 units a week in the last 4 weeks, 11 in the 16 before; as most series went, 11 would be usual",
        ),
        "lured": ("promoted lately", "promoted thrice; ahead: fair ahead"),
        "lately": ("promoted lately", "promoted"),
        "longer": ("promotion or event ahead", "promotion ahead"),
        "planned": ("promotion or event ahead", "fair ahead"),
        "counted": ("old stock count", "The stock was counted 9 days before: count it again."),
        "failed": ("fallback", "No full forecast: ETS failed"),
        "announced": ("new item", "Announced for 2026-06-01, and not sold yet."),
    }


def test_what_most_series_do_is_no_break_of_one_and_one_with_all_units_is_looked_at_first(spark: SparkSession) -> None:
    risen = [10.0] * 16 + [30.0] * 4
    demand = weeks(spark, {**{f"s{n}": risen for n in range(10)}, "flat": [10.0] * 20})
    labels = found(spark, demand)
    assert {labels[f"s{n}"] for n in range(10)} == {(None, None)}
    assert labels["flat"] == (
        "structural break",
        "10 units a week in the last 4 weeks, 10 in the 16 before; as most series went, 30 would be usual",
    )
    broken = weeks(spark, {"huge": [9e8] * 20, **{f"s{n}": [10.0] * 20 for n in range(9)}})
    assert found(spark, broken)["huge"] == (
        "suspicious data",
        "It has 100 % of all units that 10 series sold lately: are its units those of the others?",
    )
