"""Every job of the suite in an order in which each finds what it reads, on raw data small enough for a slow cluster."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from common.job.graph import Graph
from deploy.package.build import REPOSITORY

_SAMPLES = REPOSITORY / "samples"
_LOG_DAYS = ("2015-05-17", "2015-05-18", "2015-05-19")
_LINES_A_DAY = 500
# Sold in nearly every week, now and then, seldom, and a postage that is no product.
_ITEMS = ("85123A", "22423", "85099B", "47566", "20725", "84879", "22380", "21619", "21201", "23113", "20769", "POST")
# The list of items says that one of these replaces the other.
_REPLACED = ("85118", "23087")

KEY_VARIABLE = "LAKE_PSEUDONYM_KEY"
_SETTINGS = (f"lake.pseudonym_key=secret://env/{KEY_VARIABLE}",)


@dataclass(frozen=True)
class Step:
    """One run of a job; its arguments may speak of ``{lake}`` and of ``{landing}``, where the raw files lie."""

    job: str
    arguments: tuple[str, ...] = ()

    def flags(self, lake: str, landing: str) -> list[str]:
        """The whole command line of the run on a lake. The run id is given: rows may be named after it."""
        flags = [word.replace("{lake}", lake).replace("{landing}", landing) for word in self.arguments]
        return ["--env", "prod", "--lake", lake, "--run-id", self.run_id, *_sets(*_SETTINGS), *flags]

    @property
    def run_id(self) -> str:
        """The same on each engine."""
        return f"chain-{self.job}"

    @property
    def record_path(self) -> str:
        """Where the record of the run lies below the lake root."""
        return f"runs/{self.job.replace('.', '/')}/{self.run_id}.json"

    @property
    def report_path(self) -> str:
        """Where the report of the run lies below the lake root."""
        return f"reports/{self.job.replace('.', '/')}/{self.run_id}.html"


def _sets(*assignments: str) -> tuple[str, ...]:
    return tuple(word for one in assignments for word in ("--set", one))


_WEB_DAYS = ("--from", _LOG_DAYS[0], "--to", _LOG_DAYS[-1])
_WORLD = _sets("customers=60", "terminals=80", "radius=30", "customers_a_day=0.5", "terminals_a_day=0.1")
_LAST_SALE = ("--day", "2011-12-09")
# One of each family.
_MAINTAINED = ("clickstream.events", "fraud.features", "forecast.trials")

# Where the rehearsal of a job, which is meant for a laptop, is too much for a slow cluster.
_SMALLER: Mapping[str, tuple[str, ...]] = {
    "clickstream.ingest": (
        *("--source", "apache_combined", "--input", "{landing}/web"),
        *_sets("site_hosts=[semicomplete.com, www.semicomplete.com]"),
    ),
    "clickstream.sessionise": _WEB_DAYS + _sets("conversion_events=[]"),
    "fraud.simulate": ("--from", "2018-04-01", "--to", "2018-05-20", *_WORLD),
    "fraud.features": ("--from", "2018-04-21", "--to", "2018-05-20"),
    "fraud.train": ("--from", "2018-04-21", "--to", "2018-05-08", *_sets("trees=10")),
    "fraud.evaluate": ("--from", "2018-05-16", "--to", "2018-05-18", *_sets("top_k=3")),
    "fraud.score": ("--from", "2018-05-19", "--to", "2018-05-20", *_sets("alerts_per_day=3")),
    "forecast.ingest": ("--source", "online_retail_uci", "--input", "{landing}/sales"),
    "forecast.ingest_stock": ("--source", "stock_counts", "--input", "{landing}/stock"),
    "forecast.ingest_calendar": ("--source", "planned_calendar", "--input", "{landing}/calendar"),
    "forecast.ingest_items": ("--source", "item_list", "--input", "{landing}/items"),
    "forecast.ingest_overrides": ("--source", "planner_overrides", "--input", "{landing}/overrides"),
    "forecast.history": ("--from", "2010-12-01", "--to", "2011-12-09"),
    "forecast.backtest": (
        *(*_LAST_SALE, *_sets("models=[seasonal_naive, croston_sba, theta, lightgbm]", "horizon=3", "windows=2")),
        *_sets("regressors={promotion: known_ahead, price: lagged}", "holidays_of=GB"),
    ),
    "forecast.predict": _LAST_SALE + _sets("min_calibration=6"),
    "maintenance.maintain": _sets(f"tables=[{', '.join(_MAINTAINED)}]", "least_small_files=2"),
    "forecast.replenish": _LAST_SALE + _sets("min_calibration=6", "lead_time_periods=1"),
    "forecast.replay": _LAST_SALE + _sets("min_calibration=6", "lead_time_periods=1"),
}
_TENDS, _ORDERS = "maintenance.maintain", "forecast.replenish"


def _chain() -> tuple[Step, ...]:
    """Every job of the suite in the order of the graph; maintenance tends a table before orders are made of it."""
    graph = Graph.of_suite()
    names = [name for name in graph.nodes if name != _TENDS]
    names.insert(names.index(_ORDERS), _TENDS)
    return tuple(Step(name, _SMALLER.get(name) or graph.nodes[name].job.rehearsal) for name in names)


# One application each, in this order: forecasts leave confirmed frauds out. Maintenance has tables of all families to
# tend, and orders are made from a table that it has tended.
FAMILIES = {
    family: tuple(step for step in _chain() if step.job.partition(".")[0] in (family, extra))
    for family, extra in (("clickstream", ""), ("fraud", ""), ("forecast", "maintenance"))
}
STEPS = tuple(step for steps in FAMILIES.values() for step in steps)


def write_landing(folder: Path) -> None:
    """The raw files of the chain: lines of the access log, sales lines of a few items, and what is known of these."""
    for name, body in {**_access_log(), **_sales(), **_planned()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def _access_log() -> Mapping[str, bytes]:
    files = {}
    for day in _LOG_DAYS:
        name = f"access_log_{day}.log.gz"
        with gzip.open(_SAMPLES / "clickstream" / name) as stream:
            lines = [line for _, line in zip(range(_LINES_A_DAY), stream, strict=False)]
        files[f"web/{name}"] = gzip.compress(b"".join(lines), mtime=0)
    return files


def _sales() -> Mapping[str, bytes]:
    months = sorted((_SAMPLES / "forecast" / "online_retail_uci").glob("*.parquet"))
    sold = pa.concat_tables(parquet.read_table(month) for month in months)
    kept = sold.filter(pc.is_in(sold["StockCode"], value_set=pa.array([*_ITEMS, *_REPLACED])))
    body = pa.BufferOutputStream()
    parquet.write_table(kept, body)
    return {"sales/invoices.parquet": body.getvalue().to_pybytes()}


def _planned() -> Mapping[str, bytes]:
    folder = _SAMPLES / "forecast"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("[cios]*/*.csv")}
