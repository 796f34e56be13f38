"""What a person learns when the proof of the features finds a leak."""

from __future__ import annotations

import pytest

from common.errors import ContractError
from jobs.fraud.velocity.check import refuse_leaks

pytestmark = pytest.mark.unit


def test_a_leak_names_the_features_and_no_value_of_a_row() -> None:
    with pytest.raises(ContractError) as raised:
        refuse_leaks([["terminal_risk_7d", "customer_count_1d"], [], ["terminal_risk_7d"]])
    assert raised.value.code == "FRD-010"
    assert raised.value.cause == "Of 3 rows computed again: terminal_risk_7d in 2 rows; customer_count_1d in 1 row."


def test_rows_without_a_leak_pass() -> None:
    refuse_leaks([[], []])
