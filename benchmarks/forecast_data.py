"""The public sets of the forecast benchmark: each a panel of series that all end on the same day.

``data`` is the folder of benchmark data; the files lie in its ``forecast``. Samples are drawn with a fixed seed. A
value that is not known is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from jobs.forecast.demand.periods import Periods
from jobs.forecast.trials.models import Numbers, Season, known_points
from jobs.forecast.trials.params import DEFAULT_MODELS

if TYPE_CHECKING:
    import pandas as pd

FOLDER: Final = Path("forecast")
ORIGINS: Final = 3
_SEED = 20261129
_FEWEST_WEEKS = 80
# Any days do: M4's clocks are unknown, and weeks have no calendar features.
_M4_END = date(2020, 1, 6)


@dataclass(frozen=True)
class Panel:
    """One set: ``series`` with their tests at the end (the last ``horizon`` periods), the last named by ``last``.

    MASE is scaled by the seasonal naive of ``scale_season``. ``models`` are the candidates.
    """

    name: str
    title: str
    season_length: Season
    horizon: int
    periods: Periods
    last: date
    series: Mapping[str, Numbers]
    scale_season: int
    models: tuple[str, ...] = DEFAULT_MODELS

    def history(self, name: str, origin: int) -> Numbers:
        """What is known of a series at an origin: 0 is that of the test, the others lie before it."""
        y = self.series[name]
        return y[: max(0, len(y) - self.horizon * (origin + 1))]

    def coming(self, name: str, origin: int) -> Numbers:
        """The ``horizon`` values after an origin; none where the series begins within them."""
        y, end = self.series[name], len(self.series[name]) - self.horizon * origin
        return y[end - self.horizon : end] if end > self.horizon else y[:0]

    def cutoff(self, origin: int) -> date:
        """The last period known at an origin."""
        return self.periods.plus(self.last, -self.horizon * (origin + 1))


def tourism(data: Path) -> Panel:
    """Australian trips by region, state and purpose, quarterly."""
    import pandas as pd

    rows = pd.read_csv(data / FOLDER / "tourism_au" / "tourism.csv").sort_values("Quarter")
    by_key = rows.groupby(["Region", "State", "Purpose"])["Trips"]
    series = {"/".join(map(str, key)): y.to_numpy(dtype=np.float64) for key, y in by_key}
    return Panel("tourism", "Tourism, quarterly", 4, 8, Periods("Q"), date(2017, 10, 1), series, 4)


def tourism_large(data: Path) -> Panel:
    """The 304 bottom series of Australian tourism by zone and purpose, monthly."""
    import pandas as pd

    wide = pd.read_parquet(data / FOLDER / "hierarchical_tourismlarge" / "data_wide.parquet").sort_values("t")
    series = {str(name): wide[name].to_numpy(dtype=np.float64) for name in wide.columns[-304:]}
    last = date.fromisoformat(str(wide["t"].iloc[-1]))
    return Panel("tourism_large", "Tourism, large, monthly", 12, 12, Periods("M"), last, series, 12)


def m5(data: Path) -> Panel:
    """A sample of 600 of Walmart's item-stores, daily, each from its first sale on."""
    import pandas as pd
    import pyarrow.parquet as pq

    folder = data / FOLDER / "m5_walmart_daily"
    names = sorted(pq.read_table(folder / "series.parquet", columns=["series_id"])["series_id"].to_pylist())
    chosen = sorted(np.random.default_rng(_SEED).choice(names, 600, replace=False).tolist())
    files = sorted(folder.glob("sales_*.parquet"))
    rows = pd.concat([pq.read_table(path, filters=[("series_id", "in", chosen)]).to_pandas() for path in files])
    wide = rows.assign(ds=pd.to_datetime(rows["date"])).pivot_table(
        index="ds", columns="series_id", values="quantity_sold"
    )
    wide = wide.resample("D").asfreq()
    series = {str(name): _from_first_sale(wide[name].to_numpy(dtype=np.float64)) for name in wide.columns}
    horizon = 28
    long = {name: y for name, y in series.items() if known_points(y) > (ORIGINS + 1) * horizon + 20}
    last = wide.index[-1].date()
    return Panel("m5", "M5, item-store, daily (sample)", 7, horizon, Periods("D"), last, long, 7)


