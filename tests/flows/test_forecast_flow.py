"""Sales files to orders: five jobs, run twice, with the dirt that real feeds have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from audited import passed
from gift_shop import LAST, MONDAY, WEEKS, Shop, line
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.forecast.backtest import JOB as BACKTEST
from jobs.forecast.demand.changes import DEMAND_CHANGES
from jobs.forecast.demand.tables import DEMAND, SERIES
from jobs.forecast.forecasts.tables import FORECASTS
from jobs.forecast.items.tables import ITEMS
from jobs.forecast.orders.tables import ORDERS
from jobs.forecast.predict import JOB as PREDICT
from jobs.forecast.replay import JOB as REPLAY
from jobs.forecast.replays.tables import REPLAYS
from jobs.forecast.replenish import JOB as REPLENISH
from jobs.forecast.sales.tables import SALES
from jobs.forecast.stock.tables import STOCK
from jobs.forecast.trials.tables import TRIALS
from jobs.fraud.transactions.tables import LABELS

# Ten jobs, each with its audit: on a busy machine that takes its time.
pytestmark = [pytest.mark.flow, pytest.mark.timeout(1800), pytest.mark.usefixtures("no_ops_rows")]


@pytest.fixture
def shop(spark: SparkSession, tmp_path: Path) -> Shop:
    return Shop(spark, tmp_path)


def steady(item: str, amount: Callable[[int], float], weeks: int = WEEKS) -> list[str]:
    first = WEEKS - weeks
    return [line(f"{item}{n}", item, amount(n), 7 * n + 1) for n in range(first, WEEKS) if amount(n)]


LINES = [
    *steady("MUG", lambda n: 20 + n % 4),
    *steady("LAMP", lambda n: 9 if n % 3 == 0 else 0),
    *steady("NEW", lambda n: 5, weeks=4),
    *steady("OLD", lambda n: 4 if n < WEEKS - 2 else 0),
    *steady("CUP", lambda n: 8, weeks=2),  # the same, in pairs
    line("X1", "MUG", 7, 10),
    line("CX1", "MUG", -7, 12),  # undoes X1
    line("X2", "POST", 1, 11),
    line("CB", "BACK", -2, 30),  # given back, and never sold
    line("X3", "MUG", "many", 11),  # cannot be read
    line("X4", "", 3, 11),
    line("MUG2", "MUG", 22, 15),  # sent twice
]
MODELLED = ("MUG", "LAMP", "CUP")
# Eight cups for each four of the old ones.
SAID = {"line_id": "1", "unique_id": "CUP", "replaces": "OLD", "factor": 2.0, "known_day": LAST, "_batch_id": "b"}
REPLACES = dict.fromkeys(ITEMS.schema.names) | SAID
# On sale from the second week on that is forecast.
COMES = {"line_id": "2", "unique_id": "VASE", "known_day": LAST, "starts_day": LAST + timedelta(days=8)}
ANNOUNCES = REPLACES | {"replaces": None, "factor": None} | COMES
BACKTEST_FLAGS = ("--set", "models=[seasonal_naive, croston_sba]", "--set", "horizon=3", "--set", "windows=2")


def rows_of(shop: Shop, table: Any) -> list[str]:
    return sorted(str(row.asDict(recursive=True)) for row in shop.lake.read(table).collect())


TABLES = (SALES, DEMAND_CHANGES, DEMAND, SERIES, TRIALS, FORECASTS, ORDERS, REPLAYS)


def everything_runs(shop: Shop) -> dict[str, list[str]]:
    day = ("--day", str(LAST))
    assert shop.ingests() == 0
    if not shop.lake.exists(ITEMS):
        shop.lake.upsert(passed(ITEMS, shop.spark.createDataFrame([REPLACES, ANNOUNCES], ITEMS.schema)))
    assert shop.counts_demand("--set", "min_periods=8") == 0
    assert shop.run(BACKTEST, *day, *BACKTEST_FLAGS) == 0
    assert shop.run(PREDICT, *day, "--set", "min_calibration=4") == 0
    assert shop.run(REPLENISH, *day, "--set", "min_calibration=2") == 0
    assert shop.run(REPLAY, *day, "--set", "min_calibration=2") == 0
    return {table.name: rows_of(shop, table) for table in TABLES}


@pytest.fixture(scope="module")
def trading(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, dict[str, list[str]]]:
    """A shop whose sales have become orders, and its tables as they were then."""
    shop = Shop(spark, tmp_path_factory.mktemp("trading"))
    shop.sends("a.csv", LINES)
    return shop, everything_runs(shop)


def test_sales_become_demand(trading: tuple[Shop, dict[str, list[str]]]) -> None:
    shop, _ = trading
    demand = {(row["unique_id"], row["ds"]): row["y"] for row in shop.lake.read(DEMAND).collect()}
    assert demand["MUG", MONDAY + timedelta(days=7)] == 21  # the seven that came back are no demand
    assert demand["MUG", MONDAY + timedelta(days=14)] == 22  # once, though sent twice
    assert demand["LAMP", MONDAY + timedelta(days=7)] == 0
    assert [demand["CUP", MONDAY + timedelta(days=7 * n)] for n in range(WEEKS)] == [8.0] * WEEKS
    assert len(demand) == 3 * WEEKS + 4
    series = {row["unique_id"]: row for row in shop.lake.read(SERIES).collect()}
    status = {name: row["status"] for name, row in series.items()}
    others = {"NEW": "fallback", "VASE": "fallback", "BACK": "left out", "OLD": "left out"}
    assert status == dict.fromkeys(MODELLED, "modelled") | others
    assert (series["VASE"]["reason"][:7], series["VASE"]["periods"]) == ("FCT-211", 0)
    assert (series["OLD"]["reason"][:7], series["OLD"]["replaced_by"]) == ("FCT-210", "CUP")
    history = next(record for record in shop.records() if record["job"] == "forecast.history")
    assert history["counts"]["lines_left_out_given_back_and_never_sold"] == 1
    assert history["counts"]["series_FCT-208"] == 1
    (ingest,) = [record for record in shop.records() if record["job"] == "forecast.ingest"]
    named = ("rows_read", "rows_quarantined", "rows_deduplicated")
    assert [ingest["counts"][name] for name in named] == [len(LINES), 2, 1]


def test_demand_becomes_forecasts_each_requested_one_once(trading: tuple[Shop, dict[str, list[str]]]) -> None:
    forecasts = trading[0].lake.read(FORECASTS)
    found = sorted((row["unique_id"], row["ds"]) for row in forecasts.collect())
    assert found == sorted((n, LAST + timedelta(days=1 + 7 * k)) for n in (*MODELLED, "NEW", "VASE") for k in range(3))
    assert forecasts.where("q025 < 0 OR q100 < q025 OR q500 < q100 OR q900 < q500 OR q990 < q900").count() == 0
    new = forecasts.where("unique_id = 'NEW' AND step = 1").first()
    assert new is not None
    assert (new["model"], new["y_hat"]) == ("seasonal_naive", 5.0)
    assert new["fallback_reason"].startswith("FCT-201")
    # The lake has seen one launch, that of NEW: five a week.
    coming = forecasts.where("unique_id = 'VASE'").orderBy("step").collect()
    assert [row["y_hat"] for row in coming] == pytest.approx([0, 5, 5])
    assert {(row["model"], row["q990"] > 5) for row in coming[1:]} == {("analogy", True)}
    assert coming[0]["fallback_reason"].endswith("; like 1 launch of any item")


def test_forecasts_become_orders(trading: tuple[Shop, dict[str, list[str]]]) -> None:
    orders = {row["unique_id"]: row for row in trading[0].lake.read(ORDERS).collect()}
    assert set(orders) == {*MODELLED, "NEW", "VASE"}
    # No stock is known: what the week sells in which the order comes, the second of it.
    assert (orders["VASE"]["model"], orders["VASE"]["order_quantity"]) == ("analogy", 5.0)
    assert orders["MUG"]["order_up_to"] >= orders["MUG"]["reorder_point"] > 20
    assert all(row["order_quantity"] == int(row["order_quantity"]) for row in orders.values())


def test_orders_by_the_forecasts_are_replayed_on_history(trading: tuple[Shop, dict[str, list[str]]]) -> None:
    shop, _ = trading
    found = shop.lake.read(REPLAYS).where("service_level = 0.95").collect()
    methods = ("combined", "croston_sba", "seasonal_naive")
    assert sorted((row["unique_id"], row["method"]) for row in found) == sorted(
        (name, method) for name in MODELLED for method in methods
    )
    mug = next(row for row in found if (row["unique_id"], row["method"]) == ("MUG", "combined"))
    # Three weeks from the second origin, of which the first orders reach the last one. It sold 23, at a price of 2.
    assert (mug["policy"], mug["periods"], mug["demand"]) == ("(R, S)", 1, 23)
    assert mug["unit_cost"] == pytest.approx(0.6 * 2)
    assert mug["holding_money"] == pytest.approx(0.6 * 2 * 0.25 * 7 / 365.25 * mug["mean_stock"], abs=1e-6)
    record = next(record for record in shop.records() if record["job"] == "forecast.replay")
    assert [record["counts"][name] for name in ("rows_read", "rows_written", "rows_filtered")] == [3, 3, 0]
    assert shop.run(REPLAY, "--day", str(LAST), "--set", "methods=[theta]") == 2
    assert shop.records()[-1]["error"]["code"] == "FCT-062"
    assert shop.run(REPLAY, "--day", str(LAST), "--set", "lead_time_periods=3") == 2
    assert shop.records()[-1]["error"]["code"] == "FCT-010"


def test_no_more_periods_are_forecast_than_were_tested(trading: tuple[Shop, dict[str, list[str]]]) -> None:
    shop, _ = trading
    assert shop.run(PREDICT, "--day", str(LAST), "--set", "horizon=4") == 2
    assert shop.records()[-1]["error"]["code"] == "FCT-013"


def test_a_lake_of_short_series_only_is_forecast_by_fallbacks(shop: Shop) -> None:
    shop.sends("a.csv", [*steady("NEW", lambda n: 5, weeks=4), *steady("ODD", lambda n: n % 2, weeks=3)])
    day = ("--day", str(LAST))
    assert shop.ingests() == 0
    assert shop.counts_demand() == 0
    assert shop.run(BACKTEST, *day) == 0
    assert "no model was tested" in shop.records()[-1]["warnings"][0]
    assert shop.run(PREDICT, *day, "--set", "horizon=3") == 0
    forecasts = {(row["unique_id"], row["step"]): row for row in shop.lake.read(FORECASTS).collect()}
    assert set(forecasts) == {(name, step) for name in ("NEW", "ODD") for step in (1, 2, 3)}
    assert (forecasts["NEW", 1]["y_hat"], forecasts["NEW", 1]["calibrated_on"]) == (5.0, "normal")
    assert shop.run(REPLENISH, *day) == 0
    assert {row["unique_id"] for row in shop.lake.read(ORDERS).collect()} == {"NEW", "ODD"}


def test_a_second_run_of_everything_changes_nothing(
    trading: tuple[Shop, dict[str, list[str]]], unaudited: None
) -> None:
    shop, before = trading
    assert everything_runs(shop) == before
    again = [record for record in shop.records() if record["job"] == "forecast.ingest"][-1]
    assert again["counts"]["rows_read"] == 0


def test_a_stock_table_that_the_companys_own_system_writes_is_read_as_it_is(
    trading: tuple[Shop, dict[str, list[str]]], unaudited: None
) -> None:
    shop, _ = trading
    stock = shop.spark.createDataFrame([("MUG", 1.0, 2.0)], "unique_id string, on_hand double, on_order double")
    stock.write.format("delta").save(str(shop.root / STOCK.relative_path))
    assert shop.run(REPLENISH, "--day", str(LAST), "--set", "min_calibration=2") == 0
    found = {row["unique_id"]: row["stock_position"] for row in shop.lake.read(ORDERS).collect()}
    # Of what is announced nothing is there until somebody says so.
    assert found == {"MUG": 3.0, "LAMP": None, "CUP": None, "NEW": None, "VASE": 0.0}


def test_confirmed_fraud_is_no_demand_and_absent_tables_change_nothing(shop: Shop, unaudited: None) -> None:
    shop.sends(
        "a.csv", [line("F1", "MUG", 50, 1), line("H1", "MUG", 3, 2), line("H2", "MUG", 4, 8), line("H3", "MUG", 2, 9)]
    )
    assert shop.ingests() == 0
    assert shop.counts_demand() == 0
    total = shop.lake.read(DEMAND).agg(F.sum("y")).first()
    assert total is not None
    assert total[0] == 59
    moment = datetime(2026, 1, 6, tzinfo=UTC)
    label = ("F1", moment, moment.date(), "c", "t", moment + timedelta(days=3), True, 1, None)
    shop.lake.upsert(passed(LABELS, shop.spark.createDataFrame([label], LABELS.schema)))
    assert shop.counts_demand() == 0
    total = shop.lake.read(DEMAND).agg(F.sum("y")).first()
    assert total is not None
    assert total[0] == 9


def test_what_cannot_work_is_refused_with_its_exit_code_before_anything_is_computed(shop: Shop) -> None:
    shop.sends("a.csv", LINES[:6])
    (shop.folder / "source.yaml").write_text("format: csv\ncolumns:\n  item_id: item\n  sold_at: sold_at\n")
    assert shop.ingests() == 2  # no quantity
    assert shop.records()[-1]["error"]["code"] == "ING-003"
    assert shop.counts_demand() == 4  # no sales
    assert shop.run(BACKTEST, "--day", str(LAST), "--set", "horizon=0") == 2
    assert shop.run(BACKTEST, "--from", str(MONDAY), "--to", str(LAST)) == 2
    assert shop.run(BACKTEST, "--day", str(LAST)) == 4
    assert shop.run(REPLENISH, "--day", str(LAST), "--set", "holding_cost=1") == 2
    assert not (shop.root / "gold").exists()
