"""What a person learns when the proof of the features finds a leak."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from common.errors import ContractError
from jobs.fraud.velocity import body as features_body
from jobs.fraud.velocity.params import FeaturesParams

pytestmark = pytest.mark.unit


def test_a_leak_names_the_features_and_no_value_of_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    leaks = [
        [{"column": column, "stored": 0.125, "recomputed": 0.375} for column in columns]
        for columns in (["terminal_risk_7d"], ["terminal_risk_7d", "customer_count_1d"], [])
    ]
    rows_compared = [{"transaction_id": "tx-4711", "leaks": found} for found in leaks]
    compared = SimpleNamespace(select=lambda _: SimpleNamespace(collect=lambda: rows_compared))
    monkeypatch.setattr(features_body, "sample_of", lambda features, **_: features)
    monkeypatch.setattr(features_body, "compared_rows", lambda *_, **__: compared)
    context: Any = SimpleNamespace(counts=SimpleNamespace(detail=lambda *_: None))
    rows: Any = None
    with pytest.raises(ContractError) as raised:
        features_body._prove(context, FeaturesParams(), rows, rows, rows)
    assert raised.value.code == "FRD-010"
    assert raised.value.cause == "Of 3 rows computed again: terminal_risk_7d in 2 rows; customer_count_1d in 1 row."
