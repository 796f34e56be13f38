"""The two sets of Australian tourism with their hierarchies: what is known, and what is held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

BOTTOM: Final = "bottom"


@dataclass(frozen=True)
class Held:
    """A set with its last ``horizon`` periods held out: ``rows`` has id, ds, y and the columns of the hierarchy."""

    rows: pd.DataFrame
    columns: tuple[str, ...]
    hierarchy: tuple[tuple[str, ...], ...]
    freq: str
    horizon: int
    first: str
    last: str

    @property
    def settings(self) -> tuple[str, ...]:
        """Settings of forecast.history."""
        levels = ",".join(f"[{','.join(level)}]" for level in self.hierarchy)
        return ("--set", f"freq={self.freq}", "--set", f"hierarchy=[{levels}]", "--set", "crossed=true")

    @property
    def level_names(self) -> tuple[str, ...]:
        """The levels from the top, and that of the series."""
        return (*("/".join(level) or "total" for level in self.hierarchy), BOTTOM)

    def written(self, folder: Path) -> tuple[Path, Path]:
        """A source and a file of what is known."""
        source, feed = folder / "source.yaml", folder / "feed.csv"
        extra = ", ".join(f"{name}: {{expr: {name}}}" for name in self.columns)
        source.write_text(
            f"format: csv\ncolumns: {{unique_id: id, ds: ds, y: y}}\nextra: {{{extra}}}\n", encoding="utf-8"
        )
        days = sorted(set(self.rows["ds"]))
        self.rows[self.rows["ds"] < days[-self.horizon]].to_csv(feed, index=False)
        return source, feed

    def _nodes(self) -> list[tuple[str, str, pd.DataFrame]]:
        found = [(str(name), BOTTOM, rows) for name, rows in self.rows.groupby("id")]
        for level in self.hierarchy:
            name = "/".join(level) or "total"
            if not level:
                found.append(("[total]", name, self.rows))
                continue
            for key, rows in self.rows.groupby(list(level)):
                found.append((f"[{name}] {'/'.join(map(str, key))}", name, rows))
        return found

    def truth(self) -> dict[str, Any]:
        """Node -> its values of the held-out periods."""
        return {
            name: rows.groupby("ds")["y"].sum().sort_index().to_numpy(dtype=np.float64)[-self.horizon :]
            for name, _, rows in self._nodes()
        }

    def levels(self) -> dict[str, str]:
        """Node -> its level."""
        return {name: level for name, level, _ in self._nodes()}


def _tourism(data: Path) -> Held:
    import pandas as pd

    raw = pd.read_csv(data / "forecast" / "tourism_au" / "tourism.csv")
    starts = pd.PeriodIndex(raw["Quarter"].str.replace(" ", ""), freq="Q").start_time.strftime("%Y-%m-%d")
    rows = pd.DataFrame(
        {
            "id": raw["State"] + "/" + raw["Region"] + "/" + raw["Purpose"],
            "ds": starts,
            "y": raw["Trips"],
            "state": raw["State"],
            "region": raw["Region"],
            "purpose": raw["Purpose"],
        }
    )
    levels = ((), ("purpose",), ("state",), ("state", "purpose"), ("state", "region"))
    return Held(rows, ("state", "region", "purpose"), levels, "Q", 8, "1998-01-01", "2015-12-31")


def _large(data: Path) -> Held:
    import pandas as pd

    wide = pd.read_parquet(data / "forecast" / "hierarchical_tourismlarge" / "data_wide.parquet").sort_values("t")
    long = wide.melt(id_vars="t", value_vars=list(wide.columns[-304:]), var_name="id", value_name="y")
    parts = {"state": long["id"].str[0], "zone": long["id"].str[:2], "region": long["id"].str[:3]}
    rows = long.rename(columns={"t": "ds"}).assign(**parts, purpose=long["id"].str[3:])
    levels = ((), ("state",), ("zone",), ("region",), ("purpose",), ("state", "purpose"), ("zone", "purpose"))
    columns = ("state", "zone", "region", "purpose")
    return Held(rows, columns, levels, "M", 12, "1998-01-01", "2015-12-31")


@dataclass(frozen=True)
class Set:
    """A set by its title; ``published`` are rows of RMSE by the same levels."""

    title: str
    loaded: Callable[[Path], Held]
    published: Sequence[Sequence[str]] = field(default=())


SETS: Final = {
    "tourism": Set(
        "Tourism, quarterly, 425 nodes",
        _tourism,
        (
            ("published, AutoETS base", "1743", "534.8", "308.2", "", "51.7", "19.37", "41.12"),
            ("published, bottom-up", "3029", "791.2", "413.4", "", "55.1", "19.37", "49.82"),
            ("published, MinT-shrink", "2113", "577.1", "316.8", "", "46.6", "17.80", "40.47"),
            ("published, MinT-OLS", "1819", "515.5", "287.3", "", "46.3", "18.19", "38.75"),
        ),
    ),
    "tourism_large": Set("Tourism, large, monthly, 555 nodes", _large),
}
