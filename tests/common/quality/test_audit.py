"""The audit of staged rows by Great Expectations, and suites as files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

from common.errors import ContractError, UsageError
from common.lake.table import Table
from common.quality.audit import audit
from common.quality.expectations import Suite

pytestmark = pytest.mark.unit

TABLE = Table(
    name="test.things",
    layer="gold",
    schema=StructType(
        [StructField("id", StringType()), StructField("n", IntegerType()), StructField("who", StringType())]
    ),
    keys=("id",),
    personal_columns=("n", "who"),
)
SUITE = """
- expectation: expect_column_values_to_be_unique
  kwargs: {column: id}
  why: One row per thing.
- expectation: expect_column_values_to_be_between
  kwargs: {column: n, min_value: 0, max_value: 10}
- expectation: expect_column_max_to_be_between
  kwargs: {column: n, max_value: 50}
- expectation: expect_table_row_count_to_be_between
  kwargs: {min_value: 100}
  severity: warn
"""


@pytest.fixture
def things(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([("a", 1, "ann"), ("b", 2, "bob"), ("b", 30, "cid"), ("c", 4, "dan")], TABLE.schema)


def suite(text: str = SUITE) -> Suite:
    return Suite.parse(text, TABLE.name)


def comparison(**arguments: object) -> str:
    return f"- {{expectation: expect_column_pair_values_a_to_be_greater_than_b, kwargs: {json.dumps(arguments)}}}\n"


@pytest.mark.parametrize(("or_equal", "observed"), [(True, "1 of 5 rows (25 %)"), (False, "2 of 5 rows (50 %)")])
def test_columns_are_compared_as_great_expectations_does_and_a_null_breaks_nothing(
    spark: SparkSession, tmp_path: Path, or_equal: bool, observed: str
) -> None:
    # One or two of the four rows that have anything to compare; of the fifth neither value is known.
    rows = spark.createDataFrame([(2, 1), (2, 2), (1, 2), (None, 1), (None, None)], "ends int, begins int")
    demand = suite(comparison(column_A="ends", column_B="begins", or_equal=or_equal))
    (row,) = audit(rows, TABLE, suite=demand).results
    assert (row["column"], row["success"], row["observed"]) == ("ends, begins", False, observed)
    # With pages to write, Great Expectations compares the columns itself.
    assert audit(rows, TABLE, suite=demand, data_docs=tmp_path).results == [row]


@pytest.mark.parametrize("other", ["missing", "text"])
def test_a_comparison_that_cannot_be_made_fails_alone(spark: SparkSession, other: str) -> None:
    rows = spark.createDataFrame([(2, 1, "x")], "ends int, begins int, text string")
    demands = comparison(column_A="ends", column_B=other) + comparison(column_A="ends", column_B="begins")
    impossible, possible = audit(rows, TABLE, suite=suite(demands)).results
    assert (impossible["success"], impossible["observed"]) == (False, None)
    assert impossible["detail"]
    assert possible["success"]


def test_a_comparison_with_one_column_is_no_valid_suite(things: DataFrame) -> None:
    with pytest.raises(UsageError) as refused:
        audit(things, TABLE, suite=suite(comparison(column_A="n")))
    assert refused.value.code == "QLT-003"


def test_a_comparison_of_columns_costs_no_job_of_its_own(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(2, 1)], "ends int, begins int")
    single = "- {expectation: expect_column_values_to_not_be_null, kwargs: {column: ends}}\n"
    jobs = []
    for text in (single, single + comparison(column_A="ends", column_B="begins")):
        spark.sparkContext.setJobGroup(text, "")
        assert audit(rows, TABLE, suite=suite(text)).passed
        jobs.append(len(spark.sparkContext.statusTracker().getJobIdsForGroup(text)))
    spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]
    assert jobs[0] == jobs[1] > 0


def test_each_expectation_is_reported_with_what_was_observed(things: DataFrame) -> None:
    result = audit(things, TABLE, suite=suite())
    outcomes = [(row["column"], row["severity"], row["success"], row["observed"]) for row in result.results]
    assert outcomes == [
        ("id", "error", False, "2 of 4 rows (50 %)"),
        ("n", "error", False, "1 of 4 rows (25 %)"),
        # Counts of rows tell nothing of a person, the largest value does.
        ("n", "error", True, "hidden: personal"),
        (None, "warn", False, "4"),
    ]
    assert not result.passed
    with pytest.raises(ContractError, match="QLT-001") as refused:
        result.raise_if_failed()
    assert refused.value.exit_code == 3
    assert "expect_column_values_to_be_between (n) - 1 of 4 rows (25 %)" in str(refused.value)
    assert "row_count" not in str(refused.value)


def test_a_warning_does_not_stop_publication(things: DataFrame) -> None:
    result = audit(things, TABLE, suite=suite(SUITE[SUITE.index("- expectation: expect_table") :]))
    result.raise_if_failed()
    assert result.passed
    assert len(result.warnings) == 1


def test_an_expectation_that_cannot_be_evaluated_fails_and_says_why(things: DataFrame) -> None:
    text = "- expectation: expect_column_values_to_not_be_null\n  kwargs: {column: nowhere}\n"
    (row,) = audit(things, TABLE, suite=suite(text)).results
    assert row["success"] is False
    assert row["detail"] == "There is no column nowhere."


def test_a_table_without_a_suite_passes(things: DataFrame) -> None:
    result = audit(things, TABLE)
    assert result.passed
    assert result.results == []


def test_ten_expectations_cost_few_spark_jobs(things: DataFrame, spark: SparkSession) -> None:
    column = "- expectation: expect_column_values_to_be_between\n  kwargs: {column: n, min_value: %d}\n"
    many = suite("".join(column % -number for number in range(10)))
    things.cache().count()
    spark.sparkContext.setJobGroup("audit", "counting jobs")
    try:
        assert audit(things, TABLE, suite=many).passed
        jobs = spark.sparkContext.statusTracker().getJobIdsForGroup("audit")
    finally:
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
        things.unpersist()
    # They share their scans: a job each would be ten and more.
    assert 0 < len(jobs) <= 6


def test_data_docs_are_written_when_asked_for(things: DataFrame, tmp_path: Path) -> None:
    audit(things, TABLE, suite=suite(), data_docs=tmp_path / "docs")
    assert (tmp_path / "docs" / "index.html").is_file()


WRONG = {
    "no yaml": "- [",
    "an unknown key": "- expectation: expect_column_to_exist\n  kwarg: {column: id}\n",
    "an unknown severity": "- expectation: expect_column_to_exist\n  kwargs: {column: id}\n  severity: fatal\n",
    "nothing at all": "[]",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_suite_is_refused(kind: str) -> None:
    with pytest.raises(UsageError, match="QLT-003"):
        suite(WRONG[kind])


@pytest.mark.parametrize(
    "text",
    [
        "- expectation: expect_columns_to_shine\n  kwargs: {column: id}\n",
        "- expectation: expect_column_values_to_not_be_null\n  kwargs: {colunm: id}\n",
    ],
)
def test_an_expectation_that_is_not_known_is_refused(things: DataFrame, text: str) -> None:
    with pytest.raises(UsageError, match="QLT-003"):
        audit(things, TABLE, suite=suite(text))


def test_a_suite_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="QLT-002"):
        Suite.load("test.nowhere")


def test_suites_go_to_great_expectations_and_back() -> None:
    assert Suite.from_gx_json(suite().to_gx_json()) == suite()
    theirs = {
        "name": "test.things",
        "expectations": [
            {"type": "expect_column_to_exist", "kwargs": {"column": "id"}, "severity": "warning", "id": "x"}
        ],
        "meta": {"great_expectations_version": "1.24.1"},
    }
    (item,) = Suite.from_gx_json(json.dumps(theirs)).expectations
    assert (item.expectation, item.kwargs, item.severity) == ("expect_column_to_exist", {"column": "id"}, "warn")
    with pytest.raises(UsageError, match="QLT-003"):
        Suite.from_gx_json("{}")
