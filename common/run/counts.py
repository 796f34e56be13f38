"""What became of each row that a run has read."""

from __future__ import annotations

from common.errors import JobFailedError

NAMES = ("rows_read", "rows_written", "rows_quarantined", "rows_deduplicated", "rows_filtered")


class Counts:
    """Row counts of one run: ``rows_read`` is the sum of the other four, and named details say more.

    Written, quarantined, deduplicated (an equal or newer row stays) and filtered (left out on purpose, e.g. outside of
    the days) rows must add up; the runner asserts it with ``check``.
    """

    def __init__(self) -> None:
        self.rows_read = 0
        self.rows_written = 0
        self.rows_quarantined = 0
        self.rows_deduplicated = 0
        self.rows_filtered = 0
        self.details: dict[str, int | float] = {}

    def add(self, **rows: int) -> None:
        """Add to the named counts, e.g. ``add(rows_read=10, rows_written=10)``. Raises ValueError for other names."""
        for name, number in rows.items():
            if name not in NAMES:
                raise ValueError(f"'{name}' is not one of {', '.join(NAMES)}")
            setattr(self, name, getattr(self, name) + int(number))

    def detail(self, name: str, number: int | float) -> None:
        """Record a named number outside the identity, e.g. ``detail("sessions", 12)``; the last one wins."""
        self.details[name] = number

    def as_dict(self) -> dict[str, int]:
        """The five counts by name."""
        return {name: getattr(self, name) for name in NAMES}

    def check(self) -> None:
        """Raise JobFailedError RUN-001 unless every row read is accounted for."""
        accounted = sum(getattr(self, name) for name in NAMES[1:])
        if self.rows_read != accounted:
            parts = " + ".join(f"{getattr(self, name)} {name.removeprefix('rows_')}" for name in NAMES[1:])
            raise JobFailedError(
                "RUN-001",
                f"Of {self.rows_read} rows read, {accounted} are accounted for.",
                cause=f"{parts} = {accounted}.",
                remedy="This is a defect of the job, not of its input: report it with the run record.",
            )
