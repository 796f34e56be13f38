"""The notebook is one that Jupyter takes, holds nothing of a machine, and names only what the suite has."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.lake.lake import Lake
from common.lake.set_aside import QUARANTINE_SCHEMA
from common.lake.table import Table

pytestmark = pytest.mark.unit

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebook.ipynb"
# Methods of frames and functions of Spark whose texts are columns.
OF_COLUMNS = {"select", "groupBy", "orderBy", "col", "avg", "countDistinct", "element_at", "join", "list"}


@pytest.fixture(scope="module")
def notebook() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def cells(notebook: dict[str, Any]) -> list[ast.Module]:
    """The code cells, each of which compiles."""
    texts = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [compile(text, "cell", "exec", flags=ast.PyCF_ONLY_AST) for text in texts]


def imported(cells: list[ast.Module]) -> dict[str, Any]:
    """Name -> what the cells import under it; a module or a name that is not there fails the import."""
    found = {}
    for tree in cells:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                found |= {alias.asname or alias.name: getattr(module, alias.name) for alias in node.names}
    return found


def calls(cells: list[ast.Module]) -> Iterator[ast.Call]:
    for tree in cells:
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def texts(node: ast.Call) -> list[str]:
    return [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]


def test_it_is_a_notebook_of_format_4_5_without_an_output(notebook: dict[str, Any]) -> None:
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert [one for one in ids if not re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", one)] == []
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        assert all(isinstance(line, str) for line in cell["source"])
        if cell["cell_type"] == "code":
            assert set(cell) == {"cell_type", "execution_count", "id", "metadata", "outputs", "source"}
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
        else:
            assert set(cell) == {"cell_type", "id", "metadata", "source"}
            assert cell["cell_type"] == "markdown"


def test_every_name_is_defined_before_it_is_used(cells: list[ast.Module]) -> None:
    known = set(dir(builtins))
    for tree in cells:
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        known |= {
            alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        known |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
        assert {node.id for node in names} - known == set()


def test_functions_and_classes_are_there_and_take_what_they_are_given(cells: list[ast.Module]) -> None:
    found = imported(cells)
    assert sum(isinstance(one, Table) for one in found.values()) >= 8
    for call in calls(cells):
        if isinstance(call.func, ast.Name) and call.func.id in found:
            inspect.signature(found[call.func.id]).bind(
                *call.args, **{str(keyword.arg): keyword.value for keyword in call.keywords}
            )


def test_the_lake_has_the_methods_and_is_asked_to_read_only(cells: list[ast.Module]) -> None:
    methods = {
        call.func.attr: call
        for call in calls(cells)
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "lake"
    }
    assert set(methods) == {"read", "version", "exists"}
    for name, call in methods.items():
        given = {str(keyword.arg): keyword.value for keyword in call.keywords}
        inspect.signature(getattr(Lake, name)).bind(None, *call.args, **given)


def test_columns_are_those_of_the_tables_or_made_in_the_notebook(cells: list[ast.Module]) -> None:
    tables = [one for one in imported(cells).values() if isinstance(one, Table)]
    known = {name for table in tables for name in table.schema.names} | set(QUARANTINE_SCHEMA.names) | {"count"}
    named = set()
    for call in calls(cells):
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("alias", "withColumn"):
            known |= set(texts(call)[:1])
        elif isinstance(call.func, ast.Attribute) and call.func.attr in OF_COLUMNS:
            named |= set(texts(call))
    for tree in cells:
        lists = [node for node in ast.walk(tree) if isinstance(node, ast.List)]
        named |= {one.value for node in lists for one in node.elts if isinstance(one, ast.Constant)}
    assert named - known == set()
    assert {"started_at", "reasons", "order_quantity"} <= named
