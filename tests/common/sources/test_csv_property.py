"""Csv of any content against Python's csv module: the same rows, and of text that is no csv no line lost."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame

from common.sources.files.csv_dialect import Dialect
from common.sources.mapping.model import Source
from common.sources.rows.blocks import open_lines

pytestmark = pytest.mark.unit

Read = Callable[[Path, Source], DataFrame]

# Options of a source -> the same for Python.
DIALECTS: dict[str, dict[str, Any]] = {
    "{}": {},
    "{sep: ;, multiline: true}": {"delimiter": ";", "lineterminator": "\n"},
    '{sep: tab, quote: "\'"}': {"delimiter": "\t", "quotechar": "'"},
    "{sep: '|', escape: '\\'}": {"delimiter": "|", "doublequote": False, "escapechar": "\\", "quoting": csv.QUOTE_ALL},
    "{sep: '|', quote: ''}": {"delimiter": "|", "quoting": csv.QUOTE_NONE, "quotechar": None},
}
TEXT = "ab \",;\\'\té漢|-"
FEW = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("options", DIALECTS)
def test_what_python_writes_is_read_as_it_was(inbox: Path, read: Read, options: str) -> None:
    marks = DIALECTS[options]
    unquoted = marks.get("quoting") == csv.QUOTE_NONE
    letters = TEXT.replace("|", "") if unquoted else TEXT
    text = st.text(letters + ("\n" if "multiline" in options else ""), max_size=8)
    source = Source.parse(f"format: csv\noptions: {options}\ncolumns: {{item_id: a}}\n", name="tested")

    @FEW
    @given(st.lists(st.tuples(text, text, text), min_size=150, max_size=200))
    def holds(rows: list[tuple[str, str, str]]) -> None:
        with (inbox / "a.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, **marks)
            writer.writerow(("a", "b", "id"))
            writer.writerows((*row[:2], f"{place}{row[2]}x") for place, row in enumerate(rows))
        found = read(inbox, source).orderBy("_line").collect()
        assert [row["_reason"] for row in found if row["_reason"]] == []
        # Blanks around a field are taken off, and nothing is null.
        assert [tuple((row[name] or "").strip() for name in ("a", "b", "id")) for row in found] == [
            (row[0].strip(), row[1].strip(), f"{place}{row[2]}x") for place, row in enumerate(rows)
        ]

    holds()


def test_any_text_is_rows_or_reasons_and_no_line_is_lost(inbox: Path, read: Read) -> None:
    text = st.text(TEXT + "\r\x00\x85\u2028", max_size=6)
    # A line of blanks and separators alone is no row.
    line = st.builds("{}x{}".format, text, text)

    @FEW
    @given(st.lists(line, min_size=150, max_size=200))
    def holds(lines: list[str]) -> None:
        (inbox / "a.csv").write_text("\n".join(["a,b", *lines]), encoding="utf-8", newline="")
        numbers = [row["_line"] for row in read(inbox, SINGLE).orderBy("_line").collect()]
        assert numbers == list(range(2, len(lines) + 2))

    holds()


SINGLE = Source.parse("format: csv\ncolumns: {item_id: a}\n", name="tested")


@given(st.lists(st.text("a \",;'", max_size=12), min_size=1, max_size=6))
def test_a_line_is_open_where_python_would_go_on_to_the_next(lines: list[str]) -> None:
    expected = []
    for place, line in enumerate(lines):
        reader = csv.reader([line, "x"], skipinitialspace=True)
        next(reader, None)
        if reader.line_num > 1:
            expected.append(place)
    assert open_lines("\n".join(lines).encode(), Dialect()) == expected
