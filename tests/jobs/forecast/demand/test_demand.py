"""Sales lines to demand: returns, lines that are no demand, the grid."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.forecast.demand.neighbours import bought_by_people, confirmed_frauds, purchases_as_sales
from jobs.forecast.demand.params import HistoryParams
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.returns import parts_of_demand, undo
from jobs.forecast.demand.steps import on_grid, with_left_out, with_series
from jobs.forecast.sales.tables import SALES
from jobs.forecast.tables import CLICKSTREAM_EVENTS, FRAUD_LABELS

pytestmark = pytest.mark.unit

MONDAY = date(2026, 3, 2)
DAY = 86_400


def lines(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    whole = []
    for number, row in enumerate(rows):
        day = row.get("sold_day", MONDAY)
        base = {
            "line_id": str(number),
            "sold_day": day,
            "sold_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
            "item_id": "A",
            "quantity": 1.0,
            "is_series": False,
            "customer_id": "c",
            "_batch_id": "b",
        }
        whole.append({**dict.fromkeys(SALES.schema.names), **base, **row})
    return spark.createDataFrame(whole, SALES.schema)


def netted(*rows: tuple[float, float], within_days: int = 30, **more: list[str | None]) -> list[float]:
    """Net quantities of lines of one item, given as (day, quantity): of one customer, unless ``more`` says of whom."""
    frame = pd.DataFrame(
        {
            "line_id": [f"{n:02d}" for n in range(len(rows))],
            "pair": "p",
            "at_s": [int(day * DAY) for day, _ in rows],
            "day": [int(day) for day, _ in rows],
            "quantity": [quantity for _, quantity in rows],
            "void": None,
            **more,
        }
    )
    found = undo(frame.sample(frac=1, random_state=1), within_days * DAY)
    net = dict(zip(frame["line_id"], frame["quantity"], strict=True))
    for return_id, purchase_id, units in found.itertuples(index=False):
        if purchase_id is not None:
            net[purchase_id] -= units
            net[return_id] += units
        else:
            assert net[return_id] == -units
    return [net[name] for name in sorted(net)]


def test_a_return_undoes_the_latest_purchases_first() -> None:
    assert netted((0, 5), (1, 3), (2, -4)) == [4, 0, 0]


def test_a_return_undoes_no_purchase_that_came_later_or_too_long_before() -> None:
    assert netted((0, -2), (1, 5)) == [-2, 5]
    assert netted((0, 5), (31, -2)) == [5, -2]
    assert netted((0, 5), (30, -2)) == [3, 0]


def test_what_no_purchase_explains_stays_negative() -> None:
    assert netted((0, 2), (1, -5), (2, 4)) == [0, -3, 4]


def test_a_cancellation_undoes_its_invoice_first_whoever_the_customer_is_and_however_long_ago() -> None:
    def cancelled(*rows: tuple[float, float], by: str | None) -> list[float]:
        """The last of ``rows`` cancels the invoice 600 of the first; the others are the customer's own."""
        between = len(rows) - 2
        return netted(
            *rows,
            customer_id=["ann", *["ann"] * between, by],
            invoice_id=["600", *["601"] * between, "C600"],
            cancels=[None] * (len(rows) - 1) + ["600"],
        )

    assert cancelled((0, 5), (90, -2), by=None) == [3, 0]
    assert cancelled((0, 5), (1, 3), (2, -4), by=None) == [1, 3, 0]
    # Never more than was bought: the rest is the customer's, or nobody's.
    assert cancelled((0, 5), (1, 3), (2, -7), by=None) == [0, 3, -2]
    assert cancelled((0, 5), (1, 3), (2, -7), by="bob") == [0, 3, -2]
    assert cancelled((0, 5), (1, 3), (2, -7), by="ann") == [0, 1, 0]
    assert cancelled((9, 5), (1, 3), (2, -4), by="ann") == [5, 0, -1]  # the invoice came later


