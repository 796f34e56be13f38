"""Expressions of a source evaluated without Spark, with the results that Spark gives."""

from __future__ import annotations

from decimal import Decimal

import pytest

from deploy.feeds.casts import BadValueError, NeedsSparkError
from deploy.feeds.expressions import compiled

pytestmark = pytest.mark.unit

ROW = {
    "a": " Ab ",
    "n": "12",
    "cents": "1250",
    "none": None,
    "day": "01.02.2024",
    "Order ID": "7",
    "user": "u1",
    "when": "2024-05-06",
    "j": {"x": "5", "deep": {"y": "6"}},
    "items": [{"p": "3"}, {"p": "4"}],
    "whole": 7,
}


def _value(expression: str) -> object:
    return compiled(expression, list(ROW))[0](ROW)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a", " Ab "),
        ("A", " Ab "),
        ("`Order ID`", "7"),
        ("`user`", "u1"),
        ("when", "2024-05-06"),
        ("concat(when, ' 00:00')", "2024-05-06 00:00"),
        ("lower(trim(a))", "ab"),
        ("upper(n) || 'x'", "12x"),
        ("concat('x', none)", None),
        ("concat_ws('-', n, none, n)", "12-12"),
        ("coalesce(none, n)", "12"),
        ("nvl(none, 'x')", "x"),
        ("nullif(n, '12')", None),
        ("cents / 100", 12.5),
        ("try_cast(cents as decimal(18, 4)) / 100", Decimal("12.5")),
        ("n + 1", 13),
        ("whole / 2", 3.5),
        ("-whole", -7),
        ("none / 2", None),
        ("try_cast(a as int)", None),
        ("cast(n as double)", 12.0),
        ("case when n = '12' then 'y' else 'z' end", "y"),
        ("case n when '13' then 1 end", None),
        ("if(n > 5, 'big', 'small')", "big"),
        ("n in ('12', '13') and a is not null", True),
        ("a like '%b%'", True),
        ("n between 1 and 20", True),
        ("j.x", "5"),
        ("j.deep.y", "6"),
        ("items[1].p", "4"),
        ("get(items, 5).p", None),
        ("filter(items, i -> i.p = '4')[0].p", "4"),
        ("split_part(day, '.', 2)", "02"),
        ("split(day, '[.]')[2]", "2024"),
        ("substring(day, 4, 2)", "02"),
        ("substr(day, -4)", "2024"),
        ("regexp_replace(day, '(\\\\d+)[.](\\\\d+)', '$2-$1')", "02-01.2024"),
        ("regexp_extract(day, '(\\\\d+)$', 1)", "2024"),
        ("replace(day, '.', '')", "01022024"),
        ("'EUR'", "EUR"),
        ("1", 1),
    ],
)
def test_common_expressions_have_sparks_values(expression, value):
    assert _value(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        *("cast(a as int)", "a / 2", "whole / 0", "'12.5' / 10", "items[9].p", "cast(n as tinyint) * 'x'"),
        *("'5d' / 10.0", "cast('5f' as float)", "cast('1_000' as double)", "cast('0x1p3' as double)"),
        *("cast('inf' as double)", "cast('1_0' as decimal(4, 0))", "cast('NaN' as decimal(4, 0))"),
    ],
)
def test_a_value_for_which_spark_would_raise_is_none_at_all(expression):
    with pytest.raises(BadValueError):
        _value(expression)


@pytest.mark.parametrize(
    "expression",
    ["sha2(a, 256)", "transform(items, i -> i.p)", "cast(a as timestamp)", "make_timestamp(1, 2, 3, 4, 5, 6)"],
)
def test_what_is_not_known_is_never_guessed(expression):
    with pytest.raises(NeedsSparkError):
        _value(expression)


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="missing"):
        _value("concat(a, missing)")


def test_the_columns_that_are_read_are_known():
    assert compiled("concat(a, N, `Order ID`)", list(ROW))[1] == {"a", "n", "order id"}
