"""Expectations that we count ourselves, held to what Great Expectations finds on the same rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

import conf.expectations
from common.errors import UsageError
from common.lake.table import Table
from common.quality import audit as auditing
from common.quality.audit import audit
from common.quality.counting import is_countable
from common.quality.expectations import Expectation, Suite

pytestmark = pytest.mark.unit

NAN, INFINITE = float("nan"), float("inf")
DDL = "id string, kind string, n int, low double, high double, is_open boolean, day date"
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "sound rows": [("a1", "x", 1, 1.0, 2.0, True, None), ("b2", "y", 2, 2.0, 3.0, False, None)],
    "faults and doubles": [
        ("a1", "x", 1, 2.0, 1.0, True, None),
        ("a1", "z", 99, 2.0, 2.0, True, None),
        ("B", "", -5, INFINITE, 2.0, False, None),
    ],
    "nulls": [(None, None, None, None, None, None, None), ("a1", None, 4, None, 1.0, None, None), (None,) * 7],
    "NaN": [
        ("a1", "x", 1, NAN, 1.0, True, None),
        ("b2", "x", 1, NAN, NAN, True, None),
        ("c3", "y", 2, 1.0, NAN, True, None),
    ],
    "no rows": [],
}
DEMANDS = """
- {expectation: expect_table_row_count_to_be_between, kwargs: {min_value: 3}, severity: warn}
- {expectation: expect_table_row_count_to_be_between, kwargs: {min_value: 0, max_value: 2}}
- {expectation: expect_column_values_to_not_be_null, kwargs: {column: id}}
- {expectation: expect_column_values_to_not_be_null, kwargs: {column: low, mostly: 0.5}, severity: warn}
- {expectation: expect_column_values_to_be_in_set, kwargs: {column: kind, value_set: [x, y]}}
- {expectation: expect_column_values_to_be_in_set, kwargs: {column: n, value_set: [1, 2], mostly: 0.3}}
- {expectation: expect_column_values_to_be_in_set, kwargs: {column: is_open, value_set: [true]}}
- {expectation: expect_column_values_to_be_between, kwargs: {column: n, min_value: 0}}
- {expectation: expect_column_values_to_be_between, kwargs: {column: low, max_value: 2}}
- {expectation: expect_column_values_to_be_between, kwargs: {column: high, min_value: 1.5, max_value: 9.0, mostly: 0.6}}
- {expectation: expect_column_values_to_match_regex, kwargs: {column: id, regex: "^[a-z][0-9]{1}$"}}
- {expectation: expect_column_pair_values_a_to_be_greater_than_b, kwargs: {column_A: high, column_B: low}}
- expectation: expect_column_pair_values_a_to_be_greater_than_b
  kwargs: {column_A: high, column_B: low, or_equal: true, mostly: 0.4}
