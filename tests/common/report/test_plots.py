"""Plots are drawn without fonts or network, readable on a phone, and always have their data beside them."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from common.report.builder import ReportBuilder

pytestmark = pytest.mark.unit
Parsed = Callable[[bytes], Any]


def all_kinds() -> ReportBuilder:
    report = ReportBuilder("All plots")
    days = [date(2026, 11, 1) + timedelta(days=n) for n in range(20)]
    people, bots = [2000 + n for n in range(20)], [None, *range(19)]
    report.line("By day", days, {"people": people, "bots": bots}, text_alternative="Steady.", unit="sessions")
    report.line(
        "Forecast", days[:2], {"demand": [10, 11]}, band=("80 % interval", [8, 9], [12, 13]), text_alternative="Up."
    )
    report.line(
        "By hour", [datetime(2026, 11, 1, h, tzinfo=UTC) for h in range(3)], {"n": [1, 2, 3]}, text_alternative="Up."
    )
    report.line("By number", [0.5, 1.5, 2.5], {"n": [1, 2, 3]}, text_alternative="Up.", x_name="threshold")
    report.bars("Ranked", ["direct", "search"], [12345678, 17.5], unit="sessions", text_alternative="Direct leads.")
    report.bars("Change", ["up", "down"], [4.25, -12.5], unit="%", text_alternative="Down more than up.")
    report.bars("Stacked", ["a", "b"], {"x": [1, 2], "y": [3, None]}, text_alternative="Mostly y.")
    report.histogram("Lengths", [0, 10, 60, math.inf], [5, 7, 1], text_alternative="Short.", unit="seconds")
    return report


def test_every_plot_has_a_sentence_a_label_and_all_its_data_as_a_table(parsed: Parsed) -> None:
    page = parsed(all_kinds().render({}))
    figures = page.all("figure")
    assert len(figures) == 8
    for figure in figures:
        (caption,) = figure.all("figcaption")
        (image,) = [node for node in figure.walk() if node.attributes.get("role") == "img"]
        assert caption.text
        assert caption.text in (image.attributes["aria-label"] or "")
        assert [svg.classes for svg in image.all("svg")] == [["wide"], ["narrow"]]
        assert all(svg.attributes["aria-hidden"] == "true" for svg in image.all("svg"))
        assert figure.all("details")[0].cells()
    assert page.section("Stacked").cells() == [["a", "1", "3"], ["b", "2", "\u2013"]]
    assert page.section("Forecast").cells() == [["2026-11-01", "10", "8", "12"], ["2026-11-02", "11", "9", "13"]]
    assert page.section("Lengths").cells() == [["0 to 10", "5"], ["10 to 60", "7"], ["60 and more", "1"]]
    assert len(page.section("By day").cells()) == 20


def test_bands_on_one_another_are_darker_where_more_of_them_lie_and_have_their_edges_in_the_table(
    parsed: Parsed,
) -> None:
    report = ReportBuilder("A fan")
    bands = [("95 % band", [1, 2], [9, 8]), ("50 % band", [4, 4], [6, 6])]
    report.line("Fan", [1, 2], {"median": [5, 5]}, band=bands, text_alternative="Level.")
    fan = parsed(report.render({})).section("Fan")
    (legend,) = fan.all("ul", "legend")
    assert [item.text for item in legend.all("li")] == ["median", "95 % band", "50 % band"]
    # 1 - 0.82, and 1 - 0.82 squared where both lie.
    opacities = [path.attributes["style"].partition("fill-opacity:")[2] for path in legend.all("path")]
    assert opacities == ["", ".18", ".33"]
    assert fan.cells() == [["1", "5", "1", "9", "4", "6"], ["2", "5", "2", "8", "4", "6"]]


def test_several_series_are_named_in_a_legend_that_differs_by_more_than_colour(parsed: Parsed) -> None:
    (legend,) = parsed(all_kinds().render({})).section("By day").all("ul", "legend")
    assert [item.text for item in legend.all("li")] == ["people", "bots"]
    dashes = [path.attributes["style"].partition("stroke-dasharray:")[2] for path in legend.all("path")]
    assert dashes == ["none", "6 2"]


def test_ids_are_unique_in_the_page_and_every_inner_reference_is_met(parsed: Parsed) -> None:
    page = parsed(all_kinds().render({}))
    ids = [node.attributes["id"] for node in page.walk() if "id" in node.attributes]
    used = {node.attributes["href"] for node in page.all("use")}
    used |= {"#" + node.attributes["clip-path"][5:-1] for node in page.walk() if node.attributes.get("clip-path")}
    assert used
    assert len(ids) == len(set(ids))
    assert {ref[1:] for ref in used} == set(ids)


def test_colours_follow_the_scheme_of_the_reader(parsed: Parsed) -> None:
    page = parsed(all_kinds().render({}))
    styles = [n.attributes["style"] for svg in page.all("svg") for n in svg.walk() if n.attributes.get("style")]
    assert any("var(--c1)" in style for style in styles)
    assert not [style for style in styles if "#" in style.replace("url(#", "")]


def test_letters_on_a_phone_are_drawn_at_least_twelve_units_high_on_a_narrow_canvas(parsed: Parsed) -> None:
    for svg in parsed(all_kinds().render({})).all("svg", "narrow"):
        assert float(svg.attributes["viewbox"].split()[2]) <= 328
        sizes = [n.attributes["style"].partition("font-size:")[2].partition("px")[0] for n in svg.all("text")]
        assert sizes
        assert all(float(size) >= 12 for size in sizes)


@pytest.mark.parametrize("heading", ["bars", "line", "histogram"])
def test_a_plot_of_no_rows_says_so_instead_of_drawing(heading: str, parsed: Parsed) -> None:
    report = ReportBuilder("Empty")
    if heading == "bars":
        report.bars("Empty", [], [], text_alternative="No source was seen.")
    elif heading == "line":
        report.line("Empty", [date(2026, 11, 20)], {"n": [None]}, text_alternative="No session was seen.")
    else:
        report.histogram("Empty", [], [], text_alternative="No length was seen.")
    section = parsed(report.render({})).section("Empty")
    assert "There is nothing to draw" in section.text
    assert "was seen." in section.text
    assert not section.all("svg")


def test_bars_beyond_thirty_are_in_the_table_and_the_page_says_so(parsed: Parsed) -> None:
    report = ReportBuilder("Many")
    report.bars("Many", [f"page {n}" for n in range(40)], list(range(40, 0, -1)), text_alternative="Many pages.")
    section = parsed(report.render({})).section("Many")
    wide = section.all("svg", "wide")[0]
    assert "page 29" in wide.text
    assert "page 30" not in wide.text
    assert "The first 30 of 40 are drawn" in section.text
    assert len(section.cells()) == 40


def test_labels_are_text_and_never_formulas_or_markup(parsed: Parsed) -> None:
    report = ReportBuilder("Odd")
    report.bars("Odd", ["$x^2$", "<b>&", "日本\x00\u202e"], [1, 2, 3], text_alternative="Odd labels.")
    section = parsed(report.render({})).section("Odd")
    texts = [node.text for node in section.all("svg", "wide")[0].all("text")]
    assert {"$x^2$", "<b>&", "日本\ufffd\ufffd"} <= set(texts)
    assert not section.all("b")


@pytest.mark.parametrize("text_alternative", ["", "  "])
def test_a_plot_without_words_is_refused(text_alternative: str) -> None:
    with pytest.raises(ValueError, match="needs a text alternative"):
        ReportBuilder("x").bars("x", ["a"], [1], text_alternative=text_alternative)


def test_series_of_the_wrong_length_or_kind_are_refused() -> None:
    report = ReportBuilder("x")
    with pytest.raises(ValueError, match="has 2 values for 1 labels"):
        report.bars("x", ["a"], [1, 2], text_alternative="x")
    with pytest.raises(ValueError, match="draws numbers"):
        report.line("x", [1], {"n": ["one"]}, text_alternative="x")  # type: ignore[list-item]  # the point of the test
    with pytest.raises(ValueError, match="2 edges for 2 counts"):
        report.histogram("x", [0, 1], [1, 2], text_alternative="x")


def test_a_drawing_holds_shapes_and_text_only_no_dates_fonts_or_styles(parsed: Parsed) -> None:
    page = all_kinds().render({})
    tags = {node.tag for svg in parsed(page).all("svg") for node in svg.walk()}
    assert tags <= {"svg", "g", "defs", "path", "use", "text", "clippath", "rect"}
    assert b"font-family" not in page.partition(b"</style>")[2]
    assert len(page) < 80_000
