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
        {"column": column, "transaction_id": "tx-4711", "stored": 0.125, "recomputed": 0.375}
        for column in ("terminal_risk_7d", "customer_count_1d", "terminal_risk_7d")
    ]
    found = SimpleNamespace(limit=lambda number: SimpleNamespace(collect=lambda: leaks))
    monkeypatch.setattr(features_body, "sample_of", lambda features, **_: features)
    monkeypatch.setattr(features_body, "leaking_rows", lambda *_, **__: found)
    context: Any = SimpleNamespace(counts=SimpleNamespace(detail=lambda *_: None))
    rows: Any = None
    with pytest.raises(ContractError) as raised:
        features_body._prove(context, FeaturesParams(), rows, rows, rows)
    assert (raised.value.code, raised.value.cause) == ("FRD-010", "Found in customer_count_1d, terminal_risk_7d.")