- {expectation: expect_column_values_to_be_unique, kwargs: {column: id}}
- {expectation: expect_column_values_to_be_unique, kwargs: {column: low}}
- {expectation: expect_compound_columns_to_be_unique, kwargs: {column_list: [id, n]}}
- {expectation: expect_compound_columns_to_be_unique, kwargs: {column_list: [kind, low]}}
- {expectation: expect_column_mean_to_be_between, kwargs: {column: n, min_value: 1, max_value: 2}}
- {expectation: expect_column_mean_to_be_between, kwargs: {column: low, max_value: 2}}
"""
SUITE = Suite.parse(DEMANDS, "test.things")


@pytest.fixture
def table(spark: SparkSession) -> Table:
    schema = spark.createDataFrame([], DDL).schema
    return Table("test.things", "gold", schema, keys=("id",), personal_columns=("high",))


@pytest.mark.parametrize("kind", ROWS)
def test_what_we_count_is_what_great_expectations_finds(
    spark: SparkSession, table: Table, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = spark.createDataFrame(ROWS[kind], DDL)
    assert all(is_countable(item, rows.schema) for item in SUITE.expectations)
    ours = audit(rows, table, suite=SUITE).results
    monkeypatch.setattr(auditing, "is_countable", lambda *_: False)
    theirs = audit(rows, table, suite=SUITE).results
    assert len(theirs) == 19
    assert [(our, their) for our, their in zip(ours, theirs, strict=True) if our != their] == []


def test_counts_of_rows_with_faults_are_those_found_by_hand(spark: SparkSession, table: Table) -> None:
    results = audit(spark.createDataFrame(ROWS["faults and doubles"], DDL), table, suite=SUITE).results
    assert [(row["success"], row["observed"]) for row in results] == [
        (True, "3"),
        (False, "3"),
        (True, "0 of 3 rows (0 %)"),
        (True, "0 of 3 rows (0 %)"),
        (False, "2 of 3 rows (66.7 %)"),
        (True, "2 of 3 rows (66.7 %)"),
        (False, "1 of 3 rows (33.3 %)"),
        (False, "1 of 3 rows (33.3 %)"),
        (False, "1 of 3 rows (33.3 %)"),
        (True, "1 of 3 rows (33.3 %)"),
        (False, "1 of 3 rows (33.3 %)"),
        (False, "3 of 3 rows (100 %)"),
        (False, "2 of 3 rows (66.7 %)"),
        (False, "2 of 3 rows (66.7 %)"),
        (False, "2 of 3 rows (66.7 %)"),
        (True, "0 of 3 rows (0 %)"),
        (True, "0 of 3 rows (0 %)"),
        (False, "31.666666666666668"),
        (False, "inf"),
    ]


def test_every_expectation_that_is_shipped_is_of_a_kind_that_we_count() -> None:
    ours = {item.expectation for item in SUITE.expectations}
    files = sorted(Path(str(conf.expectations.__file__)).parent.glob("*.yaml"))
    assert len(files) > 10
    for file in files:
        assert {item.expectation for item in Suite.load(file.stem).expectations} <= ours, file.stem


LEFT = {
    "a column that is not there": "{expectation: expect_column_values_to_not_be_null, kwargs: {column: nowhere}}",
    "bounds of another type": "{expectation: expect_column_values_to_be_between, kwargs: {column: kind, min_value: 1}}",
    "values of another type": "{expectation: expect_column_values_to_be_in_set, kwargs: {column: n, value_set: [a]}}",
    "bounds the wrong way round": (
        "{expectation: expect_column_values_to_be_between, kwargs: {column: n, min_value: 2, max_value: 1}}"
    ),
    "an expression of Java alone": (
        "{expectation: expect_column_values_to_match_regex, kwargs: {column: id, regex: '(?i)a|[[b]]'}}"
    ),
    "a condition on rows": (
        "{expectation: expect_column_values_to_not_be_null, kwargs: {column: id, row_condition: 'n > 1'}}"
    ),
    "another expectation": "{expectation: expect_column_max_to_be_between, kwargs: {column: n, max_value: 1}}",
}


@pytest.mark.parametrize("kind", LEFT)
def test_what_is_asked_in_another_way_is_left_to_great_expectations(spark: SparkSession, kind: str) -> None:
    (item,) = Suite.parse(f"- {LEFT[kind]}", "test.things").expectations
    assert not is_countable(item, spark.createDataFrame([], DDL).schema)


def test_both_in_one_suite_are_told_in_its_order(spark: SparkSession, table: Table) -> None:
    rows = spark.createDataFrame(ROWS["sound rows"], DDL)
    maximum = Expectation(expectation="expect_column_max_to_be_between", kwargs={"column": "n", "max_value": 1})
    first, last = SUITE.expectations[0], SUITE.expectations[2]
    results = audit(rows, table, suite=Suite(table="test.things", expectations=(first, maximum, last))).results
    assert [(row["expectation"], row["success"]) for row in results] == [
        ("expect_table_row_count_to_be_between", False),
        ("expect_column_max_to_be_between", False),
        ("expect_column_values_to_not_be_null", True),
    ]


def test_a_missing_argument_is_refused_before_a_row_is_read(table: Table) -> None:
    suite = Suite.parse("- {expectation: expect_column_values_to_be_unique, kwargs: {colunm: id}}", "test.things")
    rows: DataFrame = object()  # type: ignore[assignment]
    with pytest.raises(UsageError) as refused:
        audit(rows, table, suite=suite)
    assert (refused.value.code, refused.value.cause) == ("QLT-003", "expect_column_values_to_be_unique needs column.")


def test_an_audit_of_plain_conditions_does_not_load_great_expectations() -> None:
    code = "import sys, common.quality.audit, common.quality.counting; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_audit_of_a_run_takes_two_jobs(spark: SparkSession, table: Table) -> None:
    spark.sparkContext.setJobGroup("counted audit", "")
    rows = spark.createDataFrame(ROWS["sound rows"], DDL)
    suite = Suite(table="test.things", expectations=SUITE.expectations[:14])
    assert not audit(rows, table, suite=suite).passed
    jobs = spark.sparkContext.statusTracker().getJobIdsForGroup("counted audit")
    spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]
    # One for all conditions, one for unique ids.
    assert len(jobs) == 2
