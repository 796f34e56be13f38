"""forecast.reconcile end to end at retail width: all nodes of M5 in a lake, the job as a user starts it.

The forecasts are cheap ones (the mean of the last four of the same weekday), so that the lake is made in a minute. What
is measured is the job, from its tables to the table that it publishes, and that published sums are exact.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.forecast_m5 import WorkerWatch
from benchmarks.measure import timed
from jobs.forecast.trials.tables import QUANTILES

if TYPE_CHECKING:
    import pandas as pd

    from common.lake.table import Table

HEADER: Final = ("method", "nodes", "steps", "wall s", "CPU s", "MB of all", "MB of the largest worker", "sums off")
_ROOT = Path(__file__).resolve().parent.parent
_COLUMNS: Final = ("item_id", "dept_id", "cat_id", "store_id", "state_id")
_LEVELS: Final = (
    (),
    ("state_id",),
    ("store_id",),
    ("cat_id",),
    ("dept_id",),
    ("state_id", "cat_id"),
    ("state_id", "dept_id"),
    ("store_id", "cat_id"),
    ("store_id", "dept_id"),
    ("item_id",),
    ("item_id", "state_id"),
)
LAST: Final = "2016-04-24"
_HORIZON, _ORIGINS, _WEEKS = 28, 3, 4
_METHODS: Final = ("mint_shrink",)


def measured(data: Path, folder: Path) -> list[Sequence[str]]:
    """A row for each method, with a header."""
    lake, last = folder / "wide", LAST
    if not (lake / "gold" / "forecast" / "backtests").is_dir():
        _elsewhere("fill", str(data), str(folder))
    rows: list[Sequence[str]] = [HEADER]
    for method in _METHODS:
        entry = _ROOT / "jobs" / "forecast" / "reconcile.py"
        command = [sys.executable, str(entry), "--lake", str(lake), "--day", last, "--set", f"method={method}"]
        with WorkerWatch() as watch:
            reading = timed(partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL, env=_environment()))
        nodes, wrong = _elsewhere("check", str(folder), last).split()
        sizes = (f"{reading.wall_s:.0f}", f"{reading.cpu_s:.0f}", f"{reading.peak_rss_mb:.0f}", f"{watch.peak_mb:.0f}")
        rows.append((method, f"{int(nodes):,}", str(_HORIZON), *sizes, wrong))
    return rows


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(_ROOT)}


def _elsewhere(*arguments: str) -> str:
    """The last line of this module in a process of its own: its session must not count for the job."""
    command = [sys.executable, "-m", "benchmarks.reconciled_width", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=_environment())
    return done.stdout.strip().splitlines()[-1]


def sums_off(lake: Path, day: date) -> tuple[int, int]:
    """How many nodes there are, and how many values of aggregates are not (``=``) the sums of their series."""
    from pyspark.sql import functions as F

    from benchmarks.session_lakes import bench_session, lake_of
    from common.days import DayRange
    from jobs.forecast.reconciliation.steps import pairs_of
    from jobs.forecast.tables import RECONCILED, SERIES

    opened, days = lake_of(bench_session(), lake), DayRange.single(day)
    rows, pairs = opened.read(RECONCILED, days=days), pairs_of(opened.read(SERIES, days=days))
    sums = (
        rows.join(pairs, "unique_id").groupBy(F.col("node").alias("unique_id"), "step").agg(F.sum("y_hat").alias("s"))
    )
    wrong = rows.join(sums, ["unique_id", "step"]).where(F.col("s") != F.col("y_hat")).count()
    return rows.select("unique_id").distinct().count(), wrong


def nodes_of_m5(data: Path) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """``unique_id, level`` and the columns of the hierarchy of all nodes, and their daily sales up to LAST."""
    import pandas as pd

    folder = data / "forecast" / "m5_walmart_daily"
    series = pd.read_parquet(folder / "series.parquet").sort_values("series_id").reset_index(drop=True)
    frames = [pd.read_parquet(file) for file in sorted(folder.glob("sales_*.parquet"))]
    days = sorted({str(day) for frame in frames for day in frame["date"].unique()})
    place, number = {day: n for n, day in enumerate(days)}, pd.Series(series.index, index=series["series_id"])
    sold = np.zeros((len(series), len(days)))
    for frame in frames:
        sold[number[frame["series_id"]].to_numpy(), frame["date"].astype(str).map(place)] = frame["quantity_sold"]
    names, values = [series.rename(columns={"series_id": "unique_id"}).assign(level=None)], [sold]
    for level in _LEVELS:
        name = "/".join(level) or "total"
        keys = series[list(level)].agg("/".join, axis=1) if level else pd.Series("", index=series.index)
        codes, found = pd.factorize(keys, sort=True)
        sums = np.zeros((len(found), len(days)))
        np.add.at(sums, codes, sold)
        ids = [f"[{name}] {key}" if level else "[total]" for key in found]
        parts = {column: [key.split("/")[n] for key in found] for n, column in enumerate(level)}
        names.append(pd.DataFrame({"unique_id": ids, "level": name, **parts}))
        values.append(sums)
    return pd.concat(names, ignore_index=True), np.vstack(values)


def filled(data: Path, folder: Path, lake: Path) -> None:
    """Write series, forecasts and backtests of all nodes into ``lake``, as of LAST."""
    nodes, sold = nodes_of_m5(data)
    last, errors = date.fromisoformat(LAST), []
    for origin in range(_ORIGINS, -1, -1):
        known = sold[:, : sold.shape[1] - origin * _HORIZON]
        ahead = np.tile(known[:, -7 * _WEEKS :].reshape(len(sold), _WEEKS, 7).mean(axis=1), _HORIZON // 7)
        if origin:
            errors.append(sold[:, known.shape[1] :][:, :_HORIZON] - ahead)
    spread = np.sqrt((np.stack(errors) ** 2).mean(axis=(0, 2))) + 1e-3
    units = {"units": sold.sum(axis=1), "periods": float(sold.shape[1]), "spread": spread}
    arrays = {"y_hat": list(ahead), "errors": list(np.hstack(errors))}
    folder.mkdir(parents=True, exist_ok=True)
    nodes.assign(**units, **arrays).to_parquet(folder / "nodes.parquet")
    _published(folder / "nodes.parquet", lake, last)


def _published(nodes: Path, lake: Path, last: date) -> None:
    from statistics import NormalDist

    from pyspark.sql import functions as F

    from benchmarks.session_lakes import bench_session
    from jobs.forecast.tables import BACKTESTS, FORECASTS, SERIES

    spark = bench_session()
    rows = spark.read.parquet(str(nodes)).withColumns({"as_of_date": F.lit(last), "freq": F.lit("D")})
    own = {name: F.coalesce(name, F.lit("unknown")) for name in _COLUMNS}
    pairs = [part for name, column in own.items() for part in (F.lit(name), column)]
    series = rows.withColumns(
        {"status": F.lit("modelled"), "attributes": F.create_map(*pairs), "value": F.lit(0.0)}
        | {name: F.col("periods").cast("long") for name in ("periods", "open_periods", "demand_periods")}
    )
    _write(lake, SERIES, series, last)
    ahead = rows.select("*", F.posexplode("y_hat").alias("_place", "_y"))
    day = F.date_add(F.lit(last), F.col("_place") + 1)
    bands = {
        name: F.greatest(F.lit(0.0), F.col("_y") + F.col("spread") * NormalDist().inv_cdf(level))
        for name, level in QUANTILES.items()
    }
    given = {"step": F.col("_place") + 1, "ds": day, "y_hat": F.col("_y"), "hour": F.lit(0), **bands}
    texts = {"model": F.lit("combined"), "calibrated_on": F.lit("normal")}
    _write(lake, FORECASTS, ahead.withColumns({**given, **texts}), last)
    tried = rows.select("*", F.posexplode("errors").alias("_place", "_error"))
    origin = F.floor(F.col("_place") / _HORIZON).cast("int")
    cutoff = F.date_add(F.lit(last - timedelta(days=_HORIZON * _ORIGINS)), origin * _HORIZON)
    step = (F.col("_place") - origin * _HORIZON + 1).cast("int")
    scored = {"cutoff": cutoff, "step": step, "ds": F.date_add(cutoff, step), "y": F.col("_error")}
    numbers = {"y_hat": F.lit(0.0), "scale_mae": F.col("spread"), "scale_mse": F.col("spread"), "model": texts["model"]}
    _write(lake, BACKTESTS, tried.withColumns({**scored, **numbers}), last)


def _write(lake: Path, table: Table, rows: Any, day: date) -> None:
    from pyspark.sql import functions as F

    from benchmarks.session_lakes import lake_of
    from common.days import DayRange
    from common.lake.audited import AuditedRows
    from common.quality.audit import AuditResult

    columns = [
        F.col(field.name).cast(field.dataType)
        if field.name in rows.columns
        else F.lit(None).cast(field.dataType).alias(field.name)
        for field in table.schema.fields
    ]
    audited = AuditedRows(table, rows.select(*columns), AuditResult(table.name, []))
    lake_of(rows.sparkSession, lake).replace_days(audited, days=DayRange.single(day))


def main(what: str, *arguments: str) -> None:
    """``fill DATA FOLDER``, ``check FOLDER DAY``, or ``measure DATA FOLDER``; the result on standard output."""
    if what == "fill":
        data, folder = map(Path, arguments)
        filled(data, folder, folder / "wide")
        print("filled")
    elif what == "check":
        print(*sums_off(Path(arguments[0]) / "wide", date.fromisoformat(arguments[1])))
    else:
        for row in measured(*map(Path, arguments)):
            print(*row, sep=" | ")


if __name__ == "__main__":
    main(*sys.argv[1:])
