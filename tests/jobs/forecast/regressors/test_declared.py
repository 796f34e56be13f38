"""What may be declared of regressors, and which days are public holidays."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from jobs.forecast.demand.periods import Periods
from jobs.forecast.regressors.declared import Declared
from jobs.forecast.regressors.public_holidays import holidays_of_periods, public_holidays
from jobs.forecast.trials.params import DEFAULT_MODELS, BacktestParams

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"regressors": {"views": "known_ahead"}}, "nobody knows views ahead of time"),
        ({"regressors": {"stock": "known_ahead"}}, "nobody knows stock ahead of time"),
        ({"regressors": {"holidays": "known_ahead"}}, "declared by holidays_of"),
        ({"regressors": {"2nd price": "lagged"}}, "the name of a regressor is a letter"),
        ({"regressors": {"price": "leading"}}, "lagged"),
        ({"holidays_of": "Atlantis"}, "holidays_of is a country"),
        ({"holidays_of": "GB-BAY"}, "holidays_of is a country"),
        ({"holidays_of": {"France": "FR", "Mu": "Atlantis"}}, "holidays_of is a country.*not Atlantis"),
        ({"holidays_of": {}}, "names one for each value"),
        ({"models": ["lightgbm_x"]}, "need regressors"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(given: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        BacktestParams.model_validate(given)


def test_with_regressors_lightgbm_is_tried_with_and_without_them() -> None:
    params = BacktestParams(regressors={"price": "lagged"}, models=("ets", "lightgbm"))
    assert params.tried == ("ets", "lightgbm", "lightgbm_x")
    assert BacktestParams().tried == DEFAULT_MODELS


def test_a_declaration_comes_back_from_the_backtest_as_it_went() -> None:
    declared = Declared({"price": "lagged", "event": "known_ahead"}, "GB-SCT")
    assert Declared.of_map(declared.as_map()) == declared
    assert declared.as_map() == {"price": "lagged", "event": "known_ahead", "holidays": "GB-SCT"}
    assert Declared.of_map(None) == Declared()
    by_place = Declared({}, {"Überall": "DE", "EIRE": "IE"}, "store")
    assert Declared.of_map(by_place.as_map()) == by_place
    assert BacktestParams(holidays_of={"EIRE": "IE"}).declared.holidays_by == "country"


def test_the_weeks_of_easter_and_christmas_have_their_holidays() -> None:
    weeks = [date(2026, 3, 30), date(2026, 4, 6), date(2026, 4, 13), date(2026, 12, 21)]
    # Good Friday 3 April; Easter Monday 6 April in England, not in Scotland; Christmas and (observed) Boxing Day.
    assert [count for _, count in holidays_of_periods("GB-ENG", weeks, Periods("W"))] == [1.0, 1.0, 0.0, 2.0]
    assert [count for _, count in holidays_of_periods("GB-SCT", weeks[:3], Periods("W"))] == [1.0, 0.0, 0.0]
    assert holidays_of_periods("GB", [date(2026, 12, 25)], Periods("D")) == [(date(2026, 12, 25), 1.0)]


def test_a_holiday_that_was_proclaimed_for_one_year_is_left_to_the_calendar() -> None:
    found = public_holidays("GB", [2022])
    assert date(2022, 9, 19) not in found  # the state funeral, known from 10 September on
    assert date(2022, 6, 2) in found
