"""Items that replace others: whose history belongs to whom, and when."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.forecast.demand.aggregates import aggregate_changes, summed_as_of
from jobs.forecast.demand.changes import NEVER, changes_of, demand_as_of
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.replacements import CIRCLE, CONTRADICTED, HANDED, Replacements, Said, Span, spans_of
from jobs.forecast.items.tables import ITEMS

pytestmark = pytest.mark.unit

MONDAY = date(2026, 3, 2)
WEEKS = Periods("W")


def test_history_goes_down_a_chain_and_factors_multiply() -> None:
    said = [Said("B", 10, "A", 2.0), Said("C", 20, "B", 0.5)]
    assert spans_of(said) == [
        Span("A", 10, 20, "B", 2.0, HANDED),
        Span("A", 20, NEVER, "C", 1.0, HANDED),
        Span("B", 20, NEVER, "C", 0.5, HANDED),
    ]


def test_a_chain_whose_later_half_was_known_first_hands_over_at_once() -> None:
    said = [Said("C", 10, "B", 1.0), Said("B", 20, "A", 1.0)]
    assert spans_of(said) == [Span("A", 20, NEVER, "C", 1.0, HANDED), Span("B", 10, NEVER, "C", 1.0, HANDED)]


def test_the_rows_of_a_later_day_take_the_place_of_those_before_and_a_factor_of_zero_ends_it() -> None:
    said = [Said("N", 10, "A", 1.0), Said("N", 10, "B", 1.0), Said("N", 20, "B", 3.0), Said("N", 30, "B", 0.0)]
    assert spans_of(said) == [
        Span("A", 10, 20, "N", 1.0, HANDED),
        Span("B", 10, 20, "N", 1.0, HANDED),
        Span("B", 20, 30, "N", 3.0, HANDED),
    ]


def test_of_two_that_replace_one_the_later_known_has_it_and_of_one_day_the_first_by_name() -> None:
    said = [Said("X", 10, "A", 1.0), Said("Y", 20, "A", 1.0), Said("Z", 20, "A", 1.0)]
    assert spans_of(said) == [
        Span("A", 10, 20, "X", 1.0, HANDED),
        Span("A", 20, NEVER, "X", 1.0, CONTRADICTED),
        Span("A", 20, NEVER, "Y", 1.0, HANDED),
        Span("A", 20, NEVER, "Z", 1.0, CONTRADICTED),
    ]


def test_around_a_circle_nothing_is_handed_over_nor_from_what_leads_into_it() -> None:
    said = [Said("B", 10, "A", 1.0), Said("A", 20, "B", 1.0), Said("A", 20, "O", 1.0)]
    assert [(span.old, span.first, span.new, span.fate) for span in spans_of(said)] == [
        ("A", 10, "B", HANDED),
        ("A", 20, "A", CIRCLE),
        ("B", 20, "B", CIRCLE),
        ("O", 20, "A", CIRCLE),
    ]


def test_a_chain_of_more_than_ten_steps_hands_nothing_over() -> None:
    said = [Said(f"{n + 1:02}", 10, f"{n:02}", 1.0) for n in range(11)]
    fates = {span.old: (span.fate, span.new) for span in spans_of(said)}
    assert fates["00"] == (CIRCLE, "11")
    assert fates["01"] == (HANDED, "11")


def fates_of(replacements: Replacements, lines: DataFrame) -> list[tuple[str, int]]:
    fates = replacements.fates(lines)
    return sorted(tuple(row) for row in fates.collect()) if fates else []


def test_demand_is_that_of_the_old_series_until_the_day_and_of_the_new_one_from_it(spark: SparkSession) -> None:
    def day(n: int) -> date:
        return MONDAY + timedelta(days=n)

    parts = spark.createDataFrame(
        [
            ("OLD", MONDAY, day(1), False, 1, 6.0, 0.0, 12.0, None),
            ("OLD", day(7), day(8), False, 1, 4.0, 0.0, 8.0, None),
            ("NEW", day(7), day(9), False, 1, 5.0, 0.0, 5.0, None),
            ("OLD", day(14), day(15), False, 1, 2.0, 0.0, 4.0, None),  # sold after it was replaced
            ("ELSE", MONDAY, day(2), False, 1, 1.0, 0.0, 1.0, None),
        ],
        "unique_id string, ds date, known_on date, is_series boolean, lines int, units_sold double, "
        "units_returned double, value double, void array<array<int>>",
    )
    row = dict.fromkeys(ITEMS.schema.names) | {"line_id": "1", "_batch_id": "b"}
    said = [
        row | {"unique_id": "NEW", "replaces": "OLD", "factor": 0.5, "known_day": day(13)},
        row | {"unique_id": "NEW", "replaces": "GONE", "known_day": day(13)},
        row | {"unique_id": "NEW", "known_day": day(14), "item_name": "a name takes nothing back"},
    ]
    items = spark.createDataFrame(said, ITEMS.schema)
    replacements = Replacements.said_by(items, day(13))
    changes = changes_of(replacements.handed_over(parts), "W").persist()

    def known(n: int) -> dict[tuple[str, int], float]:
        rows = demand_as_of(changes, day(n), WEEKS).where("units_sold > 0").collect()
        return {(row["unique_id"], (row["ds"] - MONDAY).days // 7): row["y"] for row in rows}

    others = {("ELSE", 0): 1.0}
    assert known(12) == others | {("OLD", 0): 6.0, ("OLD", 1): 4.0, ("NEW", 1): 5.0}
    assert known(13) == others | {("NEW", 0): 3.0, ("NEW", 1): 7.0}
    assert known(20) == others | {("NEW", 0): 3.0, ("NEW", 1): 7.0, ("NEW", 2): 1.0}
    # What was known of the old series when is what a backtest of the new one may know.
    assert {row["known_on"] for row in changes.where("unique_id = 'NEW' AND ds = DATE'2026-03-02'").collect()} == {
        day(1)
    }
    # Money is what was paid for the old one: 12 for what is 3 units of the new one.
    paid = changes.where("unique_id = 'NEW' AND ds = DATE'2026-03-02'").collect()
    assert [row["value"] for row in paid] == [12.0]
    lines = parts.select("unique_id")
    assert {row["unique_id"] for row in replacements.renamed(lines).collect()} == {"NEW", "ELSE"}
    assert [tuple(row) for row in replacements.replaced(lines).collect()] == [("OLD", "NEW")]
    assert fates_of(replacements, lines) == [("handed over", 1), ("of unknown series", 1)]
    assert fates_of(Replacements.said_by(items, day(12)), lines) == []

    # Aggregates have the demand of both, once: before the day both series are in them, from it on the new one.
    def total(as_of: int, n: int, *names: str) -> dict[int, float]:
        members = spark.createDataFrame([(name, "[total]") for name in names], "unique_id string, node string")
        sums = demand_as_of(aggregate_changes(changes, members, None, day(as_of)), day(n), WEEKS).collect()
        return {(row["ds"] - MONDAY).days // 7: row["y"] for row in sums}

    assert total(12, 12, "OLD", "NEW") == {0: 6.0, 1: 9.0}
    assert total(13, 12, "NEW") == {0: 3.0, 1: 7.0}
    assert total(13, 20, "NEW") == {0: 3.0, 1: 7.0, 2: 1.0}
    # Whoever reads it sums for himself, by the series of his day: it does not matter for which day it was counted last.
    listed = spark.createDataFrame(
        [
            ("NEW", None, {}, MONDAY, None),
            ("OLD", None, None, None, "replaced"),
            ("[total]", "total", {}, MONDAY, None),
        ],
        "unique_id string, level string, attributes map<string,string>, first_ds date, reason string",
    )
    stored = changes.where("unique_id = 'NEW'").withColumn("unique_id", F.lit("[total]"))
    summed = summed_as_of(changes.unionByName(stored), listed, day(20), DayRange(MONDAY, day(14)), WEEKS)
    rows = demand_as_of(summed, day(20), WEEKS).where("unique_id = '[total]'").collect()
    assert {(row["ds"] - MONDAY).days // 7: row["y"] for row in rows} == {0: 3.0, 1: 7.0, 2: 1.0}


def test_a_replacement_that_was_withdrawn_counts_once_in_the_total_as_of_each_day(spark: SparkSession) -> None:
    def day(n: int) -> date:
        return MONDAY + timedelta(days=n)

    parts = spark.createDataFrame(
        [
            ("OLD", MONDAY, day(1), False, 1, 6.0, 0.0, 12.0, None),
            ("NEW", day(7), day(9), False, 1, 5.0, 0.0, 5.0, None),
        ],
        "unique_id string, ds date, known_on date, is_series boolean, lines int, units_sold double, "
        "units_returned double, value double, void array<array<int>>",
    )
    row = dict.fromkeys(ITEMS.schema.names) | {"line_id": "1", "_batch_id": "b", "unique_id": "NEW", "replaces": "OLD"}
    said = [row | {"factor": 0.5, "known_day": day(13)}, row | {"factor": 0.0, "known_day": day(15)}]
    replacements = Replacements.said_by(spark.createDataFrame(said, ITEMS.schema), day(20))
    changes = changes_of(replacements.handed_over(parts), "W")
    members = spark.createDataFrame([("OLD", "[total]"), ("NEW", "[total]")], "unique_id string, node string")
    totals = aggregate_changes(changes, members, None, day(20)).persist()

    def total(n: int) -> dict[int, float]:
        return {(row["ds"] - MONDAY).days // 7: row["y"] for row in demand_as_of(totals, day(n), WEEKS).collect()}

    assert total(12) == {0: 6.0, 1: 5.0}
    assert total(13) == {0: 3.0, 1: 5.0}  # half a unit of the new one for each of the old one
    assert total(15) == {0: 6.0, 1: 5.0}


def test_a_replaced_series_that_is_sold_off_says_nothing_of_the_stock_of_the_new_one(spark: SparkSession) -> None:
    def day(n: int) -> date:
        return MONDAY + timedelta(days=n)

    parts = spark.createDataFrame(
        [
            ("OLD", MONDAY, day(1), False, 1, 6.0, 0.0, 12.0, None, None),
            ("OLD", MONDAY, day(2), False, 0, 0.0, 0.0, 0.0, None, "correct"),  # the shelf was empty before the day
            ("OLD", day(7), day(8), False, 0, 0.0, 0.0, 0.0, None, "correct"),  # and on it: sold off
            ("NEW", day(7), day(9), False, 1, 5.0, 0.0, 5.0, None, None),
        ],
        "unique_id string, ds date, known_on date, is_series boolean, lines int, units_sold double, "
        "units_returned double, value double, void array<array<int>>, censored string",
    )
    row = dict.fromkeys(ITEMS.schema.names) | {"line_id": "1", "_batch_id": "b", "unique_id": "NEW", "replaces": "OLD"}
    replacements = Replacements.said_by(spark.createDataFrame([row | {"known_day": day(8)}], ITEMS.schema), day(13))
    known = demand_as_of(changes_of(replacements.handed_over(parts), "W"), day(13), WEEKS).where("unique_id = 'NEW'")
    found = {(row["ds"] - MONDAY).days: (row["y"], row["censored"]) for row in known.collect()}
    assert found == {0: (6.0, "correct"), 7: (5.0, None)}
