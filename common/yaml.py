"""Reads YAML: one document, safe, each key once. What is wrong with it is said with file and line."""

from __future__ import annotations

import re
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
        raise YamlError(place, f"is not valid YAML: {_plain_words(str(error.problem or error.context))}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(f"{name}:{line}", "is not valid YAML: it holds a character that is not allowed") from error
    except yaml.YAMLError as error:
        raise YamlError(name, f"is not valid YAML: {error}") from error
    except RecursionError as error:
        raise YamlError(name, "is nested too deeply") from error


# What PyYAML says -> what is wrong in the words of somebody who writes such a file.
_WORDS = (
    (r"found character '\\t' that cannot start any token", "a tab cannot indent a line: use blanks"),
    (r"found character '(.)' that cannot start any token", r"a value that begins with \1 needs quotes around it"),
    (r"mapping values are not allowed here", "a value with a colon and a blank in it needs quotes around it"),
    (
        r"while scanning an alias|expected alphabetic or numeric.*",
        "a value that begins with * or & needs quotes around it",
    ),
    (r"found undefined alias '(.*)'", r"a value that begins with * needs quotes around it: *\1"),
    (r"expected chomping or indentation.*", "what stands behind a value in quotes must be inside them"),
    (r"could not determine a constructor for the tag '!.*'", "a value that begins with ! needs quotes around it"),
    (r"could not determine a constructor for the tag '(.*)'", r"the tag \1 is not allowed"),
    (r"but found another document", "it holds more than one document: leave out the line ---"),
    (r"found unconstructable recursive node", "a value holds itself"),
)


def _plain_words(problem: str) -> str:
    for pattern, words in _WORDS:
        found = re.fullmatch(pattern, problem)
        if found:
            return found.expand(words)
    return problem


class _UniqueKeys(yaml.SafeLoader):
    """Safe YAML in which each key may appear only once."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """The value of a node; a scalar that cannot be what its form says, such as 2024-13-45, is named."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            shown = f"'{node.value[:40]}'" if isinstance(node.value, str) else "a value"
            problem = f"{shown} looks like a number or a date and is neither: put it in quotes"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from error


def _mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable):
            raise yaml.MarkedYAMLError(problem="a key is a list or a mapping", problem_mark=key_node.start_mark)
        if key in seen:
            raise yaml.MarkedYAMLError(problem=f"the key '{key}' appears twice", problem_mark=key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
