"""Whether a source can feed a job at all: asked before anything is started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from common.errors import UsageError
from common.sources.grammar.syntax import names_in_expression
from common.sources.grammar.types import RawKind
from common.sources.mapping.model import Source
from common.words import did_you_mean

KEPT = ("_file", "_file_sha256", "_line", "_raw", "_reason")
"""Columns that every raw row has."""

Columns = Mapping[str, RawKind]


def check_fit(source: Source, target: Sequence[str], required: Sequence[Sequence[str]]) -> None:
    """Raises UsageError SRC-005 for a column that is not one of ``target``, ING-003 when the source maps too little.

    It must map all columns of at least one of the ``required`` groups.
    """
    source.check_columns(target)
    lacking = [[name for name in group if name not in source.columns] for group in required]
    if lacking and all(lacking):
        least = min(lacking, key=len)
        raise UsageError(
            "ING-003",
            f"The source {source.name} does not map {', '.join(least)}.",
            cause=f"It maps {', '.join(source.columns)}.",
            remedy="Add an expression for each of them under columns: in the source.",
        )


def check_names(source: Source, raw: Columns) -> None:
    """Whether every expression names raw columns that there are: ``raw`` holds them with what is known of their types.

    Raises UsageError SRC-004 for one that names another, SRC-006 when ``rows_from`` or ``parent`` does.
    """
    columns = {**_elements(source, raw), **dict.fromkeys(KEPT, RawKind())}
    columns |= dict.fromkeys(lacking_of(source, columns), RawKind())
    for name, expression in expressions_of(source):
        for path in names_in_expression(expression):
            fault = fault_of_path(path, columns)
            if fault:
                listed = [one for one in columns if one not in KEPT]
                hint = _hint(expression, path, columns)
                raise UsageError(
                    "SRC-004",
                    f"Source {source.name}: the expression of '{name}' cannot be used.{hint}",
                    cause=f"{expression}: {fault}.",
                    remedy=f"The raw columns are {', '.join(listed)}.",
                )


def lacking_of(source: Source, raw: Iterable[str]) -> list[str]:
    """The ``optional`` columns of a source that are not among ``raw``, in whatever case."""
    there = {name.lower() for name in raw}
    return [name for name in source.optional if name.lower() not in there]


def expressions_of(source: Source) -> Iterator[tuple[str, str]]:
    """Each expression of a source and what it is for: a canonical or free column, or ``where``."""
    yield from ((name, mapping.expr) for name, mapping in source.columns.items())
    yield from ((name, free.expr) for name, free in source.extra.items())
    if source.where:
        yield "where", source.where


def fault_of_path(path: Sequence[str], columns: Columns) -> str:
    """Why a column, or a field of it, is not there; empty when it is, or when its type is not known."""
    known: Columns = columns
    for place, name in enumerate(path):
        kind = next((known[other] for other in known if other.lower() == name.lower()), None)
        if kind is None:
            return f"there is no raw column '{name}'" if place == 0 else f"'{path[place - 1]}' has no field '{name}'"
        while kind.item is not None:
            kind = kind.item
        if not kind.fields:
            return ""
        known = kind.fields
    return ""


def _hint(expression: str, path: Sequence[str], columns: Columns) -> str:
    whole = next((name for name in columns if name.lower() == expression.strip().lower()), None)
    if whole is not None:
        return f" Write `{whole}` in back quotes: a name with blanks or signs needs them."
    known: Columns = columns
    for name in path:
        kind = next((known[other] for other in known if other.lower() == name.lower()), None)
        if kind is None:
            return did_you_mean(name, known)
        known = (kind.item or kind).fields
    return ""


def _elements(source: Source, raw: Columns) -> Columns:
    """The raw columns of a row: those of the record, or, with ``rows_from``, of an element and of ``parent``."""
    if not source.rows_from:
        return raw
    array = _kind_of(source, raw, source.rows_from, "rows_from")
    if array.item is None and array.name:
        raise no_elements(source, f"rows_from names '{source.rows_from}', which is no array but {array.name}")
    item = array.item or RawKind()
    fields = item.fields or {"element": item}
    for name, path in source.parent.items():
        _kind_of(source, raw, path, "parent")
        refuse_name_twice(source, name, path, fields)
    parents = {name: _kind_of(source, raw, path, "parent") for name, path in source.parent.items()}
    return {**fields, **parents, "_index": RawKind("int")}


def _kind_of(source: Source, raw: Columns, path: str, key: str) -> RawKind:
    known, kind = raw, RawKind()
    for part in path.split("."):
        found = next((known[name] for name in known if name.lower() == part.lower()), None)
        if found is None:
            raise no_elements(source, f"{key} names '{path}': there is no '{part}'.{did_you_mean(part, known)}")
        kind, known = found, found.fields
    return kind


def no_elements(source: Source, cause: str, remedy: str = "See docs/sources.md.") -> UsageError:
    """SRC-006: why a row cannot be made of each element of an array."""
    return UsageError(
        "SRC-006", f"Source {source.name}: rows cannot be made of the records.", cause=f"{cause}.", remedy=remedy
    )


def refuse_name_twice(source: Source, name: str, path: str, fields: Iterable[str]) -> None:
    """Raises UsageError SRC-006 when ``name``, by which ``parent`` keeps ``path``, is among ``fields`` of elements."""
    if name.lower() in (other.lower() for other in fields):
        raise no_elements(
            source,
            f"parent gives '{name}', which is also a field of the elements",
            f"Give it another name: parent: {{parent_{name}: {path}}}.",
        )
