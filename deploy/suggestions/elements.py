"""Records that hold an array of objects, such as orders with their lines: a row for each element, where that fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deploy.feeds.targets import Target
from deploy.suggestions.columns import RawColumn
from deploy.suggestions.layouts import Layout
from deploy.suggestions.matching import Match, matches
from deploy.suggestions.shapes import JsonShape, json_columns

# What the id of a record is called beside the fields of its elements.
_RECORD_ID = "order_id"


@dataclass(frozen=True)
class _Exploded:
    """The rows of an array: its path, the parents that could be kept by the name they get, and the raw columns."""

    path: str
    parents: Mapping[str, str]
    columns: list[RawColumn]


def by_element(target: Target, layout: Layout, found: list[Match], *, is_preset: bool) -> tuple[Layout, list[Match]]:
    """Layout and matches with ``rows_from`` and ``parent``, where elements fit the target better than records do.

    An event with its items stays one event, so for events only records that hold nothing else are taken apart.
    """
    if layout.shape is None or is_preset:
        return layout, found
    best, best_found = None, found
    for exploded in _exploded(layout.shape):
        other = matches(target, exploded.columns)
        if _worth(target, other) > _worth(target, best_found):
            best, best_found = exploded, other
    lacks = bool(target.lacking({one.canonical for one in found}))
    if best is None or (target.job == "clickstream.ingest" and not lacks):
        return layout, found
    names = {one.name for match in best_found for one in (match.column, match.clock) if one is not None}
    parents = {name: path for name, path in best.parents.items() if name in names}
    keys = {**layout.keys, "rows_from": best.path, **({"parent": parents} if parents else {})}
    said = f"a record holds several {best.path}: each of them is a row (rows_from)"
    return replace(layout, columns=best.columns, keys=keys, doubts=(*layout.doubts, said)), best_found


def _worth(target: Target, found: Sequence[Match]) -> tuple[int, int]:
    """First what is needed and found without a doubt, then all that is found."""
    needed = {name for group in target.required for name in group}
    sure = sum(match.canonical in needed and not match.doubts for match in found)
    return sure, sum(not match.doubts for match in found)


def _exploded(shape: JsonShape) -> Iterator[_Exploded]:
    leaves = shape.leaves()
    for path in (path for path, kind in leaves.items() if kind == "list"):
        pairs = [(record, item) for record in shape.records for item in _items(record, path)]
        if not pairs:
            continue
        inner = json_columns(JsonShape(tuple(item for _, item in pairs), shape.form))
        taken = {column.name.partition(".")[0].lower() for column in inner}
        outer = json_columns(JsonShape(tuple(record for record, _ in pairs), shape.form))
        named: dict[str, str] = {}
        columns = [*inner]
        for column in outer:
            if column.kind == "nested":
                continue
            name = _name_of(column.name, taken)
            taken.add(name.lower())
            named[name] = column.name
            columns.append(replace(column, name=name))
        yield _Exploded(path, named, columns)


def _name_of(path: str, taken: set[str]) -> str:
    """What a field of the record is called beside those of its elements."""
    name = _RECORD_ID if path == "id" else path.replace(".", "_")
    while name.lower() in taken:
        name = f"parent_{name}"
    return name


def _items(record: Mapping[str, Any], path: str) -> list[Mapping[str, Any]]:
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
