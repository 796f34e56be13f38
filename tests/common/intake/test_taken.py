"""What a run says it took in."""

from __future__ import annotations

import pytest

from common.intake.fates import NEW, REJECTED
from common.intake.feed import Taken

pytestmark = pytest.mark.unit


def test_batches_add_up_and_the_days_are_those_of_all_new_rows() -> None:
    taken = Taken()
    taken.add({REJECTED: 1}, [])
    assert (taken.first_day, taken.last_day) == ("", "")
    taken.add({NEW: 2}, ["2026-03-02", "2026-03-04"])
    taken.add({NEW: 1, REJECTED: 2}, ["2026-03-01", "2026-03-01"])
    assert taken.fates == {NEW: 3, REJECTED: 3}
    assert (taken.first_day, taken.last_day) == ("2026-03-01", "2026-03-04")
