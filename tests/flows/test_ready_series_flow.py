"""Ready weekly series, dated on Fridays, from a file to forecasts."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from gift_shop import Shop
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.forecast.backtest import JOB as BACKTEST
from jobs.forecast.demand.tables import DEMAND, SERIES
from jobs.forecast.forecasts.tables import FORECASTS
from jobs.forecast.history import JOB as HISTORY
from jobs.forecast.ingest import JOB as INGEST
from jobs.forecast.predict import JOB as PREDICT
from jobs.forecast.reconcile import JOB as RECONCILE
from jobs.forecast.reconciliation.tables import RECONCILED
from jobs.forecast.trials.tables import BACKTESTS

pytestmark = [pytest.mark.flow, pytest.mark.timeout(1800), pytest.mark.usefixtures("no_ops_rows", "unaudited")]

LAST = date(2025, 10, 24)
FRIDAYS = [LAST - timedelta(days=7 * (11 - n)) for n in range(12)]


def test_ready_weekly_series_keep_their_weekday_and_no_value_vanishes(spark: SparkSession, tmp_path: Path) -> None:
    shop = Shop(spark, tmp_path)
    (tmp_path / "source.yaml").write_text("format: csv\ncolumns: {unique_id: store, ds: week, y: sales}\n")
    values = [f"S1,{day},{100 + n}" for n, day in enumerate(FRIDAYS)]
    values += [f"NEG,{day},-{5 + n % 3}" for n, day in enumerate(FRIDAYS)]
    values += [f"GAP,{day},{50 + n}" for n, day in enumerate(FRIDAYS) if n not in (7, 8, 9)]
    (tmp_path / "in" / "series.csv").write_text("\n".join(["store,week,sales", *values, f"ONE,{LAST},7"]) + "\n")
    assert shop.run(INGEST, "--source", str(tmp_path / "source.yaml"), "--input", str(tmp_path / "in")) == 0
    flags = ("--from", str(FRIDAYS[0]), "--to", str(LAST), "--set", "min_periods=8", "--set", "hierarchy=[[]]")
    assert shop.run(HISTORY, *flags) == 0

    demand = {(row["unique_id"], row["ds"]): row["y"] for row in shop.lake.read(DEMAND).collect()}
    assert sorted({day for _, day in demand}) == FRIDAYS
    assert (demand["S1", LAST], demand["NEG", LAST], demand["ONE", LAST]) == (111.0, -7.0, 7.0)
    assert [demand["GAP", day] for day in FRIDAYS[6:11]] == [56.0, None, None, None, 60.0]
    # Nothing is known of a total while nothing is known of a series of it.
    total = [demand.pop(("[total]", day)) for day in FRIDAYS]
    assert total[5:] == [105 - 7 + 55, 106 - 5 + 56, None, None, None, 110 - 6 + 60, 111 - 7 + 61 + 7]
    assert len(demand) == 37
    reasons = {row["unique_id"]: (row["reason"] or "")[:7] for row in shop.lake.read(SERIES).collect()}
    assert reasons == {"S1": "", "GAP": "", "NEG": "FCT-206", "ONE": "FCT-202", "[total]": ""}
    (history,) = [record for record in shop.records() if record["job"] == "forecast.history"]
    assert [history["counts"][name] for name in ("rows_read", "rows_written", "rows_filtered")] == [34, 34, 0]
    assert (history["counts"]["series_modelled"], history["counts"]["series_FCT-206"]) == (2, 1)

    day = ("--day", str(LAST))
    tried = ("--set", "models=[seasonal_naive]", "--set", "horizon=2", "--set", "windows=2")
    assert shop.run(BACKTEST, *day, *tried) == 0
    # The origins are the end of the gap and the period before it: nothing known in it is compared with a forecast.
    tried = shop.lake.read(BACKTESTS).where("unique_id = 'GAP' AND model = 'seasonal_naive'").orderBy("ds").collect()
    assert [(row["cutoff"], row["ds"], row["y_hat"]) for row in tried] == [
        (FRIDAYS[9], FRIDAYS[10], 56.0),
        (FRIDAYS[9], FRIDAYS[11], 56.0),
    ]
    assert shop.run(PREDICT, *day, "--set", "min_calibration=2") == 0
    forecasts = shop.lake.read(FORECASTS).where(F.col("step") == 1).collect()
    assert {row["unique_id"]: row["ds"] for row in forecasts} == dict.fromkeys(
        ("S1", "GAP", "NEG", "ONE", "[total]"), LAST + timedelta(days=7)
    )
    assert {row["unique_id"]: row["y_hat"] < 0 for row in forecasts} == {
        "S1": False,
        "GAP": False,
        "NEG": True,
        "ONE": False,
        "[total]": False,
    }

    # The total is exactly the sum of its series, in whatever order they are added.
    assert shop.run(RECONCILE, *day, "--set", "method=ols") == 0
    coherent = {(row["unique_id"], row["step"]): row for row in shop.lake.read(RECONCILED).collect()}
    for step in (1, 2):
        own = [coherent[name, step]["y_hat"] for name in ("S1", "GAP", "NEG", "ONE")]
        assert sum(own) == sum(reversed(own)) == coherent["[total]", step]["y_hat"]
    assert [coherent[name, 1]["level"] for name in ("[total]", "S1")] == ["total", None]
    # The last values, 111, 61, -7 and 7, add up already.
    assert [coherent[name, 1]["y_hat"] for name in ("[total]", "GAP", "NEG")] == [172.0, 61.0, -7.0]

    assert shop.run(HISTORY, *flags, "--set", "gaps=zero") == 0
    gap = shop.lake.read(DEMAND).where("unique_id = 'GAP'").orderBy("ds").collect()
    assert [row["y"] for row in gap[6:11]] == [56.0, 0.0, 0.0, 0.0, 60.0]

    # With sales lines beside them weeks begin on Monday: both kinds of weeks in one table would be summed.
    (tmp_path / "till.yaml").write_text("format: csv\ncolumns: {item_id: item, sold_at: day, quantity: units}\n")
    (tmp_path / "till.csv").write_text(f"item,day,units\nMUG,{LAST + timedelta(days=4)},1\n")
    assert shop.run(INGEST, "--source", str(tmp_path / "till.yaml"), "--input", str(tmp_path / "till.csv")) == 0
    later = ("--from", str(LAST + timedelta(days=3)), "--to", str(LAST + timedelta(days=9)))
    assert shop.run(HISTORY, *later) == 2
    error = shop.records()[-1]["error"]
    assert (error["code"], "week (from Friday), not by week (from Monday)" in error["message"]) == ("FCT-006", True)
