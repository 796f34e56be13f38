"""Numbers as people read them."""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from common.report.wording import (
    common_decimals,
    format_bytes,
    format_number,
    format_seconds,
    format_value,
    plural,
    short_number,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1, "alerts", "1 alert"),
        (1.0, "units", "1 unit"),
        (1, "categories", "1 category"),
        (1, "days", "1 day"),
        (1, "batches", "1 batch"),
        (1, "series", "1 series"),
        (1, "ms", "1 ms"),
        (1, "%", "1%"),
        (0, "alerts", "0 alerts"),
        (2, "alerts", "2 alerts"),
        (11, "alerts", "11 alerts"),
        (1.5, "units", "1.5 units"),
    ],
)
def test_one_of_something_is_in_the_singular(value: float, unit: str, text: str) -> None:
    assert format_number(value, unit=unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1,234,567"),
        (0, "0"),
        (-1200, "\u22121,200"),
        (12345.678, "12,346"),
        (3.14159, "3.142"),
        (0.5, "0.5"),
        (0.0000004, "4e-07"),
        (Decimal("19.90"), "19.9"),
        (np.int64(1500), "1,500"),
        (np.float64(0.25), "0.25"),
        (float("inf"), "∞"),
        (None, "\u2013"),
        (float("nan"), "\u2013"),
    ],
)
def test_numbers_have_separators_and_at_most_four_figures_of_a_fraction(value: object, text: str) -> None:
    assert format_number(value) == text


def test_units_follow_a_number_and_percent_signs_stick_to_it() -> None:
    assert format_number(1200, unit="rows") == "1,200 rows"
    assert format_number(12.5, unit="%") == "12.5%"


def test_a_column_shows_as_many_decimals_as_its_values_have() -> None:
    assert common_decimals([5400.25, 12.5]) == 2
    assert common_decimals([0.1234, 0.0001]) == 4
    assert common_decimals([1, 2, 3]) == 0
    assert common_decimals([1 / 3, 2 / 3]) == 4


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (9500, "9,500"), (12500, "12.5k"), (1200000, "1.2M"), (-3e9, "\u22123bn"), (0.25, "0.25")],
)
def test_axis_labels_are_short(value: float, text: str) -> None:
    assert short_number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.2 s"), (42, "42 s"), (59.7, "1 min 00 s"), (192, "3 min 12 s"), (3725, "1 h 02 min"), (None, "\u2013")],
)
def test_spans_of_time_are_in_words(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_sizes_are_in_decimal_units() -> None:
    assert [format_bytes(n) for n in (12, 1500, 1_500_000_000)] == ["12 bytes", "1.5 kB", "1.5 GB"]


def test_nouns_follow_their_number() -> None:
    assert [plural(1, "row"), plural(1200, "row"), plural(2, "query")] == ["1 row", "1,200 rows", "2 queries"]


@pytest.mark.parametrize(
    ("noun", "many"),
    [
        ("day", "7 days"),
        ("new file", "7 new files"),
        ("query", "7 queries"),
        ("series", "7 series"),
        ("batch", "7 batches"),
        ("class", "7 classes"),
    ],
)
def test_the_plural_is_the_one_that_a_dictionary_gives(noun: str, many: str) -> None:
    assert plural(7, noun) == many


# By hand: a noun that is new in the code is added here with its plural.
PLURALS = {
    "object": "objects",
    "series": "series",
    "value": "values",
    "alert": "alerts",
    "byte": "bytes",
    "card": "cards",
    "known card": "known cards",
    "check": "checks",
    "column": "columns",
    "customer": "customers",
    "day": "days",
    "earlier day": "earlier days",
    "minute": "minutes",
    "event": "events",
    "file": "files",
    "fraud": "frauds",
    "honest row": "honest rows",
    "item": "items",
    "job": "jobs",
    "line": "lines",
    "new file": "new files",
    "aggregate": "aggregates",
    "sales line": "sales lines",
    "order": "orders",
    "origin": "origins",
    "override": "overrides",
    "period": "periods",
    "quarantined row": "quarantined rows",
    "rejected row": "rejected rows",
    "row": "rows",
    "run": "runs",
    "session": "sessions",
    "transaction": "transactions",
    "unexpected row": "unexpected rows",
}


def test_every_noun_of_the_code_has_the_plural_of_the_list() -> None:
    nouns = nouns_of_the_code()
    assert nouns - PLURALS.keys() == set()
    assert {noun: plural(2, noun) for noun in nouns} == {noun: f"2 {PLURALS[noun]}" for noun in nouns}


def nouns_of_the_code() -> set[str]:
    """What the code hands to ``plural``; each of them is written in full where it is used."""
    found = set()
    for folder in ("common", "jobs", "deploy"):
        for path in (Path(__file__).parents[3] / folder).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "plural":
                    noun = call.args[1]
                    assert isinstance(noun, ast.Constant), f"{path}:{call.lineno}"
                    found.add(str(noun.value))
    return found


def test_other_values_are_written_plainly() -> None:
    assert format_value(True) == "yes"
    assert format_value(date(2026, 11, 20)) == "2026-11-20"
    assert format_value(datetime(2026, 11, 20, 3, 4, 5, 678, tzinfo=UTC)) == "2026-11-20 03:04:05+00:00"
    assert format_value(["a", 1200]) == "a, 1,200"
    assert format_value({"b", "a"}) == "a, b"
