"""What a run would refuse before it reads anything: asked before Spark starts, by ``--plan`` and ``lakejobs plan``."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from common.job.references import attribute

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings
    from common.job.declaration import Job
    from common.lake.storage.objects import ObjectStore
    from common.lake.table import Table
    from common.sources.mapping.model import Source


def check_start(job: Job, settings: LakeSettings, env: str, source: Source | None) -> None:
    """Raises UsageError SRC-005 and ING-003 for a source of another feed, PRV-001 when a pseudonym key is missing."""
    if source is not None and job.target:
        from common.sources.mapping.fit import check_fit

        check_fit(source, attribute(job.target).names, attribute(job.required))
    if job.needs_key and settings.pseudonym_key is None:
        # Dear to import, and mostly not needed here.
        from common.run.pseudonym_key import check_key

        check_key(settings, env)


def check_free_columns(job: Job, source: Source | None, objects: ObjectStore) -> None:
    """Raises UsageError SRC-010 when a free column of the source has another type in the lake of ``objects``."""
    if source is not None and source.extra and job.target:
        from common.lake.free_columns import FreeColumns

        silver: Table = attribute(job.writes[0])
        FreeColumns(objects, silver.name).check(source.name, source.model_dump()["extra"])


def check_input(location: str, settings: LakeSettings, source: Source | None) -> None:
    """Whether there are files, and whether they have the columns that the source names, as far as their headers tell.

    Raises InputMissingError SRC-007, UsageError SRC-004 and SRC-006, as the run would after it has started.
    """
    from common.sources.files.locations import each_file, find_files

    ignored = () if source is None else source.ignore_files
    if not list(islice(each_file(location, settings, ignored), 1)):
        find_files(location, settings, ignored)
    if source is None:
        return
    from common.sources.files.raw_columns import raw_columns
    from common.sources.mapping.fit import check_names

    raw = raw_columns(source, each_file(location, settings, ignored), settings)
    if raw is not None:
        check_names(source, raw)
