"""Decimals of a raw schema: exactly as they were sent, or a fault of their record."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import DataFrame

from common.sources.mapping.model import Source

pytestmark = pytest.mark.unit

Read = Callable[[Path, Source], DataFrame]


def source(text: str) -> Source:
    return Source.parse(f"{text}\ncolumns: {{event_id: id}}\n", name="tested")


def test_a_decimal_that_the_schema_would_round_is_a_fault_of_its_record(inbox: Path, read: Read) -> None:
    schema = "raw_schema: id string, price decimal(6,2), more array<struct<tax decimal(4,1)>>"
    lines = ['{"id":"a","price":19.990}', '{"id":"b","price":19.999}', '{"id":"c","more":[{"tax":1.5}]}']
    (inbox / "a.json").write_text("\n".join([*lines, '{"id":"d","more":[{"tax":1.5},{"tax":1.55}]}']))
    found = read(inbox, source(f"format: json\n{schema}")).orderBy("_line").collect()
    assert [(row["id"], row["price"], row["_reason"] and row["_reason"][:7]) for row in found] == [
        ("a", Decimal("19.99"), None),
        (None, None, "SRC-211"),
        ("c", None, None),
        (None, None, "SRC-211"),
    ]
    assert [one["tax"] for one in found[2]["more"]] == [Decimal("1.5")]
    (inbox / "a.json").unlink()
    (inbox / "a.csv").write_text("a,19.990\nb,9999.996\nc,-0.01\n")
    bare = source("format: csv\noptions: {header: false}\nraw_schema: id string, price decimal(6,2)")
    found = read(inbox, bare).orderBy("_line").collect()
    assert [(row["price"], row["_reason"] and row["_reason"][:7]) for row in found] == [
        (Decimal("19.99"), None),
        (None, "SRC-212"),
        (Decimal("-0.01"), None),
    ]
