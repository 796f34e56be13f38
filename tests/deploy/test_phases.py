"""How the demo runs its jobs: in the order of what they need, a few at once, and no further after a failure."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from deploy.laptop.demo import PHASES
from deploy.laptop.phases import Phase, PhaseFailedError, PhaseResult, Watch, run_phases

pytestmark = pytest.mark.unit


class _Notes(Watch):
    """Keeps what happened, in its order, and how many ran at once."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.said: dict[str, str] = {}
        self.most_at_once = 0

    def started(self, phase: Phase, at_s: float) -> None:
        self.happened.append(f"{phase.job} starts")

    def ended(self, result: PhaseResult, said: str) -> None:
        self.happened.append(f"{result.job} ends")
        self.said[result.job] = said

    def running(self, jobs: Sequence[str], at_s: float) -> None:
        self.most_at_once = max(self.most_at_once, len(jobs))


def _command(phase: Phase) -> list[str]:
    return ["sh", "-c", phase.arguments[0] if phase.arguments else "true"]


def test_a_phase_waits_for_the_former_one_of_its_family_and_for_those_it_names(tmp_path: Path) -> None:
    phases = [Phase("a.one"), Phase("a.two", after=("b.one",)), Phase("b.one", ("sleep 0.6",)), Phase("c.one")]
    notes = _Notes()
    run_phases(phases, _command, logs=tmp_path, at_once=2, watch=notes)
    order = notes.happened
    assert order[:2] == ["a.one starts", "b.one starts"]
    assert order.index("a.two starts") > max(order.index("a.one ends"), order.index("b.one ends"))
    assert sorted(order) == sorted(f"{one.job} {what}" for one in phases for what in ("starts", "ends"))


@pytest.mark.parametrize("at_once", [1, 2])
def test_no_more_run_side_by_side_than_allowed(tmp_path: Path, at_once: int) -> None:
    notes = _Notes()
    phases = [Phase(f"{family}.one", ("sleep 0.5",)) for family in "abc"]
    run_phases(phases, _command, logs=tmp_path, at_once=at_once, watch=notes)
    assert notes.most_at_once == at_once


def test_a_phase_left_out_is_not_waited_for(tmp_path: Path) -> None:
    results = run_phases([Phase("a.two", after=("b.one",))], _command, logs=tmp_path, at_once=2)
    assert [one.job for one in results.phases] == ["a.two"]


def test_phases_that_wait_for_one_another_are_refused(tmp_path: Path) -> None:
    phases = [Phase("a.one", after=("b.one",)), Phase("b.one", after=("a.one",))]
    with pytest.raises(ValueError, match=r"wait for one another: a\.one, b\.one"):
        run_phases(phases, _command, logs=tmp_path, at_once=2)


def test_a_failure_stops_what_runs_beside_it_and_tells_its_last_words(tmp_path: Path) -> None:
    phases = [Phase("a.one", ("echo no such column >&2; sleep 0.3; exit 3",)), Phase("a.two"), Phase("b.one", ("",))]
    notes = _Notes()

    def command(phase: Phase) -> list[str]:
        return ["sleep", "60"] if phase.job == "b.one" else _command(phase)

    with pytest.raises(PhaseFailedError) as failed:
        run_phases(phases, command, logs=tmp_path, at_once=2, watch=notes)
    assert (failed.value.result.job, failed.value.result.exit_code) == ("a.one", 3)
    assert failed.value.last_words == "no such column"
    assert notes.happened == ["a.one starts", "b.one starts"]
    assert not [one for one in psutil.Process().children() if one.name() == "sleep"]


def test_what_a_phase_says_is_shown_at_its_end_and_kept_beside_its_log(tmp_path: Path) -> None:
    notes = _Notes()
    run_phases([Phase("a.one", ("echo 3 rows; echo working >&2",))], _command, logs=tmp_path, at_once=2, watch=notes)
    assert notes.said == {"a.one": "3 rows\n"}
    assert (tmp_path / "a.one.log").read_text(encoding="utf-8") == "working\n"


def test_memory_is_that_of_the_whole_process_tree_and_of_all_phases_at_once(tmp_path: Path) -> None:
    # Two processes of 60 MB each, one of them the child of the other; the bytes are written, so they are resident.
    hold = f"{sys.executable} -c 'import time; held = bytearray(b\"x\") * 60_000_000; time.sleep(4)'"
    phases = [Phase("a.one", (f"{hold} & {hold}; wait",)), Phase("b.one", (hold,))]
    results = run_phases(phases, _command, logs=tmp_path, at_once=2)
    peak_mb = {one.job: one.peak_memory_mb for one in results.phases}
    assert peak_mb["a.one"] >= 114
    assert 57 <= peak_mb["b.one"] < 114
    assert results.peak_memory_mb >= 171


def test_demand_is_made_after_the_labels_of_fraud_whatever_runs_first() -> None:
    (history,) = [phase for phase in PHASES if phase.job == "forecast.history"]
    assert "fraud.ingest_labels" in history.after