def orange_juice(data: Path) -> Panel:
    """A sample of 300 store-brands of Dominick's orange juice, weekly, whose last weeks are known; gaps stay."""
    import pandas as pd

    rows = pd.read_parquet(data / FOLDER / "orange_juice_weekly" / "sales.parquet")
    units = rows.assign(units=np.exp(rows["logmove"]), name=rows["store"].astype(str) + "/" + rows["brand"].astype(str))
    wide = units.pivot_table(index="week", columns="name", values="units")
    wide = wide.reindex(range(int(wide.index.min()), int(wide.index.max()) + 1))
    series = {str(name): _from_first_known(wide[name].to_numpy(dtype=np.float64)) for name in sorted(wide.columns)}
    whole = {name: y for name, y in series.items() if known_points(y) > _FEWEST_WEEKS and not np.isnan(y[-8:]).any()}
    chosen = sorted(np.random.default_rng(_SEED).choice(sorted(whole), 300, replace=False).tolist())
    # Weeks are only numbered: any Monday is the last.
    last, season = date(1992, 5, 4), 52
    kept = {name: whole[name] for name in chosen}
    return Panel("orange_juice", "Orange juice, store-brand, weekly (sample)", season, 8, Periods("W"), last, kept, 52)


def uci(data: Path) -> Panel:
    """The 300 products of the highest sales of the UCI online retailer, weekly from the first sale on."""
    import pandas as pd

    files = sorted((data / FOLDER / "online_retail_uci").glob("invoices_*.parquet"))
    rows = pd.concat([pd.read_parquet(path) for path in files])
    is_sale = (rows["Quantity"] > 0) & (rows["UnitPrice"] > 0) & ~rows["InvoiceNo"].str.startswith("C")
    sales = rows[is_sale].assign(week=lambda d: d["InvoiceDate"].dt.to_period("W").dt.start_time)
    worth = (sales["Quantity"] * sales["UnitPrice"]).groupby(sales["StockCode"]).sum()
    # The last week of the file is not whole.
    weeks = pd.date_range(sales["week"].min(), sales["week"].max(), freq="W-MON")[:-1]
    wide = sales.pivot_table(index="week", columns="StockCode", values="Quantity", aggfunc="sum")
    wide = wide.reindex(weeks).fillna(0.0)
    best = sorted(worth.sort_values(ascending=False, kind="stable").index[:300])
    series = {str(name): _from_first_sale(wide[name].to_numpy(dtype=np.float64)) for name in best}
    horizon = 4
    long = {name: y for name, y in series.items() if len(y) > 8 * horizon}
    last = weeks[-1].date()
    return Panel("uci", "UCI online retail, product, weekly", 52, horizon, Periods("W"), last, long, 52)


def m4_weekly(data: Path) -> Panel:
    """M4 Weekly with the competition's tests."""
    return _m4(data, "weekly", 52, 1, DEFAULT_MODELS)


def m4_hourly(data: Path) -> Panel:
    """M4 Hourly with the competition's tests; without ETS, whose search over 24 seasonal states takes hours."""
    return _m4(data, "hourly", (24, 168), 24, tuple(model for model in DEFAULT_MODELS if model != "ets"))


def _m4(data: Path, kind: str, season: Season, scale_season: int, models: tuple[str, ...]) -> Panel:
    import pandas as pd

    folder = data / FOLDER / "m4_weekly_hourly"
    train, test = (pd.read_parquet(folder / f"{kind}_{part}.parquet") for part in ("train", "test"))
    parts = [_by_series(rows) for rows in (train, test)]
    series = reduce(lambda known, later: {name: np.r_[y, later[name]] for name, y in known.items()}, parts)
    horizon = len(next(iter(parts[1].values())))
    title = f"M4 {kind.capitalize()}"
    # A calendar without features: hours have none of their own.
    return Panel(f"m4_{kind}", title, season, horizon, Periods("W"), _M4_END, series, scale_season, models)


def _by_series(rows: pd.DataFrame) -> dict[str, Numbers]:
    ordered = rows.sort_values(["series_id", "t"]).groupby("series_id")["value"]
    return {str(name): y.to_numpy(dtype=np.float64) for name, y in ordered}


def _from_first_sale(y: Numbers) -> Numbers:
    sold = np.flatnonzero(np.nan_to_num(y) > 0)
    return y[sold[0] :] if len(sold) else y[:0]


def _from_first_known(y: Numbers) -> Numbers:
    known = np.flatnonzero(~np.isnan(y))
    return y[known[0] :] if len(known) else y[:0]


LOADERS: Final[Mapping[str, Callable[[Path], Panel]]] = {
    "tourism": tourism,
    "uci": uci,
    "orange_juice": orange_juice,
    "tourism_large": tourism_large,
    "m5": m5,
    "m4_weekly": m4_weekly,
    "m4_hourly": m4_hourly,
}
