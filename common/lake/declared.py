"""The tables that a job may touch: those that it declares, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from common.errors import JobFailedError
from common.lake.set_aside import quarantine_table
from common.lake.table import Table


@dataclass(frozen=True)
class Declared:
    """The names of the tables that ``job`` reads and writes.

    From these follow its own quarantine (``aside``), and the ``ops`` tables, which every run fills.
    """

    job: str
    reads: frozenset[str]
    writes: frozenset[str]
    aside: frozenset[str]

    @classmethod
    def of(cls, job: str, reads: Iterable[Table], writes: Iterable[Table]) -> Declared:
        """What ``job``, a name such as ``fraud.ingest``, may touch."""
        names = frozenset(table.name for table in reads), frozenset(table.name for table in writes)
        return cls(job, *names, frozenset({quarantine_table(job.partition(".")[0], job).name}))

    def check_read(self, table: Table) -> None:
        """Raises JobFailedError LAK-013 unless the job declares that it reads ``table``."""
        self._check(table, "reads", self.reads)

    def check_write(self, table: Table) -> None:
        """Raises JobFailedError LAK-013 unless the job declares that it writes ``table``."""
        self._check(table, "writes", self.writes)

    def _check(self, table: Table, field: str, names: frozenset[str]) -> None:
        if table.name in names or table.name in self.aside or table.family == "ops":
            return
        raise JobFailedError(
            "LAK-013",
            f"{self.job} does not declare {table.name} in its {field}.",
            cause=f"Declared: {', '.join(sorted(names)) or 'none'}.",
            remedy=f"Add the table to {field} in the declaration of the job. The table was not touched.",
        )
