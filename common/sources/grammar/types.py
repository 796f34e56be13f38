"""Types as ``raw_schema`` and casts write them: Spark's DDL, read without Spark."""

from __future__ import annotations

from dataclasses import dataclass, field

from common.sources.grammar.tokens import Tokens, is_name, name_of
from common.words import did_you_mean

_PLAIN = {
    *("boolean", "tinyint", "byte", "smallint", "short", "int", "integer", "bigint", "long"),
    *("float", "real", "double", "decimal", "dec", "numeric"),
    *("string", "character", "char", "varchar", "binary", "void", "variant"),
    *("date", "time", "timestamp", "timestamp_ntz", "timestamp_ltz", "interval"),
}
_MEANT = {
    "text": "string",
    "str": "string",
    "number": "double",
    "datetime": "timestamp",
    "bool": "boolean",
    "object": "struct<...>",
    "json": "string",
    "list": "array<...>",
    "int64": "bigint",
    "float64": "double",
}


@dataclass(frozen=True)
class RawKind:
    """The type of a raw column: ``item`` of an array, ``value`` of a map, ``fields`` of a struct.

    ``lengths`` are the numbers in brackets, as in ``decimal(10, 2)``.
    """

    name: str = ""
    item: RawKind | None = None
    value: RawKind | None = None
    fields: dict[str, RawKind] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()


def parse_schema(ddl: str) -> dict[str, RawKind]:
    """The columns of a DDL schema by name. Raises ValueError in words that say what is wrong."""
    tokens = Tokens(ddl)
    if tokens.peek == "struct" and tokens.after == "<":
        kind = parse_type(tokens)
        tokens.expect_end()
        return kind.fields
    try:
        columns = _fields(tokens)
        tokens.expect_end()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return columns


def _fields(tokens: Tokens) -> dict[str, RawKind]:
    found: dict[str, RawKind] = {}
    while True:
        if not is_name(tokens.token):
            found_instead = f", and not '{tokens.token.text}'" if tokens.token.text else ""
            raise ValueError(f"the name of a column should come next{found_instead}")
        name = name_of(tokens.take())
        if name.lower() in (other.lower() for other in found):
            raise ValueError(f"the column '{name}' comes twice")
        tokens.accept(":")
        if not is_name(tokens.token):
            raise ValueError(f"'{name}' has no type")
        found[name] = parse_type(tokens)
        if tokens.accept("not"):
            tokens.expect("null")
        if tokens.accept("comment"):
            tokens.expect_text()
        if not tokens.accept(","):
            return found


def parse_type(tokens: Tokens) -> RawKind:
    """Take one type. Raises ValueError for a word that is none."""
    given = tokens.take()
    name = given.lower
    if name == "array":
        tokens.expect("<")
        item = parse_type(tokens)
        tokens.expect(">")
        return RawKind("array", item=item)
    if name == "map":
        tokens.expect("<")
        parse_type(tokens)
        tokens.expect(",")
        value = parse_type(tokens)
        tokens.expect(">")
        return RawKind("map", value=value)
    if name == "struct":
        if tokens.accept("<>"):
            return RawKind("struct")
        tokens.expect("<")
        fields = {} if tokens.peek == ">" else _fields(tokens)
        tokens.expect(">")
        return RawKind("struct", fields=fields)
    if name not in _PLAIN:
        meant = _MEANT.get(name)
        hint = f" Write {meant}." if meant else did_you_mean(name, [*sorted(_PLAIN), "array", "map", "struct"])
        raise ValueError(f"'{given.text}' is not a type of Spark SQL.{hint}")
    return RawKind(name, lengths=_take_lengths(tokens, name))


def _take_lengths(tokens: Tokens, name: str) -> tuple[int, ...]:
    """Take what may follow the name of a plain type; the numbers in its brackets."""
    found: list[int] = []
    while name == "interval" and tokens.accept("year", "month", "day", "hour", "minute", "second", "to"):
        pass
    if tokens.accept("("):
        while True:
            length = tokens.take()
            if not length.text.isdecimal():
                raise ValueError(f"the length of {name} is a number")
            found.append(int(length.text))
            if not tokens.accept(","):
                break
        tokens.expect(")")
    if name == "timestamp" and tokens.accept("without", "with"):
        tokens.accept("local")
        tokens.expect("time")
        tokens.expect("zone")
    return tuple(found)
