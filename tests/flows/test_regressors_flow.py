"""Hours with prices that are known afterwards, and with the public holidays of the country of each series."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from gift_shop import Shop
from pyspark.sql import SparkSession

from jobs.forecast.backtest import JOB as BACKTEST
from jobs.forecast.history import JOB as HISTORY
from jobs.forecast.regressors.tables import REGRESSORS
from jobs.forecast.trials.tables import TRIALS

pytestmark = [pytest.mark.flow, pytest.mark.timeout(900), pytest.mark.usefixtures("no_ops_rows", "unaudited")]

FIRST, LAST = date(2026, 7, 10), date(2026, 7, 14)
_SOURCE = """
format: csv
columns: {invoice_id: invoice, item_id: item, country: country, quantity: quantity, sold_at: sold_at, unit_price: price}
"""
_BY = ("--set", "series_by=[country, item_id]")


def hourly_sales() -> list[str]:
    lines = ["invoice,item,country,quantity,sold_at,price"]
    for n in range(24 * 5):
        hour = datetime(FIRST.year, FIRST.month, FIRST.day) + timedelta(hours=n)
        for item, country in (("PAIN", "France"), ("MUG", "United Kingdom"), ("CUP", "Atlantis")):
            lines.append(f"{item}{n},{item},{country},{5 + n % 24},{hour},{2 + n % 3}.00")
    return lines


def test_hours_see_the_prices_of_earlier_hours_and_the_holidays_of_their_country(
    spark: SparkSession, tmp_path: Path
) -> None:
    shop = Shop(spark, tmp_path)
    (tmp_path / "source.yaml").write_text(_SOURCE)
    (tmp_path / "in" / "sales.csv").write_text("\n".join(hourly_sales()) + "\n")
    assert shop.ingests() == 0
    assert shop.run(HISTORY, "--from", str(FIRST), "--to", str(LAST), "--set", "freq=H", *_BY) == 0
    declared = ("--set", "regressors={price: lagged}", "--set", "holidays_of={France: FR, United Kingdom: GB}")
    tried = (
        "--set",
        "models=[seasonal_naive, lightgbm]",
        "--set",
        "horizon=24",
        "--set",
        "windows=2",
        "--set",
        "leakage_probe_series=1",
    )
    assert shop.run(BACKTEST, "--day", str(LAST), *_BY, *declared, *tried) == 0
    assert any("no place for 1 value of country:" in warning for warning in shop.records()[-1]["warnings"])
    rows = shop.lake.read(REGRESSORS)
    # 14 July is a holiday in France; the price of an hour is known, whole, when its day is over.
    july = rows.where("name = 'holidays' AND ds = '2026-07-14' AND hour = 7").collect()
    assert {row["unique_id"]: row["value"] for row in july} == {None: 0.0, "France/PAIN": 1.0}
    ((price, known_on),) = (
        rows.where("name = 'price' AND unique_id = 'France/PAIN' AND ds = '2026-07-10' AND hour = 5")
        .select("value", "known_on")
        .collect()
    )
    assert (price, known_on) == (4.0, FIRST)
    scored = {row["model"] for row in shop.lake.read(TRIALS).where("status = 'scored'").collect()}
    assert scored == {"seasonal_naive", "lightgbm", "lightgbm_x", "combined"}
