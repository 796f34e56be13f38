"""Plots as small inline SVG: text stays text, colours are variables of the page, nothing is fetched."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from xml.etree import ElementTree

from common.report.markup import Html, clean
from common.report.plots import MAX_BARS, Bars, Histogram, Line, Plot
from common.report.wording import format_number, format_value, short_number

WIDE = 820
NARROW = 326
_FONT = 12.5
# Each colour drawn stands for a variable of the style sheet, so that one drawing serves light and dark pages.
_INK, _MUTED, _GRID = "#010101", "#010102", "#010103"
_SERIES = tuple(f"#0101a{n}" for n in range(1, 7))
_VARIABLES = {_INK: "var(--ink)", _MUTED: "var(--muted)", _GRID: "var(--grid)"} | {
    colour: f"var(--c{n})" for n, colour in enumerate(_SERIES, start=1)
}
DASHES: tuple[tuple[float, ...], ...] = ((), (6, 2), (2, 2), (8, 2, 2, 2), (4, 4), (1, 3))
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "lakejobs",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "font.family": ["DejaVu Sans"],
    "font.size": _FONT,
    "path.simplify": True,
    "text.color": _INK,
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _MUTED,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
}


def draw(plot: Plot, number: int) -> Html:
    """The plot twice, wide and for phones: the style sheet shows one. ``number`` makes ids unique in the page."""
    return Html(_svg(plot, WIDE, f"p{number}w") + _svg(plot, NARROW, f"p{number}n"))


def _svg(plot: Plot, width: int, prefix: str) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    # The settings are built afresh: what a matplotlibrc on the machine says must not change the bytes.
    defaults: Any = matplotlib.rcParamsDefault
    settings: Any = {**defaults, **_SETTINGS}
    settings.pop("backend", None)
    with warnings.catch_warnings(), matplotlib.rc_context(settings):
        # Letters that the measuring font lacks are drawn by the reader's own fonts.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        figure = Figure()
        axes = figure.add_subplot()
        drawers: dict[type, Callable[..., int]] = {Bars: _draw_bars, Line: _draw_line, Histogram: _draw_histogram}
        height = drawers[type(plot)](axes, plot, width)
        figure.set_size_inches(width / 72, height / 72)
        if not isinstance(plot, Bars):
            figure.set_layout_engine("constrained", w_pad=0.06, h_pad=0.06)
        text = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(text, format="svg", transparent=True, dpi=72, metadata=nothing)
    return _slim(text.getvalue(), prefix, width)


def _draw_bars(axes: Any, plot: Bars, width: int) -> int:
    """Horizontal bars, the first on top. On a phone the label stands above its bar."""
    narrow = width == NARROW
    labels = [_shorten(label, 40 if narrow else 34) for label in plot.labels[:MAX_BARS]]
    series = {name: values[:MAX_BARS] for name, values in plot.series.items()}
    totals = [sum(v or 0 for v in column) for column in zip(*series.values(), strict=True)]
    texts = [
        format_number(None if all(v is None for v in column) else total, unit=plot.unit)
        for total, column in zip(totals, zip(*series.values(), strict=True), strict=True)
    ]
    lefts = [0.0] * len(labels)
    thickness = 0.42 if narrow else 0.66
    places = list(range(len(labels)))
    for n, values in enumerate(series.values()):
        lengths = [float(v or 0) for v in values]
        axes.barh(places, lengths, left=lefts, height=thickness, color=_SERIES[n % len(_SERIES)])
        lefts = [left + length for left, length in zip(lefts, lengths, strict=True)]
    low, high = min(0.0, *totals), max(0.0, *totals)
    axes.set_xlim(low, high if high > low else low + 1)
    row_height = 44 if narrow else 28
    axes.set_ylim(len(labels) - 0.5, -0.62 if narrow else -0.5)
    for place, label, total, text in zip(places, labels, totals, texts, strict=True):
        behind = total < 0
        axes.annotate(
            text, (total, place), xytext=(-5 if behind else 5, 0), textcoords="offset points",
            ha="right" if behind else "left", va="center_baseline",
        )  # fmt: skip
        if narrow:
            axes.annotate(label, (low, place - 0.4), va="center_baseline", color=_MUTED)
    axes.axvline(0, color=_GRID, linewidth=1)
    axes.set_axis_off()
    height = row_height * len(labels) + 12
    letter = _FONT * 0.64
    label_room = 2 if narrow else letter * max(len(label) for label in labels) + 8
    text_room = letter * max(len(text) for text in texts) + 8
    left_room = label_room + (text_room if low < 0 else 0)
    axes.figure.subplots_adjust(
        left=left_room / width, right=1 - text_room / width, bottom=6 / height, top=1 - 6 / height
    )
    if not narrow:
        for place, label in zip(places, labels, strict=True):
            axes.annotate(
                label,
                (0, place),
                xycoords=("axes fraction", "data"),
                xytext=(-8 - (text_room if low < 0 else 0), 0),
                textcoords="offset points",
                color=_MUTED,
                ha="right",
                va="center_baseline",
            )
    return height


def _draw_line(axes: Any, plot: Line, width: int) -> int:
    places, labels = _positions(plot)
    nan = float("nan")
    if plot.band is not None:
        lower, upper = ([nan if v is None else v for v in side] for side in (plot.band.lower, plot.band.upper))
        axes.fill_between(places, lower, upper, color=_SERIES[0], alpha=0.18, linewidth=0)
    few = len(places) <= (16 if width == NARROW else 45)
    for n, values in enumerate(plot.series.values()):
        axes.plot(
            places,
            [nan if v is None else v for v in values],
            color=_SERIES[n % len(_SERIES)],
            linewidth=1.9,
            dashes=DASHES[n % len(DASHES)] or (None, None),
            marker="o" if few or _has_lone_points(values) else None,
            markersize=4 if few else 2,
        )
    if plot.from_zero:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0] if _lowest(plot) < 0 else 0.0))
    _tidy(axes, width, plot.unit)
    if labels is None:
        axes.xaxis.set_major_locator(_nice(4 if width == NARROW else 8))
        axes.xaxis.set_major_formatter(lambda value, _: short_number(value))
    else:
        wide_labels = max((len(label) for label in labels), default=1)
        room = max(2, int(width * 0.85 / (_FONT * 0.7 * max(wide_labels, 4) + 14)))
        chosen = _spread(len(labels), room)
        axes.set_xticks([places[n] for n in chosen], [_shorten(labels[n], 18) for n in chosen])
    if plot.x_name:
        axes.set_xlabel(clean(plot.x_name))
    return 260 if width == NARROW else 300


def _draw_histogram(axes: Any, plot: Histogram, width: int) -> int:
    """Columns of equal breadth between labelled edges, so that uneven or open bins do not mislead by their area."""
    places = list(range(len(plot.counts)))
    axes.bar(places, plot.counts, width=0.96, align="edge", color=_SERIES[0])
    chosen = _spread(len(plot.edges), 5 if width == NARROW else 12)
    names = {float("inf"): "more", float("-inf"): "less"}
    axes.set_xticks(chosen, [names.get(plot.edges[n]) or short_number(plot.edges[n]) for n in chosen])
    axes.set_xlim(-0.1, len(plot.counts) + 0.06)
    _tidy(axes, width, plot.count_name)
    label = f"{plot.value_name} ({plot.unit})" if plot.value_name and plot.unit else plot.value_name or plot.unit
    axes.set_xlabel(clean(label))
    return 250 if width == NARROW else 280


def _tidy(axes: Any, width: int, y_name: str) -> None:
    """Only what helps reading: pale horizontal lines, few numbers, the unit above the axis."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=5)
    axes.yaxis.set_major_locator(_nice(4 if width == NARROW else 5))
    axes.yaxis.set_major_formatter(lambda value, _: short_number(value))
    if y_name:
        axes.set_title(clean(y_name), loc="left", fontsize=_FONT, color=_MUTED)


