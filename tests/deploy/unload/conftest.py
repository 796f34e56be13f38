"""Small tables made without Spark, and the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from deploy.cli import main

ANN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Transactions of two days, by day, two of them with pseudonyms and one with a name."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows = pa.table(
        {
            "transaction_id": pa.array(["t1", "t2", "t3"]),
            "tx_datetime": pa.array([noon, noon.replace(microsecond=500_000), None], pa.timestamp("us", "UTC")),
            "tx_day": [date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 2)],
            "customer_id": [ANN, "ann@example.org", None],
            "tx_amount": pa.array([Decimal("10.5000"), Decimal("-2.0000"), None], pa.decimal128(18, 4)),
            "tags": pa.array([["a", "b", "a"], [], None], pa.list_(pa.string())),
            "pseudonym_key_id": ["k1"] * 3,
        }
    )
    root = tmp_path / "lake"
    write_deltalake(str(root / "silver/fraud/transactions"), rows, partition_by=["tx_day"])
    return root


@pytest.fixture
def unload(lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs ``lakejobs unload`` into ``out``: what it says as JSON, or exit code and standard error."""

    def run(to: str, *more: str, table: str = "fraud.transactions", output: str = "out") -> Any:
        words = ["unload", table, "--to", to, "--output", str(tmp_path / output), "--lake", str(lake)]
        code = main([*words, "-o", "json", *more])
        printed = capsys.readouterr()
        return json.loads(printed.out) if code == 0 else (code, printed.err)

    return run