def test_only_the_customer_who_bought_or_a_cancellation_can_undo(spark: SparkSession) -> None:
    later = MONDAY + timedelta(days=40)
    rows = lines(
        spark,
        {"quantity": 5.0},
        {"quantity": -2.0, "sold_day": MONDAY + timedelta(days=1)},
        {"quantity": -1.0, "customer_id": "d", "sold_day": MONDAY + timedelta(days=1)},
        {"quantity": -1.0, "customer_id": None, "sold_day": MONDAY + timedelta(days=1)},
        {"quantity": -1.0, "item_id": "B", "sold_day": MONDAY + timedelta(days=1)},
        {"quantity": 5.0, "item_id": "C", "customer_id": None, "invoice_id": "600"},
        {"quantity": -2.0, "item_id": "C", "customer_id": None, "invoice_id": "C600", "sold_day": later},
        {"quantity": -4.0, "item_id": "C", "customer_id": "d", "invoice_id": "c600", "sold_day": later},
        {"quantity": -1.0, "item_id": "C", "customer_id": None, "invoice_id": "CR600", "sold_day": later},
        {"quantity": 5.0, "item_id": "D", "invoice_id": "700"},
        {"quantity": -3.0, "item_id": "D", "customer_id": None, "invoice_id": "C700", "sold_day": later},
    )
    dated = rows.withColumns({"ds": F.col("sold_day"), "void": F.lit(None).cast("array<array<int>>")})
    found = parts_of_demand(with_series(dated, ["item_id"]), return_days=30)
    back = found.where("units_returned > 0 OR units_sold > 0").orderBy("unique_id", "known_on", "units_returned")
    assert [(row["unique_id"], (row["ds"] - MONDAY).days, row["units_sold"], row["units_returned"])
            for row in back.collect()] == [
        ("A", 0, 5.0, 0.0),
        ("A", 1, 0.0, 1.0),  # of another customer, and of nobody: off the day on which they came back
        ("A", 1, 0.0, 1.0),
        ("A", 0, 0.0, 2.0),  # off the day of the purchase
        ("B", 1, 0.0, 1.0),
        ("C", 0, 5.0, 0.0),
        ("C", 40, 0.0, 1.0),  # what is left of the second cancellation, and a letter too many
        ("C", 40, 0.0, 1.0),
        ("C", 0, 0.0, 2.0),
        ("C", 0, 0.0, 3.0),
        ("D", 0, 5.0, 0.0),
        ("D", 0, 0.0, 3.0),
    ]  # fmt: skip
    lines_in_parts = found.agg(F.sum("lines")).first()
    assert lines_in_parts is not None
    assert lines_in_parts[0] == 11


def test_each_line_that_is_no_demand_is_left_out_for_its_reason(spark: SparkSession) -> None:
    rows = lines(
        spark,
        {"item_id": "post"},
        {"item_id": "POSTER", "is_product": True},
        {"item_id": "CARRIAGE", "is_product": False},
        {"unit_price": Decimal(0), "customer_id": None, "quantity": -9.0},
        {"unit_price": Decimal(0)},
        {"transaction_id": "T"},
        {"invoice_id": "T"},
        {"transaction_id": "OTHER", "invoice_id": "T"},
        {"transaction_id": "", "invoice_id": "T"},
        {"sold_day": MONDAY - timedelta(days=1)},
    )
    frauds = frauds_of(spark, ("T", MONDAY, MONDAY + timedelta(days=1), True))
    whole = DayRange(MONDAY, MONDAY)
    found = with_left_out(
        rows.withColumn("booked_on", F.lit(None).cast("date")),
        whole,
        Periods("W"),
        as_of=MONDAY + timedelta(days=1),
        no_products=("POST", "M"),
        frauds=frauds,
    )
    found = found.orderBy("line_id").collect()
    assert HistoryParams().no_products == ()  # the code of a product is that of its shop
    assert [row["left_out"] for row in found] == [
        "no product",
        None,
        "no product",
        "stock adjustment",
        None,
        *["confirmed fraud"] * 4,
        "unfinished period",
    ]


def test_a_code_that_is_no_regular_expression_is_refused_before_anything_runs() -> None:
    # What only Java understands stays: Spark matches by its rules.
    codes = ("POST", r"\d{3}[A-Z]?", r"\p{Lu}+", "(?i)gift|(?<kind>bag)", r"\Qa(b\E", r"[\p{L}_]++")
    assert HistoryParams.model_validate({"no_products": codes}).no_products == codes
    for broken in ("POST(", "[A-Z", "*", "a{2,1}"):
        with pytest.raises(ValidationError, match="is not a regular expression"):
            HistoryParams.model_validate({"no_products": [broken]})


