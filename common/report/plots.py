"""What a plot shows, apart from how it is drawn: each plot knows its data as a table, its text alternative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from common.report.wording import format_number, format_value, is_missing, is_number

MAX_BARS = 30
Number = float | int
XValue = float | int | date | datetime | str


@dataclass(frozen=True)
class Band:
    """A range around a line, such as a prediction interval."""

    label: str
    lower: Sequence[Number | None]
    upper: Sequence[Number | None]


@dataclass(frozen=True)
class Bars:
    """One bar a label, for each series when there are several (stacked)."""

    labels: tuple[str, ...]
    series: Mapping[str, tuple[Number | None, ...]]
    unit: str = ""
    label_name: str = ""

    def columns(self) -> list[str]:
        """Heads of the table of data."""
        return [self.label_name or "name", *(_with_unit(name, self.unit) or "value" for name in self.series)]

    def rows(self) -> list[list[object]]:
        """The table of data, every bar of it."""
        return [[label, *(values[n] for values in self.series.values())] for n, label in enumerate(self.labels)]

    def is_empty(self) -> bool:
        """Whether there is no value to draw."""
        return _no_value(self.series)


@dataclass(frozen=True)
class Line:
    """Lines over one common x: days, instants, numbers, or names in the given order; the widest of the bands first."""

    x: tuple[XValue, ...]
    series: Mapping[str, tuple[Number | None, ...]]
    bands: tuple[Band, ...] = ()
    unit: str = ""
    x_name: str = ""
    from_zero: bool = True

    def columns(self) -> list[str]:
        """Heads of the table of data."""
        names = [*self.series]
        for band in self.bands:
            names += [f"{band.label}, from", f"{band.label}, to"]
        kinds = {type(x) for x in self.x}
        x_name = "day" if kinds == {date} else "time (UTC)" if kinds == {datetime} else "x"
        return [self.x_name or x_name, *(_with_unit(name, self.unit) for name in names)]

    def rows(self) -> list[list[object]]:
        """The table of data, every point of it."""
        columns: list[Sequence[object]] = list(self.series.values())
        for band in self.bands:
            columns += [band.lower, band.upper]
        return [[format_value(x), *(column[n] for column in columns)] for n, x in enumerate(self.x)]

    def is_empty(self) -> bool:
        """Whether there is no value to draw."""
        return _no_value(self.series)


@dataclass(frozen=True)
class Histogram:
    """Counts between edges, as counted by Spark: one edge more than counts, the outer ones may be infinite."""

    edges: tuple[Number, ...]
    counts: tuple[Number, ...]
    unit: str = ""
    value_name: str = ""
    count_name: str = "rows"

    def columns(self) -> list[str]:
        """Heads of the table of data."""
        return [_with_unit(self.value_name, self.unit), self.count_name]

    def labels(self) -> list[str]:
        """One label a bin, in words: from, to; the lower edge belongs to the bin."""
        labels = []
        for low, high in zip(self.edges, self.edges[1:], strict=False):
            if low == float("-inf"):
                labels.append(f"below {format_number(high)}")
            elif high == float("inf"):
                labels.append(f"{format_number(low)} and more")
            else:
                labels.append(f"{format_number(low)} to {format_number(high)}")
        return labels

    def rows(self) -> list[list[object]]:
        """The table of data, every bin of it."""
        return [[label, count] for label, count in zip(self.labels(), self.counts, strict=True)]

    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not any(self.counts)


Plot = Bars | Line | Histogram


def checked_series(
    length: int, series: Mapping[str, Sequence[Number | None]], what: str
) -> dict[str, tuple[Number | None, ...]]:
    """The series as tuples of finite floats, integers or None. Raises ValueError for a wrong length or value."""
    checked = {}
    for name, values in series.items():
        if len(values) != length:
            raise ValueError(f"series '{name}' has {len(values)} values for {length} {what}")
        checked[str(name)] = tuple(_checked_number(value) for value in values)
    return checked


def _checked_number(value: object) -> Number | None:
    if is_missing(value):
        return None
    if not is_number(value):
        raise ValueError(f"a plot draws numbers, not {value!r}")
    if isinstance(value, int):
        return value
    number = float(value)  # type: ignore[arg-type]  # is_number() has made sure that it is a number
    return None if number in (float("inf"), float("-inf")) else number


def _no_value(series: Mapping[str, Sequence[object]]) -> bool:
    return all(value is None for values in series.values() for value in values)


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit and name and unit != name else name or unit
