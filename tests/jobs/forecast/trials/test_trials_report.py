"""What the page of a backtest says of models that could not forecast."""

from __future__ import annotations

import pytest

from jobs.forecast.trials.report import why_words

pytestmark = pytest.mark.unit


def test_reasons_that_differ_in_the_numbers_of_a_series_are_one() -> None:
    few = {why_words("stl_theta", f"only {n} before the origin") for n in ("0 periods", "1 period", "3 periods")}
    assert few == {"too few periods before the origin"}
    assert {why_words("ets", f"ets needs 6 periods, {n} are there") for n in (4, 5)} == {"needs 6 periods"}
    assert why_words("theta", "theta failed (ValueError)") == "theta failed (ValueError)"
