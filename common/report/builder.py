"""What a job says in its report, collected while it runs and rendered at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from common.report import run_facts
from common.report.audits import audit_section, recorded_audits
from common.report.blocks import chip, data_table, figure, page, paragraph, section
from common.report.markup import Html, element
from common.report.plots import Band, Bars, Histogram, Line, Number, Plot, XValue, checked_series

_Range = tuple[str, Sequence[Number | None], Sequence[Number | None]]


class Audited(Protocol):
    """An audit result: see common.quality."""

    @property
    def passed(self) -> bool:
        """Whether the rows may be published."""

    @property
    def results(self) -> Sequence[Mapping[str, Any]]:
        """One mapping an expectation."""


class ReportBuilder:
    """Collects figures, words, tables and plots; ``render`` makes one HTML file of them.

    Everything given is text or numbers and is escaped. Rows given must be few: aggregates, never the data itself,
    and no personal data. Parts appear in the order in which they were added.
    """

    def __init__(self, title: str = "") -> None:
        self.title = title
        self._headlines: list[tuple[str, str, str]] = []
        self._audited = False
        self._parts: list[Callable[[int], Html]] = []

    def headline(self, label: str, value: str, note: str = "") -> None:
        """One of the figures on top of the page; ``value`` is written as given (see common.report.wording)."""
        self._headlines.append((label, value, note))

    def text(self, heading: str, paragraphs: Sequence[str]) -> None:
        """A section of plain paragraphs."""
        written = [paragraphs] if isinstance(paragraphs, str) else list(paragraphs)
        self._parts.append(lambda _: section(heading, *(paragraph(words) for words in written)))

    def table(
        self,
        heading: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        note: str = "",
        *,
        stack: bool = False,
    ) -> None:
        """A section with a table; with ``stack`` each row is a list on a phone, so that no column is cut off there.

        Raises ValueError when a row has not as many cells as there are columns.
        """
        kept = [tuple(row) for row in rows]
        for row in kept:
            if len(row) != len(columns):
                raise ValueError(f"table '{heading}': {len(row)} cells for {len(columns)} columns")
        under = [paragraph(note, class_="note")] if note else []
        self._parts.append(
            lambda _: section(heading, *under, data_table(list(columns), kept, name=heading, stack=stack))
        )

    def bars(
        self,
        heading: str,
        labels: Sequence[object],
        values: Sequence[Number | None] | Mapping[str, Sequence[Number | None]],
        *,
        text_alternative: str,
        unit: str = "",
        label_name: str = "",
        note: str = "",
    ) -> None:
        """Horizontal bars, the first on top; several named series are stacked.

        ``text_alternative`` is the sentence that says what the plot shows. At most 30 bars are drawn:
        sort the largest first.
        """
        series = values if isinstance(values, Mapping) else {"": values}
        names = tuple(str(label) for label in labels)
        plot = Bars(
            names,
            checked_series(len(names), series, "labels"),
            unit,
            label_name,
        )
        self._add_plot(heading, plot, text_alternative, note)

    def line(
        self,
        heading: str,
        x: Sequence[XValue],
        series: Mapping[str, Sequence[Number | None]],
        *,
        text_alternative: str,
        band: _Range | list[_Range] | None = None,
        unit: str = "",
        x_name: str = "",
        from_zero: bool = True,
        note: str = "",
    ) -> None:
        """Lines over days, instants, numbers or names; None leaves a gap.

        ``band`` is (label, lower, upper), or a list of such, the widest first.
        """
        places = tuple(x)
        lines = checked_series(len(places), series, "places on the x axis")
        given: list[_Range] = [] if band is None else [band] if isinstance(band, tuple) else band
        around = []
        for label, lower, upper in given:
            edges = checked_series(len(places), {"lower": lower, "upper": upper}, "places on the x axis")
            around.append(Band(label, edges["lower"], edges["upper"]))
        self._add_plot(heading, Line(places, lines, tuple(around), unit, x_name, from_zero), text_alternative, note)

    def histogram(
        self,
        heading: str,
        edges: Sequence[Number],
        counts: Sequence[Number],
        *,
        text_alternative: str,
        unit: str = "",
        value_name: str = "value",
        count_name: str = "rows",
        note: str = "",
    ) -> None:
        """Counts between edges, counted beforehand (in Spark).

        ``len(edges) == len(counts) + 1``; the outer edges may be infinite. A bin holds its lower edge.
        """
        if counts and len(edges) != len(counts) + 1:
            raise ValueError(f"histogram '{heading}': {len(edges)} edges for {len(counts)} counts")
        plot = Histogram(tuple(edges), tuple(counts), unit, value_name, count_name)
        self._add_plot(heading, plot, text_alternative, note)

    def audit(self, result: Audited) -> None:
        """The result of the table expectations, placed here; without a call the record's audits follow the parts."""
        table = str(getattr(result, "table", "") or "")
        passed, results = result.passed, [dict(row) for row in result.results]
        self._audited = True
        self._parts.append(lambda _: audit_section(passed, results, table))

    def quarantine(self, reasons: Sequence[tuple[str, int]], *, table: str = "") -> None:
        """Why rows were set aside: pairs of reason and rows, the most frequent first."""
        kept = [(str(reason), int(rows)) for reason, rows in reasons]
        if not kept:
            self.text("Rows set aside", ["No row broke a rule."])
            return
        words = "Each row counts once for every rule that it broke."
        where = f" The rows are kept with their reasons in {table}." if table else ""
        self.bars(
            "Why rows were set aside",
            [reason for reason, _ in kept],
            [rows for _, rows in kept],
            unit="rows",
            label_name="reason",
            text_alternative=f"The most frequent reason is “{kept[0][0]}” with {kept[0][1]:,} rows.",
            note=words + where,
        )

    def render(self, record: Mapping[str, Any]) -> bytes:
        """One HTML file for the run that ``record`` describes (fields: docs/reports.md). Same input, same bytes."""
        job = str(record.get("job") or "")
        title = self.title or job or "Report"
        word, tone = run_facts.outcome(record)
        header = element(
            "header",
            paragraph(element("a", "All runs", href="../../index.html"), f" / {job}" if job else "", class_="path"),
            element("h1", title),
            paragraph(chip(word, tone), " ", run_facts.lead_sentence(record), class_="lead"),
        )
        cards = [
            element(
                "div",
                element("dt", label),
                element("dd", value, class_="value"),
                element("dd", note, class_="note") if note else "",
            )
            for label, value, note in self._headlines
        ]
        main = element(
            "main",
            run_facts.failure(record),
            run_facts.warnings(record),
            element("dl", *cards, class_="cards") if cards else "",
            *(part(number) for number, part in enumerate(self._parts, start=1)),
            *([] if self._audited else recorded_audits(record)),
            run_facts.rows_equation(record),
            run_facts.tables_touched(record),
            run_facts.next_step(record),
            run_facts.about(record),
        )
        words = "This page is one file: it loads nothing and can be mailed or kept. Days and times are UTC."
        days = run_facts.days_text(record)
        whole_title = title if days.partition(" ")[0] in title else f"{title}, {days}"
        return page(whole_title, header, main, element("footer", paragraph(words)))

    def _add_plot(self, heading: str, plot: Plot, text_alternative: str, note: str) -> None:
        if not text_alternative.strip():
            raise ValueError(f"plot '{heading}' needs a text alternative: one sentence that says what it shows")
        self._parts.append(lambda number: figure(heading, plot, text_alternative, number, note))
