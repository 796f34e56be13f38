"""LightGBM with regressors: it uses them, and the probe finds out a backtest that knows them too early."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.demand.periods import Periods
from jobs.forecast.trials.global_model import Boosting, global_backtest
from jobs.forecast.trials.origins import Origins
from jobs.forecast.trials.regressor_probe import probe_regressors

pytestmark = pytest.mark.unit

WEEKS = Periods("W")
STARTS = [date(2024, 1, 1) + timedelta(days=7 * n) for n in range(60)]
# Without a pattern in time: only who is informed can know.
PROMOTED = {name: np.random.default_rng(k).choice([0.0, 1.0], 60, p=[0.8, 0.2]) for k, name in enumerate("ABCD")}
PRICES = 2.0 + np.random.default_rng(9).integers(0, 3, 60)
KINDS: dict[str, Any] = {"promotion": "known_ahead", "price": "lagged"}
HOW = Boosting(WEEKS, 1, seed=0, regressors=KINDS)
TRIED = Origins.rolling(["lightgbm", "lightgbm_x"], STARTS[-1], WEEKS, horizon=4, windows=2, stride=None, season=1)


def demand() -> pd.DataFrame:
    """Ten units a week, thirty when there is a promotion."""
    parts = [
        pd.DataFrame({"unique_id": name, "ds": STARTS, "y": [10.0 + 20.0 * one for one in promoted]})
        for name, promoted in PROMOTED.items()
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(net=rows["y"], later_on=None, later_units=None)


def regressors_of(known_before: int = 70) -> pd.DataFrame:
    """Promotions announced some days before they begin, and prices that are known when their week is over."""
    rows = []
    for name, promoted in PROMOTED.items():
        for n, (start, one) in enumerate(zip(STARTS, promoted, strict=True)):
            day = days_since_epoch(start)
            rows.append((name, "promotion", pd.Timestamp(start), day - known_before, one))
            rows.append((name, "price", pd.Timestamp(start), day + 6, PRICES[n]))
    return pd.DataFrame(rows, columns=["unique_id", "name", "ds", "known", "value"])


def errors(found: pd.DataFrame, model: str) -> float:
    rows = found[(found["model"] == model) & (found["step"] > 0)]
    assert len(rows) == 32  # four series, two origins, four weeks
    return float(np.abs(rows["y"] - rows["y_hat"]).mean())


def test_a_promotion_that_is_known_ahead_is_forecast_and_one_that_is_not_cannot_be() -> None:
    announced = global_backtest(demand(), TRIED, HOW, regressors_of())
    assert errors(announced, "lightgbm_x") < 2.0 < 5.0 < errors(announced, "lightgbm")
    # Announced when it is over, it helps nobody.
    assert errors(global_backtest(demand(), TRIED, HOW, regressors_of(known_before=-7)), "lightgbm_x") > 5.0


def test_planted_prices_and_later_announcements_move_no_honest_forecast() -> None:
    found = probe_regressors(
        demand(), regressors_of(), TRIED, lambda rows, one, known: global_backtest(rows, one, HOW, known)
    )
    assert found[["model", "cutoff"]].to_numpy().tolist() == [["lightgbm_x", cutoff] for cutoff in TRIED.cutoffs]
    assert not found["saw_the_future"].any()
    assert found["saw_the_past"].all()


@pytest.mark.parametrize("name", ["promotion", "price"])
def test_a_backtest_that_knows_values_before_their_day_is_found_out(name: str) -> None:
    def leaking(rows: pd.DataFrame, one: Origins, known: pd.DataFrame) -> pd.DataFrame:
        early = known.assign(known=np.where(known["name"] == name, 0, known["known"]))
        kinds: dict[str, Any] = {name: "known_ahead"}
        return global_backtest(rows, one, Boosting(WEEKS, 1, seed=0, regressors=kinds), early)

    # Demand that follows the price of its own week, which nobody knows before.
    rows, regressors = demand(), regressors_of(known_before=-7)
    if name == "price":
        rows = rows.assign(y=[10.0 * price for price in PRICES] * 4)
    assert probe_regressors(rows, regressors, TRIED, leaking)["saw_the_future"].all()


def test_a_backtest_that_looks_at_no_regressor_is_called_blind() -> None:
    without = Boosting(WEEKS, 1, seed=0)
    found = probe_regressors(
        demand(), regressors_of(), TRIED, lambda rows, one, known: global_backtest(rows, one, without, known)
    )
    assert not found["saw_the_past"].any()
