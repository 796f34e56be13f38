"""The files of strangers that docs/testing.md lists are each proved by tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `([\w-]+)`: .* \| (`.*`) \|$")


def listed() -> dict[str, list[str]]:
    """File -> the tests that the page names for it."""
    section = (ROOT / "docs/testing.md").read_text().partition("## Files of strangers")[2].partition("\n## ")[0]
    rows = filter(None, map(ROW.match, section.splitlines()))
    return {row[1]: re.findall(r"`([^`]+)`", row[2]) for row in rows}


def named_in(path: Path) -> set[str]:
    """The names of the test functions of a file."""
    if not path.is_file():
        return set()
    found = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    return {node.name for node in found if node.name.startswith("test_")}


def test_each_file_of_a_stranger_is_proved_by_tests_that_exist() -> None:
    found = listed()
    assert len(found) == 31
    named = {file: [name.partition("::")[::2] for name in names] for file, names in found.items()}
    missing = {
        file: f"{path}::{test}"
        for file, names in named.items()
        for path, test in names
        if test not in named_in(ROOT / "tests" / path)
    }
    assert missing == {}
    assert all(named.values())
