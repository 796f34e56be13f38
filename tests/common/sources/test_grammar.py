"""Expressions and schemas of a source, read without Spark: what they name, and why they cannot be read."""

from __future__ import annotations

import re

import pytest
from pyspark.errors import ParseException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from common.sources.grammar.syntax import names_in_expression
from common.sources.grammar.types import parse_schema

pytestmark = pytest.mark.unit

NAMES: dict[str, list[tuple[str, ...]]] = {
    "Menge": [("Menge",)],
    "`Bon Nr` || '/' || position": [("Bon Nr",), ("position",)],
    "geo.country.`iso code`": [("geo", "country", "iso code")],
    "get(items, 0).price + items[n]['price'].amount": [("items",), ("items",), ("n",)],
    "filter(params, p -> p.key = wanted)[0].value": [("params",), ("wanted",)],
    "aggregate(xs, 0, (acc, x) -> acc + x + bonus)": [("xs",), ("bonus",)],
    "case state when 'paid' then amount when open then 0 else -amount end": [
        *(("state",), ("amount",), ("open",), ("amount",))
    ],
    "try_cast(a as array<struct<b: decimal(10, 2)>>) is not distinct from null": [("a",)],
    "extract(year from at) - interval '1' day + interval 2 hours": [("at",)],
    "dateadd(day, days, at)": [("days",), ("at",)],
    "at + interval '2 days 3 hours' - interval '-1 month'": [("at",)],
    "trim(both ' ' from a) like any ('x%', b) and not c between 1 and d": [("a",), ("b",), ("c",), ("d",)],
    "date '2024-01-01' = date or true": [("date",)],
    "struct(a as id, b)": [("a",), ("b",)],
    "end": [("end",)],
    "`case`.`when` in (1, 2)": [("case", "when")],
}
FAULTS = {
    "amount *": "something is missing after '*'",
    "coalesce(a, , b)": "something is missing after ','",
    "coalesce(a, b": "a '(' is not closed",
    "a)": "a ')' has no '(' before it",
    "Bon Nr": "'Nr' cannot stand after 'Bon': a name with blanks or signs needs back quotes",
    "größe": "the name größe needs back quotes: `größe`",
    "trim('x": "a ' is not closed",
    "case when a then 1": "'end' is missing after '1'",
    "a between 1": "'and' is missing after '1'",
    "a == = b": "something is missing after '=='",
    "cast(a as text)": "'text' is not a type of Spark SQL. Write string.",
    "at + interval '2'": "an interval needs its unit, e.g. interval 1 day",
    "cast(a)": "'as' is missing after 'a'",
    " ": "the expression is empty",
    "(" * 3000: "the expression is nested too deeply",
}


@pytest.mark.parametrize("expression", NAMES)
def test_an_expression_names_these_columns_and_fields(expression: str) -> None:
    assert names_in_expression(expression) == NAMES[expression]


@pytest.mark.parametrize("expression", FAULTS, ids=[text[:20] for text in FAULTS])
def test_an_expression_that_cannot_be_read_is_refused_with_the_place(expression: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(FAULTS[expression])}$"):
        names_in_expression(expression)


def test_spark_reads_and_refuses_the_same_expressions(spark: SparkSession) -> None:
    for expression in NAMES:
        F.expr(expression)
    # To Spark cast(a) is a call like any other, and what follows a value is its other name.
    for expression in [text for text in FAULTS if text not in {"Bon Nr", "cast(a)"} and len(text) < 100]:
        with pytest.raises(ParseException):
            spark.range(1).select(F.expr(expression))


def test_a_schema_says_which_columns_and_fields_there_are() -> None:
    columns = parse_schema("id string, `Bon Nr`: decimal(10, 2) not null, lines array<struct<sku string, n: int>>")
    assert list(columns) == ["id", "Bon Nr", "lines"]
    lines = columns["lines"].item
    assert lines is not None
    assert list(lines.fields) == ["sku", "n"]
    assert columns["Bon Nr"].name == "decimal"


@pytest.mark.parametrize(
    ("ddl", "fault"),
    [
        ("id text", "'text' is not a type of Spark SQL. Write string."),
        ("id strng", "'strng' is not a type of Spark SQL. Did you mean 'string'?"),
        ("id", "'id' has no type"),
        ("Bon-Nr string", "'Bon' has no type"),
        ("id string, ID int", "the column 'ID' comes twice"),
        ("id string,", "the name of a column should come next"),
        ("a array<string", "'>' is missing after 'string'"),
        ("a decimal(x)", "the length of decimal is a number"),
        ("", "the name of a column should come next"),
    ],
)
def test_a_schema_that_cannot_be_read_is_refused(ddl: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        parse_schema(ddl)
