"""The catalogue of free columns: one type for a name of a table, whichever source declares it."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import UsageError
from common.lake.free_columns import FreeColumn, FreeColumns
from common.lake.storage.folder import FolderStore

pytestmark = pytest.mark.unit


def test_a_second_source_adds_its_expression_and_another_type_is_refused(tmp_path: Path) -> None:
    columns = FreeColumns(FolderStore(tmp_path), "fraud.transactions")
    columns.declare("bank", {"score": {"type": "number", "expr": "punkte", "description": "points"}})
    columns.declare("branch", {"score": {"type": "number", "expr": "s / 10", "description": ""}})
    known = FreeColumn("score", "number", "points", {"bank": "punkte", "branch": "s / 10"})
    assert columns.all() == [known]
    with pytest.raises(UsageError) as caught:
        columns.check("other", {"score": {"type": "category", "expr": "s", "description": ""}})
    assert caught.value.code == "SRC-010"
    assert caught.value.message == (
        "Source other declares the free column 'score' as a category, but fraud.transactions has it as a number."
    )
    assert caught.value.cause == "It is declared by bank, branch."
    assert columns.all() == [known]
    # Names belong to a table.
    assert FreeColumns(FolderStore(tmp_path), "forecast.sales").all() == []
