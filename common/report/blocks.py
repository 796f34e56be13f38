"""The building blocks of a page: page frame, tables, figures with their text alternative, status chips."""

from __future__ import annotations

from collections.abc import Sequence

from common.report.charts import BAND_OPACITY, DASHES
from common.report.drawing import draw
from common.report.markup import Html, element, escape, join
from common.report.plots import MAX_BARS, Bars, Histogram, Line, Plot
from common.report.style import style_sheet
from common.report.wording import common_decimals, format_value, is_missing, is_number, plural

MAX_TABLE_ROWS = 500
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def page(title: str, *parts: object) -> bytes:
    """A whole HTML file that fetches nothing and runs nothing, as UTF-8."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Html(style_sheet())),
    )
    body = element("body", join(parts, "\n"))
    return f"<!doctype html>\n{element('html', head, Html(chr(10)), body, lang='en')}\n".encode()


def section(heading: str, *parts: object, class_: str | None = None) -> Html:
    """A card with a heading."""
    return element("section", element("h2", heading), *parts, class_=class_)


def paragraph(*parts: object, class_: str | None = None) -> Html:
    """A paragraph."""
    return element("p", *parts, class_=class_)


def chip(text: str, tone: str = "") -> Html:
    """A short state: tone ``good``, ``warn``, ``bad`` or none."""
    return element("span", text, class_=f"chip {tone}".strip())


def details(summary: str, *parts: object) -> Html:
    """Something to unfold."""
    return element("details", element("summary", summary), *parts)


def data_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, name: str, stack: bool = False, class_: str = ""
) -> Html:
    """A table that scrolls inside its own box, or with ``stack`` shows each row as a list on a phone.

    Columns of numbers are right-aligned with equal decimals. Cells may be Html. Rows beyond MAX_TABLE_ROWS are
    left out, and the page says so.
    """
    if not rows:
        return paragraph("No rows.", class_="note")
    shown = rows[:MAX_TABLE_ROWS]
    cells = list(zip(*shown, strict=True))
    numeric = [_is_numeric(column) for column in cells]
    decimals = [common_decimals(column) if flag else None for column, flag in zip(cells, numeric, strict=True)]
    classes = ["n" if flag else _text_class(column) for column, flag in zip(cells, numeric, strict=True)]
    heads = [element("th", c, scope="col", class_=cls) for c, cls in zip(columns, classes, strict=True)]
    labels = [name if stack and n else None for n, name in enumerate(columns)]
    lines = [
        element(
            "tr",
            *(
                element("td", _cell(cell, places), class_=cls, data_label=label)
                for cell, places, cls, label in zip(row, decimals, classes, labels, strict=True)
            ),
        )
        for row in shown
    ]
    kind = f"{'stack' if stack else ''} {class_}".strip() or None
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *lines), class_=kind)
    box = element("div", table, class_="scroll", role="region", aria_label=f"Table: {name}", tabindex="0")
    if len(rows) > MAX_TABLE_ROWS:
        return join([box, paragraph(f"The first {MAX_TABLE_ROWS:,} of {len(rows):,} rows.", class_="note")])
    return box


def code(text: object) -> Html:
    """A name or a value as it is typed; short ones are never broken over lines."""
    return element("code", text, class_="short" if len(str(text)) <= 34 else None)


def figure(heading: str, plot: Plot, text_alternative: str, number: int, note: str = "") -> Html:
    """A plot with its words: what it shows, a legend, and its data as a table to unfold."""
    caption = element("figcaption", text_alternative)
    if plot.is_empty():
        empty = paragraph("There is nothing to draw: no rows were counted.", class_="note")
        return section(heading, element("figure", caption, empty), _note(note))
    data = data_table(plot.columns(), plot.rows(), name=heading)
    left_out = ""
    if isinstance(plot, Bars) and len(plot.labels) > MAX_BARS:
        left_out = f"The first {MAX_BARS} of {len(plot.labels):,} are drawn; the table has more."
    drawing = element("div", draw(plot, number), class_="plot", role="img", aria_label=f"{heading}. {text_alternative}")
    table = details(f"The same as a table ({plural(len(plot.rows()), 'row')})", data)
    return section(heading, element("figure", caption, _legend(plot), drawing, _note(left_out), table), _note(note))


def _note(text: str) -> Html:
    return paragraph(text, class_="note") if text else Html("")


def _legend(plot: Plot) -> Html:
    """Names of the series, drawn as they are in the plot; none for a single one that needs no name."""
    if isinstance(plot, Histogram):
        return Html("")
    names = list(plot.series)
    bands = plot.bands if isinstance(plot, Line) else ()
    if len(names) == 1 and not bands:
        return Html("")
    items = []
    for n, name in enumerate(names):
        if isinstance(plot, Line):
            dashes = " ".join(str(length) for length in DASHES[n % len(DASHES)]) or "none"
            style = f"stroke:var(--c{n % 6 + 1});stroke-width:3;stroke-dasharray:{dashes}"
            swatch = element("path", d="M1 6H25", style=style)
        else:
            swatch = element("path", d="M4 0H22V12H4Z", style=f"fill:var(--c{n % 6 + 1})")
        items.append(_legend_item(swatch, name))
    for below, band in enumerate(bands):
        opacity = f"{1 - (1 - BAND_OPACITY) ** (below + 1):.2f}".removeprefix("0")
        swatch = element("path", d="M1 0H25V12H1Z", style=f"fill:var(--c1);fill-opacity:{opacity}")
        items.append(_legend_item(swatch, band.label))
    return element("ul", *items, class_="legend")


def _legend_item(swatch: Html, name: str) -> Html:
    drawing = element("svg", swatch, viewBox="0 0 26 12", aria_hidden="true")
    return element("li", drawing, escape(name))


def _is_numeric(column: Sequence[object]) -> bool:
    return any(is_number(cell) for cell in column) and all(is_number(cell) or is_missing(cell) for cell in column)


def _text_class(column: Sequence[object]) -> str | None:
    """Short texts and days stay on one line, long ones get room."""
    if any(isinstance(cell, Html) for cell in column):
        return None
    longest = max(len(format_value(cell)) for cell in column)
    return "d" if longest <= 22 else "w" if longest > 34 else None


def _cell(value: object, decimals: int | None) -> object:
    return value if isinstance(value, Html) else format_value(value, decimals=decimals)