def _nice(count: int) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10])


def _positions(plot: Line) -> tuple[list[float], list[str] | None]:
    """Where the points stand on the x axis, and their labels (None: the axis is numeric)."""
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
    if plot.band is not None:
        values += [v for v in plot.band.lower if v is not None]
    return float(min(values, default=0.0))


def _has_lone_points(values: tuple[float | None, ...]) -> bool:
    """Whether a value stands between two gaps, where a line alone would not show it."""
    padded = (None, *values, None)
    return any(
        b is not None and a is None and c is None for a, b, c in zip(padded, padded[1:], padded[2:], strict=False)
    )


def _spread(count: int, room: int) -> list[int]:
    """At most ``room`` places of ``count``, at equal distance, starting with the first."""
    step = max(1, -(-(count - 1) // max(1, room - 1)))
    return list(range(0, count, step))


def _shorten(text: str, letters: int) -> str:
    text = clean(text)
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"


def _slim(svg: str, prefix: str, width: int) -> str:
    """The SVG without namespaces, metadata, fonts and unused ids; colours become variables of the page."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - written by matplotlib a moment ago, not foreign XML
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    names = {old: f"{prefix}{n}" for n, old in enumerate(sorted(used))}
    for parent in root.iter():
        parent.tag = parent.tag.rpartition("}")[2]
        parent.text = parent.text if parent.tag == "text" else None
        for child in list(parent):
            child.tail = None
            if child.tag.endswith(("metadata", "style")):
                parent.remove(child)
        attributes = {key.rpartition("}")[2]: value for key, value in parent.attrib.items()}
        parent.attrib.clear()
        for key, value in attributes.items():
            if (kept := _slim_attribute(key, value, names)) is not None:
                parent.set(key, kept)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.set("class", "narrow" if width == NARROW else "wide")
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    return ElementTree.tostring(root, encoding="unicode")


def _slim_attribute(key: str, value: str, names: dict[str, str]) -> str | None:
    if key == "id":
        return names.get(value)
    if key == "href":
        return f"#{names[value[1:]]}"
    if key == "clip-path":
        return f"url(#{names[value[5:-1]]})"
    if key == "transform" and value.startswith("rotate(-0 "):
        return None
    if key == "style":
        kept = [part.strip() for part in value.split(";") if not part.strip().startswith("font-family")]
        return ";".join(
            re.sub(r"#0101[0a][0-9a-f]", lambda hit: _VARIABLES.get(hit.group(), hit.group()), p) for p in kept
        )
    if key in {"d", "x", "y"}:
        rounded = re.sub(r"-?\d+\.\d+", lambda hit: f"{float(hit.group()):.1f}".removesuffix(".0"), value)
        return " ".join(rounded.split())
    return value
