"""What the suite declares of a table that lies in a lake: who writes it and which of its columns are personal."""

from __future__ import annotations

from dataclasses import dataclass

from common.job.catalogue import families, job_names, load_job
from common.job.references import attribute
from common.lake.set_aside import quarantine_table
from common.lake.table import Table
from common.privacy.pseudonyms import KEY_ID_COLUMN


@dataclass(frozen=True)
class Contract:
    """A table by its declaration; ``writer`` is empty where no job of the suite writes it."""

    table: Table
    writer: str

    @property
    def personal(self) -> frozenset[str]:
        """The columns that may hold personal data."""
        return frozenset(self.table.personal_columns)

    @property
    def has_pseudonyms(self) -> bool:
        """Whether persons stand in it as pseudonyms, whose key it names."""
        return KEY_ID_COLUMN in self.table.schema.names


def contracts() -> dict[str, Contract]:
    """Table name -> contract, for every table that a job reads or writes, quarantines included."""
    found: dict[str, Contract] = {}
    for family in families():
        for name in job_names(family):
            job = load_job(family, name)
            for one in job.inputs:
                table = attribute(one.table)
                found.setdefault(table.name, Contract(table, ""))
            for written in job.writes:
                table = attribute(written)
                found[table.name] = Contract(table, job.name)
            quarantine = quarantine_table(family, job.name)
            found[quarantine.name] = Contract(quarantine, job.name)
    return found
