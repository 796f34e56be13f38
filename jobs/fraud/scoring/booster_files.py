"""Boosters as files: a UBJSON file is read and checked here before xgboost gets it.

xgboost trusts what it loads: a file that ends early, a pickle, or a tree with links outside itself can end the whole
process instead of raising. So the file is first parsed byte by byte within its bounds, and its trees are checked.
The format: https://ubjson.org, with the typed arrays that xgboost writes. Numbers are big-endian.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_WHOLE = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8"}
_NUMBERS = {**_WHOLE, "d": ">f4", "D": ">f8"}
_CONSTANTS = {"Z": None, "T": True, "F": False}
_DEEPEST = 32
# One entry for each node of a tree.
_CHILDREN = ("left_children", "right_children")
_OF_NODES = (
    *_CHILDREN,
    "parents",
    "split_indices",
    "split_conditions",
    "split_type",
    "default_left",
    "base_weights",
    "loss_changes",
    "sum_hessian",
)


class BrokenBoosterError(ValueError):
    """A booster that must not be loaded; the message says what is wrong with it."""


def check_booster(body: bytes, features: int) -> None:
    """Raise BrokenBoosterError unless ``body`` is a whole UBJSON booster of trees over that many ``features``."""
    if body[:1] != b"{" or body[1:2].decode("latin-1") not in _WHOLE:
        raise BrokenBoosterError("it does not begin as UBJSON does")
    walk = _Walk(body)
    try:
        model = walk.value(walk.marker(), 0)
        if walk.at != len(body):
            raise BrokenBoosterError(f"{len(body) - walk.at} bytes follow its end")
        _check_learner(model["learner"], features)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise BrokenBoosterError("it is not a booster of trees") from error
    except (ValueError, OverflowError) as error:
        if isinstance(error, BrokenBoosterError):
            raise
        raise BrokenBoosterError("it has a text or number that cannot be read") from error


def _check_learner(learner: dict[str, Any], features: int) -> None:
    settings, booster = learner["learner_model_param"], learner["gradient_booster"]
    held = int(settings["num_feature"])
    if held != features:
        raise BrokenBoosterError(f"it takes {held} features, the card names {features}")
    shape = (booster["name"], learner["objective"]["name"], int(settings["num_class"]), int(settings["num_target"]))
    if shape != ("gbtree", "binary:logistic", 0, 1):
        raise BrokenBoosterError("it is not a booster of trees for one probability")
    forest = booster["model"]
    trees, ends = forest["trees"], [int(end) for end in forest["iteration_indptr"]]
    if not len(trees) == len(forest["tree_info"]) == int(forest["gbtree_model_param"]["num_trees"]):
        raise BrokenBoosterError(f"it has {len(trees)} trees but declares another number")
    if ends != sorted(ends) or not ends or (ends[0], ends[-1]) != (0, len(trees)) or any(forest["tree_info"]):
        raise BrokenBoosterError("its rounds do not match its trees")
    for number, tree in enumerate(trees):
        _check_tree(tree, number, features)


def _check_tree(tree: dict[str, Any], number: int, features: int) -> None:
    nodes = int(tree["tree_param"]["num_nodes"])
    columns = {name: np.asarray(tree[name]) for name in _OF_NODES}
    if nodes < 1 or any(column.shape != (nodes,) for column in columns.values()):
        raise BrokenBoosterError(f"tree {number} does not have {nodes} nodes in all of its columns")
    if int(tree["tree_param"]["num_feature"]) != features:
        raise BrokenBoosterError(f"tree {number} has another number of features")
    if int(tree["tree_param"]["size_leaf_vector"]) > 1 or columns["split_type"].any():
        raise BrokenBoosterError(f"tree {number} is of a kind that this suite does not train")
    left, right = (columns[name].astype(np.int64) for name in _CHILDREN)
    splits = columns["split_indices"].astype(np.int64)
    seen = np.zeros(nodes, dtype=bool)
    level = np.zeros(1, dtype=np.int64)
    while level.size:
        if seen[level].any() or np.unique(level).size != level.size:
            raise BrokenBoosterError(f"tree {number} has a cycle")
        seen[level] = True
        inner = level[left[level] != -1]
        level = np.concatenate([left[inner], right[inner]])
        if level.size and not (level.min() >= 0 and level.max() < nodes):
            raise BrokenBoosterError(f"tree {number} points to a node that does not exist")
        if inner.size and not (splits[inner].min() >= 0 and splits[inner].max() < features):
            raise BrokenBoosterError(f"tree {number} splits on a feature that does not exist")
    values = columns["split_conditions"][seen]
    if not np.isfinite(values.astype(float)).all():
        raise BrokenBoosterError(f"tree {number} has a number that is not finite")


class _Walk:
    """Reads UBJSON values from ``body``, never past its end."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.at = 0

    def marker(self) -> str:
        """The next byte, which says what kind of value follows."""
        return self._take(1).decode("latin-1")

    def value(self, marker: str, depth: int) -> Any:
        """The value that ``marker`` opens."""
        if depth > _DEEPEST:
            raise BrokenBoosterError("its values are nested too deeply")
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker in _NUMBERS:
            return self._numbers(marker, 1)[0]
        if marker == "C":
            return self.marker()
        if marker == "S":
            return self._text()
        if marker == "[":
            return self._array(depth)
        if marker == "{":
            return self._object(depth)
        raise BrokenBoosterError("it is not UBJSON")

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._is_next(b"}"):
            name = self._text()
            found[name] = self.value(self.marker(), depth + 1)
        return found

    def _array(self, depth: int) -> Any:
        if self._is_next(b"$"):
            kind = self.marker()
            if kind not in _NUMBERS or not self._is_next(b"#"):
                raise BrokenBoosterError("it is not UBJSON")
            return self._numbers(kind, self._length())
        if self._is_next(b"#"):
            return [self.value(self.marker(), depth + 1) for _ in range(self._length())]
        items = []
        while not self._is_next(b"]"):
            items.append(self.value(self.marker(), depth + 1))
        return items

    def _numbers(self, kind: str, count: int) -> Any:
        form = np.dtype(_NUMBERS[kind])
        return np.frombuffer(self._take(form.itemsize * count), dtype=form)

    def _text(self) -> str:
        return self._take(self._length()).decode()

    def _length(self) -> int:
        kind = self.marker()
        if kind not in _WHOLE:
            raise BrokenBoosterError("it is not UBJSON")
        length = int(self._numbers(kind, 1)[0])
        if length < 0:
            raise BrokenBoosterError("it is not UBJSON")
        return length

    def _is_next(self, one: bytes) -> bool:
        if self._body[self.at : self.at + 1] != one:
            return False
        self.at += 1
        return True

    def _take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self._body):
            raise BrokenBoosterError(f"it ends early, after {len(self._body)} bytes")
        taken = self._body[self.at : end]
        self.at = end
        return taken
