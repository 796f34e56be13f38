from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.errors import ContractError
from jobs.fraud.training.moments import moment_of_card, ripe_at

pytestmark = pytest.mark.unit


def test_labels_are_ripe_when_the_delay_after_the_last_training_day_has_passed() -> None:
    assert ripe_at(date(2018, 7, 31), label_delay_days=7) == datetime(2018, 8, 8, tzinfo=UTC)


def test_a_card_that_does_not_say_when_its_labels_were_known_means_the_end_of_its_label_delay() -> None:
    old = {"train_last_day": "2018-07-31", "label_delay_days": 7}
    assert moment_of_card(old) == datetime(2018, 8, 8, tzinfo=UTC)
    assert moment_of_card({**old, "labels_known_by": "2018-08-03T06:00:00+00:00"}) == datetime(
        2018, 8, 3, 6, tzinfo=UTC
    )


@pytest.mark.parametrize("broken", [{}, {"labels_known_by": "soon"}, {"train_last_day": "2018-07-31"}])
def test_a_card_that_tells_no_moment_at_all_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ContractError) as raised:
        moment_of_card({"version": "v1", **broken})
    assert raised.value.code == "FRD-024"
