"""How each kind of plot is laid out on matplotlib axes, wide or narrow; each function returns the height in points."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from common.report.markup import clean
from common.report.plots import MAX_BARS, Bars, Histogram, Line, Number
from common.report.wording import format_number, format_value, short_number

WIDE = 820
NARROW = 326
FONT_SIZE = 12.5
# Each colour drawn stands for a variable of the style sheet, so that one drawing serves light and dark pages.
INK, MUTED, GRID = "#010101", "#010102", "#010103"
SERIES = tuple(f"#0101a{n}" for n in range(1, 7))
# Of one band; where bands lie on one another, they add up to darker ones.
BAND_OPACITY = 0.18
DASHES: tuple[tuple[float, ...], ...] = ((), (6, 2), (2, 2), (8, 2, 2, 2), (4, 4), (1, 3))
# The breadth of a letter, generously: the reader's font is not known here.
_LETTER = FONT_SIZE * 0.6
_CAPITAL = 1.25  # the width of a capital, in letters
_LEFT_EDGE = ("axes fraction", "data")


def draw_bars(axes: Any, plot: Bars, width: int) -> int:
    """Horizontal bars, the first on top. On a phone the label is above its bar."""
    narrow = width == NARROW
    series = {name: values[:MAX_BARS] for name, values in plot.series.items()}
    columns = list(zip(*series.values(), strict=True))
    totals = [float(sum(value or 0 for value in column)) for column in columns]
    texts = [_total_text(column, plot.unit) for column in columns]
    lefts = [0.0] * len(totals)
    for n, values in enumerate(series.values()):
        lengths = [float(value or 0) for value in values]
        thickness = 0.4 if narrow else 0.66
        axes.barh(range(len(totals)), lengths, left=lefts, height=thickness, color=SERIES[n % len(SERIES)])
        lefts = [left + length for left, length in zip(lefts, lengths, strict=True)]
    low, high = min(0.0, *totals), max(0.0, *totals)
    axes.set_xlim(low, high if high > low else low + 1)
    axes.set_ylim(len(totals) - 0.6, -0.75) if narrow else axes.set_ylim(len(totals) - 0.5, -0.5)
    axes.axvline(0, color=GRID, linewidth=1)
    axes.set_axis_off()
    labels = plot.labels[:MAX_BARS]
    return _write_above(axes, labels, texts) if narrow else _write_values(axes, labels, texts, totals)


def _total_text(values: Sequence[Number | None], unit: str) -> str:
    known = [value for value in values if value is not None]
    return _shorten(format_number(sum(known) if known else None, unit=unit), 30)


def _write_above(axes: Any, labels: Sequence[str], texts: Sequence[str]) -> int:
    """Label and value on their own line above each bar. Returns the height of the drawing."""
    for place, (label, text) in enumerate(zip(labels, texts, strict=True)):
        shown = _shorten(label, max(8, int((NARROW - 12) / _LETTER) - len(text)))
        axes.annotate(shown, (0, place - 0.42), xycoords=_LEFT_EDGE, color=MUTED, va="center_baseline")
        axes.annotate(text, (1, place - 0.42), xycoords=_LEFT_EDGE, ha="right", va="center_baseline")
    axes.figure.subplots_adjust(left=0.004, right=0.996, bottom=0, top=1)
    return 42 * len(labels) + 4


def _write_values(axes: Any, labels: Sequence[str], texts: Sequence[str], totals: Sequence[float]) -> int:
    """Labels left of the bars, values at their ends. Returns the height of the drawing."""
    height = 28 * len(labels) + 8
    shown = [_shorten(label, 32) for label in labels]
    label_room = _LETTER * max(map(_letters, shown)) + 10
    text_room = _LETTER * max(map(len, texts)) + 10
    left_room = text_room if min(totals) < 0 else 0.0
    for place, (label, text, total) in enumerate(zip(shown, texts, totals, strict=True)):
        side = -1 if total < 0 else 1
        axes.annotate(
            text,
            (total, place),
            xytext=(5 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center_baseline",
        )
        axes.annotate(
            label,
            (0, place),
            xycoords=_LEFT_EDGE,
            xytext=(-8 - left_room, 0),
            textcoords="offset points",
            color=MUTED,
            ha="right",
            va="center_baseline",
        )
    axes.figure.subplots_adjust(
        left=(label_room + left_room) / WIDE, right=1 - text_room / WIDE, bottom=4 / height, top=1 - 4 / height
    )
    return height


def draw_line(axes: Any, plot: Line, width: int) -> int:
    """Lines with gaps where values are missing; points are marked while there are few."""
    places, labels = _positions(plot)
    nan = float("nan")
    for band in plot.bands:
        lower, upper = ([nan if v is None else v for v in side] for side in (band.lower, band.upper))
        axes.fill_between(places, lower, upper, color=SERIES[0], alpha=BAND_OPACITY, linewidth=0)
    lone = len(places) == 1
    few = len(places) <= (16 if width == NARROW else 45)
    for n, values in enumerate(plot.series.values()):
        axes.plot(
            places,
            [nan if v is None else v for v in values],
            color=SERIES[n % len(SERIES)],
            linewidth=1.9,
            dashes=DASHES[n % len(DASHES)] or (None, None),
            marker="o" if few or _has_lone_points(values) else None,
            markersize=8 if lone else 4 if few else 2,
        )
    if plot.from_zero:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0] if _lowest(plot) < 0 else 0.0))
    _tidy(axes, width, plot.unit)
    if labels is None:
        axes.xaxis.set_major_locator(_nice(4 if width == NARROW else 8))
        axes.xaxis.set_major_formatter(lambda value, _: short_number(value))
    else:
        wide_labels = max((len(label) for label in labels), default=1)
        room = max(2, int(width * 0.85 / (FONT_SIZE * 0.7 * max(wide_labels, 4) + 14)))
        chosen = _spread(len(labels), room)
        axes.set_xticks([places[n] for n in chosen], [_shorten(labels[n], 18) for n in chosen])
        if width == NARROW and len(chosen) > 1:
            axes.get_xticklabels()[0].set_horizontalalignment("left")
            if chosen[-1] == len(labels) - 1:
                axes.get_xticklabels()[-1].set_horizontalalignment("right")
    if plot.x_name:
        axes.set_xlabel(_shorten(plot.x_name, 38))
    return 260 if width == NARROW else 300


def draw_histogram(axes: Any, plot: Histogram, width: int) -> int:
    """Columns of equal breadth between labelled edges, so that uneven or open bins do not mislead by their area."""
    places = list(range(len(plot.counts)))
    axes.bar(places, plot.counts, width=0.96, align="edge", color=SERIES[0])
    chosen = _spread(len(plot.edges), 5 if width == NARROW else 12)
    names = {float("inf"): "more", float("-inf"): "less"}
    axes.set_xticks(chosen, [names.get(plot.edges[n]) or short_number(plot.edges[n]) for n in chosen])
    axes.set_xlim(-0.1, len(plot.counts) + 0.06)
    _tidy(axes, width, plot.count_name)
    label = f"{plot.value_name} ({plot.unit})" if plot.value_name and plot.unit else plot.value_name or plot.unit
    axes.set_xlabel(_shorten(label, 38))
    return 250 if width == NARROW else 280


def _tidy(axes: Any, width: int, y_name: str) -> None:
    """Only what helps reading: pale horizontal lines, few numbers, the unit above the axis."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=5)
    axes.tick_params(axis="x", pad=8)
    axes.yaxis.set_major_locator(_nice(4 if width == NARROW else 5))
    axes.yaxis.set_major_formatter(lambda value, _: short_number(value))
    if y_name:
        axes.set_title(_shorten(y_name, 38), loc="left", fontsize=FONT_SIZE, color=MUTED)


