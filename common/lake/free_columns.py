"""The catalogue of free columns: which names the sources of a table have declared, and as what.

One small object per name, ``_extra/<table>/<name>.json``, written before the first row that has it. A name has one type
in a table: its values of all sources and times can be used together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from common.errors import UsageError

if TYPE_CHECKING:
    from common.lake.storage.objects import ObjectStore

FOLDER = "_extra"


@dataclass(frozen=True)
class FreeColumn:
    """One name: its type (number or category), its meaning, and its expression in each source by the source's name."""

    name: str
    type: str
    description: str
    sources: Mapping[str, str]


class FreeColumns:
    """The free columns of one table."""

    def __init__(self, objects: ObjectStore, table: str) -> None:
        self._objects = objects
        self._table = table

    def all(self) -> list[FreeColumn]:
        """What was declared, by name."""
        entries = sorted(entry.path for entry in self._objects.list(f"{FOLDER}/{self._table}/"))
        return [FreeColumn(**json.loads(self._objects.read(path))) for path in entries]

    def check(self, source: str, declared: Mapping[str, Mapping[str, str]]) -> None:
        """Raises UsageError SRC-010 when a name is known as another type.

        ``declared`` are the free columns of ``source``: name -> ``type``, ``expr`` and ``description``.
        """
        for name, given in sorted(declared.items()):
            known = self._known(name)
            if known is not None and known.type != given["type"]:
                raise UsageError(
                    "SRC-010",
                    f"Source {source} declares the free column '{name}' as a {given['type']}, "
                    f"but {self._table} has it as a {known.type}.",
                    cause=f"It is declared by {', '.join(sorted(known.sources))}.",
                    remedy="Give it another name, or the same type.",
                )

    def declare(self, source: str, declared: Mapping[str, Mapping[str, str]]) -> None:
        """Write down the free columns of ``source``; nothing changes when they are known. Raises as ``check``."""
        self.check(source, declared)
        for name, given in sorted(declared.items()):
            known = self._known(name)
            column = known or FreeColumn(name, given["type"], "", {})
            words = given["description"] or column.description
            column = replace(column, description=words, sources={**column.sources, source: given["expr"]})
            if column != known:
                body = json.dumps(asdict(column), indent=1, sort_keys=True)
                self._objects.write(self._path(name), body.encode())

    def _known(self, name: str) -> FreeColumn | None:
        found = self._objects.get(self._path(name))
        return None if found is None else FreeColumn(**json.loads(found.body))

    def _path(self, name: str) -> str:
        return f"{FOLDER}/{self._table}/{name}.json"
