"""Row rules and the split into published and quarantined rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from common.lake.set_aside import QUARANTINE_SCHEMA
from common.privacy.pseudonyms import PseudonymKey
from common.quality import library
from common.quality.quarantine import to_quarantine
from common.quality.rules import Rule, rejected, split, valid

pytestmark = pytest.mark.unit

RULES = (
    Rule("T-001", "no id", library.is_blank("id")),
    Rule("T-002", "amount out of range", library.out_of_range("amount", low=0, high=100)),
    Rule("T-003", "unknown kind", library.not_in("kind", ["a", "b"])),
)
ROWS = [("1", 5.0, "a"), ("", 500.0, "c"), ("2", -1.0, "a"), ("3", None, None)]


def test_each_row_gets_the_reasons_it_broke_in_the_order_of_the_rules(spark: SparkSession) -> None:
    rows = split(spark.createDataFrame(ROWS, "id string, amount double, kind string"), RULES)
    found = {row["id"]: row["reasons"] for row in rows.collect()}
    assert found == {
        "1": [],
        "": ["T-001 no id", "T-002 amount out of range", "T-003 unknown kind"],
        "2": ["T-002 amount out of range"],
        # Null is not broken unless a rule says so.
        "3": [],
    }


def test_no_row_is_lost_between_valid_and_rejected(spark: SparkSession) -> None:
    rows = spark.createDataFrame(ROWS, "id string, amount double, kind string")
    judged = split(rows, RULES)
    assert sorted(row["id"] for row in valid(judged).collect()) == ["1", "3"]
    assert sorted(row["id"] for row in rejected(judged).collect()) == ["", "2"]
    assert valid(judged).columns == rows.columns


def test_reasons_of_an_earlier_split_come_first(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("", ["E-1 early"]), ("x", None)], "id string, reasons array<string>")
    found = {row["id"]: row["reasons"] for row in split(rows, RULES[:1]).collect()}
    assert found == {"": ["E-1 early", "T-001 no id"], "x": []}


def test_without_rules_every_row_is_valid(spark: SparkSession) -> None:
    rows = spark.createDataFrame(ROWS, "id string, amount double, kind string")
    assert valid(split(rows, [])).count() == 4


def test_two_rules_with_one_reason_are_refused(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="T-001 no id"):
        split(spark.range(1), [RULES[0], RULES[0]])


def test_a_reason_with_the_mark_between_reasons_is_refused(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match=r"U\+001F"):
        split(spark.range(1), [Rule("T-1", "a\x1fb", library.is_null("id"))])


def test_a_rule_is_evaluated_once_a_row_and_reads_the_rows_once(spark: SparkSession) -> None:
    # An RDD: rows that stand in the plan itself would be split while it is made.
    stored = spark.createDataFrame(spark.sparkContext.parallelize(ROWS), "id string, amount double, kind string")
    rows = split(stored, RULES)
    plan = rows._jdf.queryExecution().executedPlan().toString()
    assert plan.count("Scan") == 1
    assert plan.count("100.0") == 1
    assert "Exchange" not in plan


CONDITIONS = {
    "is_null": (library.is_null("v"), "string", {None: True, "": False}),
    "is_blank": (library.is_blank("v"), "string", {None: True, " \t": True, "NULL": True, "NaN": True, "x": False}),
    "not_in": (library.not_in("v", [1, 2]), "int", {1: False, 3: True, None: None}),
    "out_of_range": (
        library.out_of_range("v", low=0, high=1),
        "double",
        {0.0: False, 1.0: False, -0.1: True, 1.1: True},
    ),
    "only high": (library.out_of_range("v", high=1), "double", {-9.0: False, 1.1: True, float("inf"): True}),
    "not_finite": (
        library.not_finite("v"),
        "double",
        {1.0: False, float("inf"): True, float("-inf"): True, None: None},
    ),
    "too_long": (library.too_long("v", 2), "string", {"ab": False, "abc": True, "ää": False}),
    "not_matching": (library.not_matching("v", "^[0-9]+$"), "string", {"12": False, "1a": True}),
    "has_card_number": (library.has_card_number("v"), "string", {"4111111111111111": True, "4111111111111112": False}),
    "not_true": (library.not_true(lambda: F.col("v") > 0), "int", {1: False, 0: True, None: True}),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_holds_for_the_values_that_break_it(spark: SparkSession, name: str) -> None:
    broken, kind, expected = CONDITIONS[name]
    rows = spark.createDataFrame([(value,) for value in expected], f"v {kind}")
    assert {row["v"]: row["broken"] for row in rows.withColumn("broken", broken()).collect()} == expected


def test_not_a_number_is_not_finite_and_out_of_every_range(spark: SparkSession) -> None:
    rows = spark.sql("SELECT double('NaN') AS v")
    row = rows.select(library.not_finite("v")().alias("a"), library.out_of_range("v", high=1)().alias("b")).first()
    assert row is not None
    assert (row["a"], row["b"]) == (True, True)


def test_times_are_compared(spark: SparkSession) -> None:
    row = (
        spark.sql("SELECT DATE'2026-01-02' AS a, DATE'2026-01-01' AS b").select(library.later_than("a", "b")()).first()
    )
    assert row is not None
    assert row[0] is True


NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
KEY = PseudonymKey("k1", b"a key of sixteen bytes or more")


def test_rejected_rows_become_rows_of_the_shared_quarantine_without_persons(spark: SparkSession) -> None:
    rows = spark.sql(
        "SELECT 'e1' AS event_id, 'ann@example.org' AS email, 7 AS customer, 'no day' AS day, 'in/a.csv' AS _file, "
        f"'e1,ann@example.org' AS _raw, '{'x' * 2000}' AS note, array('T-001 no id') AS reasons"
    )
    done = to_quarantine(
        rows,
        run_id="r1",
        job="clickstream.ingest",
        quarantined_at=NOW,
        keys=("event_id", "email"),
        day_column="day",
        personal=("email", "customer"),
        pseudonym_key=KEY,
    )
    assert [(field.name, field.dataType) for field in done.schema] == [
        (field.name, field.dataType) for field in QUARANTINE_SCHEMA
    ]
    (row,) = done.collect()
    assert (row["run_id"], row["job"], row["source_file"]) == ("r1", "clickstream.ingest", "in/a.csv")
    assert (row["reasons"], row["event_day"]) == (["T-001 no id"], None)
    assert row["row_key"] == f"e1|{KEY.pseudonym('ann@example.org')}"
    fields = json.loads(row["row_json"])
    assert fields["email"] == KEY.pseudonym("ann@example.org")
    assert fields["customer"] == KEY.pseudonym("7")
    assert fields["_raw"] == KEY.pseudonym("e1,ann@example.org")
    assert fields["note"] == "x" * 1024
    assert "ann@" not in str(row)


def test_without_a_key_personal_columns_are_left_out(spark: SparkSession) -> None:
    rows = spark.sql("SELECT 'ann' AS who, 'a,b' AS _raw, DATE'2026-01-02' AS day, array('T-001 x') AS reasons")
    settings = {"run_id": "r", "job": "f.j", "quarantined_at": NOW, "day_column": "day"}
    (row,) = to_quarantine(rows, personal=("who",), keys=("who",), **settings).collect()
    assert json.loads(row["row_json"]) == {"day": "2026-01-02"}
    assert (row["row_key"], row["source_file"], str(row["event_day"])) == (None, None, "2026-01-02")
    (row,) = to_quarantine(rows, personal=("who",), raw_in_clear=True, **settings).collect()
    assert json.loads(row["row_json"])["_raw"] == "a,b"
