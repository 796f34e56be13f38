"""Texts that only Java takes for numbers, within expressions.

Where an expression computes with a text, Spark casts it to a double as Java reads one: ``5d`` and ``5f`` are 5, and
``0x1p3`` is 8, ``inf`` is infinite. Nobody who sends such a text means a number. Casts stand anywhere in an expression,
mostly unseen (``cents / 100.0``), so they are found by what they do: a row that holds such a text is evaluated twice
more, with the text spelt as a plain number, and spelt so that no cast reads it. When the plain number changes nothing,
the expression has read a number, and what it gives without that holds. Otherwise the text was no number to it:
``upper(sku)``, ``grade = '5d'``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StringType, StructType

from common.sources.grammar.syntax import names_in_expression
from common.sources.mapping.expressions import tokens_of

_DECIMAL = r"(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?[dDfF]"
_HEXADECIMAL = r"0[xX](?:[0-9a-fA-F]+[.]?[0-9a-fA-F]*|[.][0-9a-fA-F]+)[pP][+-]?[0-9]+[dDfF]?"
_INFINITE = r"[iI][nN][fF](?:[iI][nN][iI][tT][yY])?"
_ONLY_JAVA = rf"^\s*[+-]?(?:{_DECIMAL}|{_HEXADECIMAL}|{_INFINITE})\s*$"
# Every such text has one of these letters. Letters for private use have no case and are in no feed.
_LETTERS, _MARKS = "dDfFpPiI", "\ue000\ue001\ue002\ue003\ue004\ue005\ue006\ue007"
_SIGNS = frozenset("*/%+-<>")
_WORDS = frozenset(
    re.findall(
        r"\w+",
        """double float real div between abs acos asin atan atan2 bround cbrt ceil ceiling cos degrees exp expm1 floor
        format_number hypot isnan ln log log10 log1p log2 mod nanvl negative pmod positive pow power radians rint round
        sign signum sin sqrt tan timestamp_seconds try_add try_divide try_multiply try_subtract width_bucket""",
    )
)
_HOLDS = "_holds_java_number"


def may_cast(expression: str) -> bool:
    """Whether an expression could cast a text to a double: it computes or compares, or says so."""
    tokens = [token.lower() for token in tokens_of(expression) if not token.isspace()]
    arrows = {place for place in range(1, len(tokens)) if tokens[place] == ">" and tokens[place - 1] in "-="}
    arrows |= {place - 1 for place in arrows}
    return any(token in _SIGNS or token in _WORDS for place, token in enumerate(tokens) if place not in arrows)


def carried_rows(
    raw: DataFrame, asked: Mapping[str, str], carried: Mapping[str, str], names: Collection[str], kept: Sequence[str]
) -> DataFrame:
    """``raw`` as the SQL of ``carried`` under the names given there, then ``kept``.

    ``asked`` has the expression of each; those of ``names`` are carried as ``guarded`` gives them.
    """
    columns = {field.name: field.dataType for field in raw.schema if field.name not in kept and _holds(field.dataType)}
    named = {name: _named(asked[name], columns) for name in names if may_cast(asked[name])}
    read = {name: found for name, found in named.items() if found}
    if not read:
        return raw.select(*(F.expr(text).alias(name) for name, text in carried.items()), *kept)
    sent = sorted(set().union(*read.values()))
    holds = reduce(or_, (_test(_column(name), columns[name]) for name in sent))
    rows = raw.select("*", *(F.expr(text).alias(_as(name, "sent")) for name, text in carried.items()))
    rows = rows.withColumns(
        {_HOLDS: F.coalesce(holds, F.lit(False)), **{_as(one, "raw"): _column(one) for one in sent}}
    )
    for form, spelt in (("plain", _plain), ("marked", _marked)):
        # Null where nothing is to be asked: there an expression costs next to nothing.
        other = {one: F.when(F.col(_HOLDS), _each(F.col(f"`{_as(one, 'raw')}`"), columns[one], spelt)) for one in sent}
        rows = rows.withColumns(other)
        rows = rows.withColumns({_as(name, form): F.expr(carried[name]) for name in read})
    return rows.select(*(_settled(name, name in read).alias(name) for name in carried), *kept)


def _settled(name: str, is_read: bool) -> Column:
    sent = F.col(f"`{_as(name, 'sent')}`")
    if not is_read:
        return sent
    is_number = F.col(_HOLDS) & sent.eqNullSafe(F.col(f"`{_as(name, 'plain')}`"))
    return F.when(is_number, F.translate(f"`{_as(name, 'marked')}`", _MARKS, _LETTERS)).otherwise(sent)


def _as(name: str, form: str) -> str:
    return f"_{form}_{name}".replace("`", "_")


def _column(name: str) -> Column:
    return F.col(f"`{name.replace('`', '``')}`")


def _named(expression: str, columns: Mapping[str, DataType]) -> set[str]:
    words = {path[0].lower() for path in names_in_expression(expression)}
    return {name for name in columns if name.lower() in words}


def _holds(kind: DataType) -> bool:
    """Whether a value of this type holds a text that can be spelt otherwise."""
    if isinstance(kind, StructType):
        return any(_holds(field.dataType) for field in kind)
    if isinstance(kind, ArrayType):
        return _holds(kind.elementType)
    return isinstance(kind, StringType) or (isinstance(kind, MapType) and _holds(kind.valueType))


def _test(value: Column, kind: DataType) -> Column:
    if isinstance(kind, StructType):
        return reduce(or_, (_test(value[one.name], one.dataType) for one in kind if _holds(one.dataType)))
    if isinstance(kind, ArrayType):
        inner = kind.elementType
        return F.exists(value, lambda one: _test(one, inner))
    if isinstance(kind, MapType):
        inner = kind.valueType
        return F.exists(F.map_values(value), lambda one: _test(one, inner))
    return value.rlike(_ONLY_JAVA)


def _each(value: Column, kind: DataType, spelt: Callable[[Column], Column]) -> Column:
    """``value`` with each text in it that only Java takes for a number spelt otherwise."""
    if isinstance(kind, StructType):
        fields = {one.name: _each(value[one.name], one.dataType, spelt) for one in kind}
        return F.when(value.isNotNull(), F.struct(*(field.alias(name) for name, field in fields.items())))
    if isinstance(kind, ArrayType):
        inner = kind.elementType
        return F.transform(value, lambda one: _each(one, inner, spelt))
    if isinstance(kind, MapType):
        of_values = kind.valueType
        return F.transform_values(value, lambda _, one: _each(one, of_values, spelt))
    return F.when(value.rlike(_ONLY_JAVA), spelt(value)).otherwise(value) if isinstance(kind, StringType) else value


def _plain(text: Column) -> Column:
    # What is infinite has two spellings and no plain one.
    infinite = F.when(text.rlike("(?i)inity"), F.regexp_replace(text, "(?i)infinity", "Inf")).otherwise(
        F.regexp_replace(text, "(?i)inf", "Infinity")
    )
    return F.when(text.rlike("(?i)in"), infinite).otherwise(text.cast("double").cast("string"))


def _marked(text: Column) -> Column:
    return F.translate(text, _LETTERS, _MARKS)