def frauds_of(spark: SparkSession, *reports: tuple[str, date, date, bool]) -> DataFrame:
    """``confirmed_frauds`` of reports: transaction, its day, day of the report, whether it says fraud."""
    rows = [(name, day, datetime(on.year, on.month, on.day, 9, tzinfo=UTC), said) for name, day, on, said in reports]
    return confirmed_frauds(spark.createDataFrame(rows, FRAUD_LABELS.schema))


def test_a_transaction_is_fraud_from_a_report_to_its_withdrawal(spark: SparkSession) -> None:
    def day(n: int) -> date:
        return date(2026, 3, n)

    found = frauds_of(
        spark,
        ("a", day(1), day(3), True),
        ("a", day(1), day(5), False),
        ("b", day(1), day(3), True),
        ("b", day(2), day(4), True),
        ("c", day(1), day(4), False),
    )
    march = (date(2026, 3, 1) - date(1970, 1, 1)).days - 1
    spans = {
        row["transaction_id"]: sorted((fraud["tx_day"].day, fraud["span"][0] - march) for fraud in row["frauds"])
        for row in found.collect()
    }
    assert spans == {"a": [(1, 3)], "b": [(1, 3), (2, 4)]}
    (withdrawn,) = found.where("transaction_id = 'a'").collect()
    assert withdrawn["frauds"][0]["span"][1] - march == 5


def test_purchases_of_people_are_sales_until_the_sales_tell_them_too(spark: SparkSession) -> None:
    def event(number: int, **changes: Any) -> dict[str, Any]:
        base = {
            "event_id": str(number),
            "event_name": "purchase",
            "event_date": MONDAY,
            "derived_tstamp": datetime(2026, 3, 2, 12, tzinfo=UTC),
            "item_id": "A",
            "transaction_id": f"t{number}",
            "is_bot": False,
            "pseudonym_key_id": "k7",
        }
        return {**dict.fromkeys(CLICKSTREAM_EVENTS.schema.names), **base, **changes}

    events = spark.createDataFrame(
        [event(1), event(2, is_bot=True), event(3, event_name="page_view"), event(4, quantity=None)],
        CLICKSTREAM_EVENTS.schema,
    )
    sales = lines(spark, {"invoice_id": "t4", "sold_day": MONDAY + timedelta(days=2)})
    bought = bought_by_people(events)
    alone = purchases_as_sales(bought, None)
    assert alone.schema.names == [*SALES.schema.names, "booked_on"]
    assert sorted((row["line_id"], row["quantity"], row["pseudonym_key_id"]) for row in alone.collect()) == [
        ("event-1", 1.0, "k7"),
        ("event-4", 1.0, "k7"),
    ]
    booked = {row["line_id"]: row["booked_on"] for row in purchases_as_sales(bought, sales).collect()}
    assert booked == {"event-1": None, "event-4": MONDAY + timedelta(days=2)}


def test_gaps_are_distinguished_from_zeros(spark: SparkSession) -> None:
    def day(n: int) -> date:
        return MONDAY + timedelta(days=n)

    demand = spark.createDataFrame(
        [("A", day(0), 2.0, 2.0, False), ("A", day(3), 1.0, 1.0, False), ("B", day(1), 4.0, 4.0, False),
         ("S", day(0), 7.0, 7.0, True), ("S", day(3), 0.0, 0.0, True)],
        "unique_id string, ds date, y double, units_sold double, is_series boolean",
    ).withColumn("units_returned", F.lit(0.0))  # fmt: skip
    births = spark.createDataFrame(
        [("A", day(-9), False), ("B", day(1), False), ("S", day(0), True)],
        "unique_id string, first_ds date, is_series boolean",
    )
    found = on_grid(demand, births, DayRange(day(0), day(3)), Periods("D")).orderBy("unique_id", "ds").collect()
    assert [(row["unique_id"], (row["ds"] - MONDAY).days, row["y"], row["is_closed"]) for row in found] == [
        ("A", 0, 2.0, False),
        ("A", 1, 0.0, False),  # others sold: no demand
        ("A", 2, 0.0, True),  # nobody sold anything: closed
        ("A", 3, 1.0, False),
        ("B", 1, 4.0, False),  # not yet born before
        ("B", 2, 0.0, True),
        ("B", 3, 0.0, False),
        ("S", 0, 7.0, False),
        ("S", 1, None, False),  # left out by the series: unknown, neither zero nor closed
        ("S", 2, None, False),
        ("S", 3, 0.0, False),
    ]
