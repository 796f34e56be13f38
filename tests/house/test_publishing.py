"""What is published was audited: by whom audited rows are made, and which tables have a suite."""

from __future__ import annotations

import ast
import importlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.lake.audited import AUDITED_LAYERS
from common.lake.table import Table
from common.quality.expectations import Suite

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).resolve().parents[2]


def modules(*packages: str) -> Iterator[Path]:
    patterns = [f"{package}/**/*.py" for package in packages] + [f"{package}/*.py" for package in packages]
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.splitlines()
    yield from (REPOSITORY / name for name in sorted(set(listed)) if (REPOSITORY / name).is_file())


def called(path: Path) -> set[str]:
    """The last names of all that a module calls: ``AuditedRows`` of ``lake.AuditedRows(...)``."""
    calls = (node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    return {ast.unparse(function).rpartition(".")[2] for function in calls}


def declared_tables() -> dict[str, Table]:
    """Every table that a module of jobs declares and owns, by name."""
    found = {}
    for path in modules("jobs"):
        if "Table" not in called(path):
            continue
        module = importlib.import_module(".".join(path.relative_to(REPOSITORY).with_suffix("").parts))
        tables = [value for value in vars(module).values() if isinstance(value, Table) and value.is_owned]
        found.update({table.name: table for table in tables})
    return found


def test_only_the_gate_makes_audited_rows() -> None:
    makers = [path for path in modules("common", "jobs", "deploy") if "AuditedRows" in called(path)]
    assert [str(path.relative_to(REPOSITORY)) for path in makers] == ["common/run/gate.py"]


def test_every_owned_table_of_silver_and_gold_has_a_suite_of_its_own_whose_columns_it_has() -> None:
    tables = {name: table for name, table in declared_tables().items() if table.layer in AUDITED_LAYERS}
    assert {"fraud.labels", "fraud.models", "forecast.series", "clickstream.events"} <= set(tables)
    assert [table.name for table in tables.values() if table.suite != table.name] == []
    for table in tables.values():
        suite = Suite.load(str(table.suite))
        assert suite.table == table.name
        assert [one for one in suite.expectations if one.severity == "error"], table.name
        asked = {
            name
            for one in suite.expectations
            for key, value in one.kwargs.items()
            if key.startswith("column")
            for name in ([value] if isinstance(value, str) else value)
        }
        assert sorted(asked - set(table.schema.names)) == [], table.name
