"""YAML as a tree of entries that remember where they were written.

Every scalar stays text: the parameter model knows the types, so ``no``, ``012`` or ``12:30`` are never guessed at.
Refused with file and line (UsageError CFG-001): duplicate keys, tags, aliases, merge keys, keys that are not text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import yaml

from common.errors import UsageError
from common.yaml import YamlError, compose

_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True)
class Entry:
    """One value of one layer: text, null, a list or a mapping, where it was written, and the layer it belongs to."""

    value: str | list[Entry] | dict[str, Entry] | None
    where: str
    origin: str

    def plain(self) -> object:
        """The value as text, lists and dictionaries, without the places."""
        if isinstance(self.value, dict):
            return {key: entry.plain() for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return [entry.plain() for entry in self.value]
        return self.value

    def labelled(self, origin: str) -> Entry:
        """The same tree, said to come from ``origin``."""
        if isinstance(self.value, dict):
            return replace(self, value={k: e.labelled(origin) for k, e in self.value.items()}, origin=origin)
        if isinstance(self.value, list):
            return replace(self, value=[e.labelled(origin) for e in self.value], origin=origin)
        return replace(self, origin=origin)

    def at(self, *path: str | int) -> Entry | None:
        """The entry at ``path``, or None."""
        here: Entry | None = self
        for step in path:
            if here is None:
                return None
            if isinstance(here.value, dict):
                here = here.value.get(str(step))
            elif isinstance(here.value, list) and isinstance(step, int) and step < len(here.value):
                here = here.value[step]
            else:
                return None
        return here


def mapping(children: dict[str, Entry] | None = None, *, where: str = "", origin: str = "") -> Entry:
    """An entry that holds a mapping."""
    return Entry(dict(children or {}), where, origin)


def overlay(below: Entry, above: Entry) -> Entry:
    """``above`` laid over ``below``: mappings merge key by key, anything else is replaced."""
    if isinstance(below.value, dict) and isinstance(above.value, dict):
        merged = dict(below.value)
        for key, entry in above.value.items():
            merged[key] = overlay(merged[key], entry) if key in merged else entry
        return replace(above, value=merged)
    return above


def nested(path: list[str], leaf: Entry) -> Entry:
    """``leaf`` wrapped in mappings, so that it is at ``path``."""
    for step in reversed(path):
        leaf = mapping({step: leaf}, where=leaf.where, origin=leaf.origin)
    return leaf


def parse_yaml(text: str, name: str) -> Entry:
    """The one document in ``text`` as an entry; an empty document is an empty mapping. ``name`` is used in messages."""
    try:
        node = compose(text, name)
        return mapping(where=name, origin=name) if node is None else _Reader(name).entry(node)
    except YamlError as error:
        raise _broken(error.place, error.problem) from error
    except RecursionError as error:
        raise _broken(name, "is nested too deeply") from error


def _broken(place: str, problem: str) -> UsageError:
    return UsageError("CFG-001", f"{place} {problem}.", remedy="Correct the file; nothing was started.")


class _Reader:
    """Turns composed nodes into entries and refuses what settings have no need of."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: set[int] = set()

    def entry(self, node: yaml.Node) -> Entry:
        where = f"{self._name}:{node.start_mark.line + 1}"
        if id(node) in self._seen:
            raise _broken(where, "uses an alias, which settings do not allow")
        self._seen.add(id(node))
        if not str(node.tag).startswith("tag:yaml.org,2002:") or str(node.tag).startswith("tag:yaml.org,2002:python"):
            raise _broken(where, f"uses the tag {node.tag}, which settings do not allow")
        read: dict[type[yaml.Node], Callable[..., Entry]] = {
            yaml.ScalarNode: self._scalar,
            yaml.SequenceNode: self._sequence,
            yaml.MappingNode: self._mapping,
        }
        return read[type(node)](node, where)

    def _scalar(self, node: yaml.ScalarNode, where: str) -> Entry:
        return Entry(None if node.tag == _NULL else str(node.value), where, self._name)

    def _sequence(self, node: yaml.SequenceNode, where: str) -> Entry:
        return Entry([self.entry(child) for child in node.value], where, self._name)

    def _mapping(self, node: yaml.MappingNode, where: str) -> Entry:
        children: dict[str, Entry] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            place = f"{self._name}:{line}"
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag.endswith((":merge", ":null")):
                raise _broken(place, "has a key that is not plain text")
            key = str(key_node.value)
            if key in children:
                raise _broken(place, f"has the key '{key}' again, first given in line {lines[key]}")
            child = self.entry(value_node)
            children[key] = child if isinstance(child.value, dict | list) else replace(child, where=place)
            lines[key] = line
        return Entry(children, where, self._name)
