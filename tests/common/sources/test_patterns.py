"""A pattern that cannot be is refused with the one that is meant, before Spark starts."""

from __future__ import annotations

import pytest

from common.errors import UsageError
from common.sources.mapping.model import Source
from common.sources.mapping.patterns import time_pattern

pytestmark = pytest.mark.unit

MEANT = {
    "YYYY-MM-DD": "yyyy-MM-dd",
    "YYYY-MM-DD HH:mm:ss": "yyyy-MM-dd HH:mm:ss",
    "DD/MM/YYYY": "dd/MM/yyyy",
    "yyyy-mm-dd": "yyyy-MM-dd",
    "dd.mm.yyyy HH:mm": "dd.MM.yyyy HH:mm",
    "yyyy-MM-dd HH:MM:ss": "yyyy-MM-dd HH:mm:ss",
    "yyyymmdd": "yyyyMMdd",
    "yyyy-MM-dd hh:mm:ss": "yyyy-MM-dd HH:mm:ss",
    "MM/dd/yyyy HH:mm a": "MM/dd/yyyy hh:mm a",
    "MM/DD/YYYY hh:mm A": "MM/dd/yyyy hh:mm a",
    "yyyy-MM-dd HH:mm:SS": "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-ddTHH:mm:ss": "yyyy-MM-dd'T'HH:mm:ss",
    "%Y-%m-%d %H:%M:%S": "yyyy-MM-dd HH:mm:ss",
    "%d/%m/%y": "dd/MM/yy",
}


@pytest.mark.parametrize("pattern", MEANT)
def test_slips_are_refused_with_the_pattern_that_is_meant(pattern: str) -> None:
    with pytest.raises(ValueError, match="cannot be a pattern") as refused:
        time_pattern(pattern)
    assert str(refused.value).endswith(f"write {MEANT[pattern]}")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("HH:mm:ss", "needs a date"),
        ("dd.MM. HH:mm", "no year"),
        ("yyyy-dd", "no month"),
        ("yyyy-MM HH:mm", "no day"),
        ("yyyy-MM-dd mm:ss", "no hour"),
        ("yyyy-MM-dd 'at HH:mm", "not closed"),
        ("dd. MMMM yyyy Uhr", "apostrophes"),
        ("yyyy-MM-dd HH:mm EEE", "beginning"),
        ("ddd.MM.yyyy", "one of d, dd"),
        ("dd.MM.yyyy dd", "twice"),
    ],
)
def test_other_patterns_that_read_nothing_are_refused_with_the_reason(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        time_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "yyyyMMdd",
        "yyyyMMddHHmmss",
        "d.M.yy H:mm",
        "dd/MMM/yyyy:HH:mm:ss Z",
        "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        "yyyy-DDD",
        "MM/yyyy",
        "yyyy-MM-dd[ HH:mm]",
        "EEE MMM dd HH:mm:ss yyyy",
        "HH:mm dd.MM.yyyy",
        "HHmm ddMMyyyy",
    ],
)
def test_patterns_that_can_be_are_taken(pattern: str) -> None:
    assert time_pattern(pattern).spark


def test_a_source_with_such_a_pattern_is_refused_by_name_of_its_column() -> None:
    text = 'format: csv\ncolumns:\n  item_id: item\n  sold_at: {expr: sold, timestamp_format: "YYYY-MM-DD HH:mm:ss"}\n'
    with pytest.raises(UsageError, match="SRC-003") as refused:
        Source.parse(text, name="tested")
    assert "sold_at" in str(refused.value)
    assert "write yyyy-MM-dd HH:mm:ss" in str(refused.value)
    assert refused.value.exit_code == 2