def _nice(count: int) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10])


def _positions(plot: Line) -> tuple[list[float], list[str] | None]:
    """Where the points are on the x axis, and their labels (None: the axis is numeric)."""
    if all(isinstance(x, (int, float)) for x in plot.x):
        return [float(x) for x in plot.x if not isinstance(x, (date, str))], None
    if all(isinstance(x, date) for x in plot.x):
        return [_day_number(x) for x in plot.x if isinstance(x, date)], [_instant(x) for x in plot.x]
    return [float(n) for n in range(len(plot.x))], [clean(format_value(x)) for x in plot.x]


def _instant(x: object) -> str:
    return x.isoformat(sep=" ", timespec="minutes")[:16] if isinstance(x, datetime) else format_value(x)


def _day_number(day: date) -> float:
    seconds = day.hour * 3600 + day.minute * 60 + day.second if isinstance(day, datetime) else 0
    return day.toordinal() + seconds / 86_400


def _lowest(plot: Line) -> float:
    values = [v for values in plot.series.values() for v in values if v is not None]
    for band in plot.bands:
        values += [v for v in band.lower if v is not None]
    return float(min(values, default=0.0))


def _has_lone_points(values: tuple[float | None, ...]) -> bool:
    """Whether a value is between two gaps, where a line alone would not show it."""
    padded = (None, *values, None)
    return any(
        b is not None and a is None and c is None for a, b, c in zip(padded, padded[1:], padded[2:], strict=False)
    )


def _spread(count: int, room: int) -> list[int]:
    """At most ``room`` places of ``count``, at equal distance, starting with the first."""
    step = max(1, -(-(count - 1) // max(1, room - 1)))
    return list(range(0, count, step))


def _letters(text: str) -> float:
    """How many letters of the usual width ``text`` is wide: names of products are often in capitals."""
    return sum(_CAPITAL if letter.isupper() else 1.0 for letter in text)


def _shorten(text: str, letters: int) -> str:
    text = clean(text)
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"
