"""Plots as small inline SVG: text stays text, colours are variables of the page, nothing is fetched."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from common.report.charts import (
    FONT_SIZE,
    GRID,
    INK,
    MUTED,
    NARROW,
    SERIES,
    WIDE,
    draw_bars,
    draw_histogram,
    draw_line,
)
from common.report.markup import Html
from common.report.plots import Bars, Histogram, Line, Plot

_VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--grid)"} | {
    colour: f"var(--c{n})" for n, colour in enumerate(SERIES, start=1)
}
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "lakejobs",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "font.family": ["DejaVu Sans"],
    "font.size": FONT_SIZE,
    "path.simplify": True,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
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
        drawers: dict[type, Callable[..., int]] = {Bars: draw_bars, Line: draw_line, Histogram: draw_histogram}
        height = drawers[type(plot)](axes, plot, width)
        figure.set_size_inches(width / 72, height / 72)
        if not isinstance(plot, Bars):
            figure.set_layout_engine("constrained", w_pad=0.06, h_pad=0.06)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, dpi=72)
    return _slim(text.getvalue(), prefix, width)


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
