"""Reads YAML: one document, safe, each key once. What is wrong with it is said with file and line."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

_MAX_CHARACTERS = 1_000_000


class YamlError(ValueError):
    """Text that is no YAML of ours: ``place`` is ``file`` or ``file:line``, ``problem`` the rest of the sentence."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place} {problem}")
        self.place = place
        self.problem = problem


def compose(text: str, name: str) -> yaml.Node | None:
    """The node tree of the one document in ``text``, None for an empty one; ``name`` is used in messages.

    Raises YamlError.
    """
    node: yaml.Node | None = _loaded(text, name, lambda: yaml.compose(text, Loader=yaml.SafeLoader))
    return node


def read_yaml(text: str, name: str) -> Any:
    """The one document in ``text`` as plain values. Raises YamlError, also for a duplicate key."""
    return _loaded(text, name, lambda: yaml.load(text, Loader=_UniqueKeys))  # noqa: S506 - a SafeLoader


def _loaded(text: str, name: str, load: Any) -> Any:
    if len(text) > _MAX_CHARACTERS:
        raise YamlError(name, f"is longer than {_MAX_CHARACTERS} characters")
    try:
        return load()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}" if mark else name
        raise YamlError(place, f"is not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise YamlError(name, f"is not valid YAML: {error}") from error
    except RecursionError as error:
        raise YamlError(name, "is nested too deeply") from error


class _UniqueKeys(yaml.SafeLoader):
    """Safe YAML in which each key may appear only once."""


def _mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if key in seen:
            raise yaml.MarkedYAMLError(problem=f"the key '{key}' appears twice", problem_mark=key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
