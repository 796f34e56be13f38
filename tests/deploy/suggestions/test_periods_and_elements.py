"""Columns of periods, tables with a column for each period, and records that hold an array of objects."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.config.lake_settings import LakeSettings
from common.errors import UsageError
from common.sources.mapping.model import Source
from deploy.feeds.check import checked
from deploy.feeds.targets import target_of
from deploy.suggestions.suggest import suggested
from deploy.suggestions.writing import Suggestion

pytestmark = pytest.mark.unit

SALES = target_of("forecast.ingest")


def suggestion_for(folder: Path) -> tuple[Suggestion, Source]:
    made = suggested(str(folder), SALES, LakeSettings())
    return made, Source.parse(made.text, name="suggested")


@pytest.mark.parametrize(
    ("column", "values", "first_days", "period"),
    [
        ("week", ["2024-W07", "2024-W52"], [(2024, 2, 12), (2024, 12, 23)], "weeks"),
        ("KW", ["2021W1", "2020W53"], [(2021, 1, 4), (2020, 12, 28)], "weeks"),
        ("week", ["W07 2024", "W08 2024"], [(2024, 2, 12), (2024, 2, 19)], "weeks"),
        ("yearweek", ["202407", "202412"], [(2024, 2, 12), (2024, 3, 18)], "weeks"),
        ("period", ["202407", "202412"], [(2024, 7, 1), (2024, 12, 1)], "months"),
        ("period", ["202407", "202413"], [(2024, 2, 12), (2024, 3, 25)], "weeks"),
        ("month", ["2024-07", "2024-12"], [(2024, 7, 1), (2024, 12, 1)], "months"),
        ("monat", ["07/2024", "12/2024"], [(2024, 7, 1), (2024, 12, 1)], "months"),
        ("month", ["Jan 2024", "Dec 2024"], [(2024, 1, 1), (2024, 12, 1)], "months"),
        ("month", ["Jan-24", "Dec-24"], [(2024, 1, 1), (2024, 12, 1)], "months"),
        ("quarter", ["2024Q3", "2024Q4"], [(2024, 7, 1), (2024, 10, 1)], "quarters"),
        ("quarter", ["Q3 2024", "Q1 2025"], [(2024, 7, 1), (2025, 1, 1)], "quarters"),
        ("month", ["1978M01", "1978M12"], [(1978, 1, 1), (1978, 12, 1)], "months"),
        ("month", ["1978-01", "1978-12"], [(1978, 1, 1), (1978, 12, 1)], "months"),
        ("period", ["197807", "197812"], [(1978, 7, 1), (1978, 12, 1)], "months"),
    ],
)
def test_periods_count_on_their_first_day(
    tmp_path: Path, column: str, values: list[str], first_days: list[tuple[int, int, int]], period: str
) -> None:
    rows = "".join(f"A1,{value},{place + 3}\n" for place, value in enumerate(values))
    (tmp_path / "sales.csv").write_text(f"sku,{column},units\n{rows}")
    made, source = suggestion_for(tmp_path)
    assert f"sold_at: the values are {period}: each counts on its first day" in made.doubts
    found = checked(source, SALES, str(tmp_path), LakeSettings())
    assert not found.needs_spark
    assert [row.values["sold_at"] for row in found.findings.first] == [datetime(*day, tzinfo=UTC) for day in first_days]


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        (["1978-01-01", "1978-02-01", "1978-03-01", "1978-04-01"], "first days of months: if these are sums of months"),
        (["1978-01-31", "1978-02-28", "1978-03-31", "1978-04-30"], "last days of months: if these are sums of months"),
        (
            ["1978-03-31", "1978-06-30", "1978-09-30", "1978-12-31"],
            "last days of quarters: if these are sums of quarters",
        ),
        (["1975-12-31", "1976-12-31", "1977-12-31", "1978-12-31"], "last days of years: if these are sums of years"),
    ],
)
def test_dates_that_are_all_edges_of_longer_periods_may_be_their_sums(
    tmp_path: Path, dates: list[str], said: str
) -> None:
    (tmp_path / "series.csv").write_text(
        "unique_id,ds,y\n" + "".join(f"Y1,{one},{10 + n}\n" for n, one in enumerate(dates))
    )
    made, _ = suggestion_for(tmp_path)
    assert [doubt.partition(", forecast by")[0] for doubt in made.doubts] == [f"ds: all dates are {said}"]


@pytest.mark.parametrize(
    ("header", "of_1990", "ds"),
    [
        ("series,year,value", "1990", "year"),
        # Sales lines have no years: sums of years are ready series.
        ("sku,fiscal_year,units", "1990.0", "make_date(cast(left(fiscal_year, 4) as int), 1, 1)"),
        ("country,year,units", "1990", "year"),
    ],
)
def test_years_of_a_ready_series_are_its_times(tmp_path: Path, header: str, of_1990: str, ds: str) -> None:
    of_1991 = of_1990.replace("1990", "1991")
    (tmp_path / "series.csv").write_text(f"{header}\nY1,{of_1990},7\nY1,{of_1991},8\nY2,{of_1990},9\n")
    made, source = suggestion_for(tmp_path)
    key, _, value = header.split(",")
    assert made.columns == {"unique_id": key, "ds": ds, "y": value}
    found = checked(source, SALES, str(tmp_path), LakeSettings())
    assert [row.values["ds"] for row in found.findings.first[:2]] == [
        datetime(1990, 1, 1, tzinfo=UTC),
        datetime(1991, 1, 1, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("unique_id,ds,y", "Y1,{n},7", "ds holds 1, which is no date; say in SQL which day it stands for"),
        (
            "sku,year,month,units",
            "A1,1990,{n},7",
            "its parts stand in year and month; join them in SQL, such as make_date(year, month, 1)",
        ),
    ],
)
def test_a_time_that_is_none_is_named_with_what_to_do(tmp_path: Path, header: str, row: str, said: str) -> None:
    (tmp_path / "sales.csv").write_text("\n".join([header, *(row.format(n=n) for n in (1, 2, 3))]) + "\n")
    made, _ = suggestion_for(tmp_path)
    assert [doubt.partition(": ")[2] for doubt in made.doubts if "is needed" in doubt] == [said]


def test_a_flag_is_the_promotion_and_a_count_of_promoted_units_is_not(tmp_path: Path) -> None:
    for name, values in (("flag", "0101"), ("count", "0370")):
        folder = tmp_path / name
        folder.mkdir()
        rows = "".join(f"A1,2024-06-0{n + 1},{n + 3},{value}\n" for n, value in enumerate(values))
        (folder / "sales.csv").write_text(f"sku,date,units,promo\n{rows}")
    assert suggestion_for(tmp_path / "flag")[0].columns["promotion"] == "promo"
    assert "promotion" not in suggestion_for(tmp_path / "count")[0].columns


def test_dates_that_all_fall_on_one_weekday_may_be_weeks(tmp_path: Path) -> None:
    rows = "".join(f"A1,2024-06-{day:02},3\n" for day in (1, 8, 15, 22, 29))
    (tmp_path / "sales.csv").write_text(f"sku,week_ending,units\n{rows}")
    made, _ = suggestion_for(tmp_path)
    assert "sold_at: all dates are Saturdays: if these are sums of weeks, forecast by week" in made.doubts


@pytest.mark.parametrize(
    "header",
    [
        "sku,d_1,d_2,d_3,d_4",
        "sku,2024-01,2024-02,2024-03,2024-04",
        "sku,Jan-24,Feb-24,Mar-24,Apr-24",
        "sku,W0,W1,W2,W3",
        "sku,V2,V3,V4,V5",
        "sku,1990,1991,1992,1993",
    ],
)
def test_a_column_for_each_period_is_refused_with_the_command_that_makes_rows(tmp_path: Path, header: str) -> None:
    (tmp_path / "sales.csv").write_text(f"{header}\nA1,1,2,3,4\nA2,0,5,0,7\n")
    with pytest.raises(UsageError, match="FED-006") as refused:
        suggestion_for(tmp_path)
    assert "sales.csv has a column for each period: 4 columns" in refused.value.message
    command = refused.value.remedy.partition("python -c ")[2]
    (program,) = shlex.split(command)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    lines = (tmp_path / "long.csv").read_text().splitlines()
    assert (lines[0], lines[1], len(lines)) == ("sku,date,quantity", f"A1,{header.split(',')[1]},1", 9)


def test_orders_with_lines_give_a_row_for_each_line(tmp_path: Path) -> None:
    order = {"id": 7, "created_at": "2024-05-06T10:00:00Z", "customer": {"id": 3}}
    lines = [
        {"id": 71, "sku": "A", "quantity": 2, "price": "9.50"},
        {"id": 72, "sku": "B", "quantity": 1, "price": "1"},
    ]
    orders = [{**order, "id": number, "line_items": lines} for number in (7, 8, 9)]
    (tmp_path / "orders.json").write_text("".join(json.dumps(one) + "\n" for one in orders))
    made, source = suggestion_for(tmp_path)
    assert source.rows_from == "line_items"
    assert source.parent == {"order_id": "id", "created_at": "created_at", "customer_id": "customer.id"}
    mapped = {name: column.expr for name, column in source.columns.items()}
    assert mapped == {
        "invoice_id": "order_id",
        "item_id": "sku",
        "quantity": "quantity",
        "sold_at": "created_at",
        "unit_price": "price",
        "customer_id": "customer_id",
    }
    assert "a record holds several line_items: each of them is a row (rows_from)" in made.doubts


def test_an_event_with_items_stays_one_event(tmp_path: Path) -> None:
    events = [
        {"event": "purchase", "ts": f"2024-05-06T10:0{n}:00Z", "visitor": f"v{n}", "items": [{"sku": "A", "price": 1}]}
        for n in range(3)
    ]
    (tmp_path / "events.json").write_text("".join(json.dumps(one) + "\n" for one in events))
    made = suggested(str(tmp_path), target_of("clickstream.ingest"), LakeSettings())
    assert Source.parse(made.text, name="suggested").rows_from is None
