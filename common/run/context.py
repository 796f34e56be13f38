"""What a body gets: the run's days, parameters, session, lake, counts and report, each made on first use."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from common import faults
from common.errors import UsageError
from common.run.counts import Counts
from common.run.named_source import source_of
from common.run.signals import take_back_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import SparkSession

    from common.config.lake_settings import LakeSettings
    from common.config.params import Params
    from common.config.resolve import Resolved
    from common.days import DayRange
    from common.job.declaration import Job
    from common.lake.lake import Lake
    from common.lake.storage.objects import ObjectStore
    from common.lake.table import Table
    from common.quality.audit import AuditResult
    from common.report.builder import ReportBuilder
    from common.run.findings import Finding
    from common.sources.mapping.model import Source
from common.job.references import attribute

_Params = TypeVar("_Params", bound="Params")


def _open_session(settings: LakeSettings, app_name: str) -> SparkSession:
    from common.spark.session import open_session

    return open_session(settings, app_name=app_name)


def _open_lake(context: RunContext) -> Lake:
    from common.lake.declared import Declared
    from common.lake.lake import Lake

    job = context.job
    declared = None
    if not job.maintains_all:
        reads = context.tables([one.table for one in job.inputs])
        declared = Declared.of(job.name, reads, context.tables(job.writes))
    return Lake(
        context.spark,
        context.settings,
        run_id=context.run_id,
        job=job.name,
        code_version=context.code_version,
        started_at=context.started_at,
        declared=declared,
    )


def _object_store(root: str, settings: LakeSettings) -> ObjectStore:
    from common.lake.storage.open import object_store

    return object_store(root, settings)


def _load_source(name: str) -> Source:
    from common.sources.mapping.model import Source

    return Source.load(name)


def _report(title: str) -> ReportBuilder:
    from common.report.builder import ReportBuilder

    return ReportBuilder(title)


@dataclass(frozen=True)
class Services:
    """The makers of what is dear to make, imported when first asked for; tests hand in their own."""

    session: Callable[[LakeSettings, str], SparkSession] = _open_session
    lake: Callable[[RunContext], Lake] = _open_lake
    objects: Callable[[str, LakeSettings], ObjectStore] = _object_store
    source: Callable[[str], Source] = _load_source
    report: Callable[[str], ReportBuilder] = _report


@dataclass
class RunContext:
    """One run, as its body sees it.

    ``started_at`` (UTC) is the only clock that a body may use. ``attempt`` counts from 1. ``input_path`` and
    ``source_name`` are given to ingest jobs. Audits put into ``audits`` are kept in the run record. ``is_changed``: the
    days were found by ``--changed``, among them days whose rows may all be gone. ``outcome`` says in words what became
    of a run that had nothing to do, ``warnings`` what somebody should look at (see ``warn``).
    ``findings`` are those of a job that examines the place where it runs.
    """

    job: Job
    resolved: Resolved
    run_id: str
    attempt: int
    started_at: datetime
    day_range: DayRange | None
    input_path: str | None
    source_name: str | None
    code_version: str
    log: logging.Logger
    services: Services = field(default_factory=Services)
    counts: Counts = field(default_factory=Counts)
    audits: list[AuditResult] = field(default_factory=list)
    is_changed: bool = False
    outcome: str = ""
    warnings: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def env(self) -> str:
        """The environment: ``local``, ``dev``, ``prod`` or another section of conf/lake.yaml."""
        return self.resolved.env

    @property
    def params(self) -> Params:
        """The job's parameters, of the job's own type."""
        return self.resolved.params

    def params_as(self, kind: type[_Params]) -> _Params:
        """The parameters, known to be of ``kind`` to a type checker. Raises TypeError when they are not."""
        if not isinstance(self.params, kind):
            raise TypeError(f"{self.job.name} has {type(self.params).__name__}, not {kind.__name__}")
        return self.params

    @property
    def settings(self) -> LakeSettings:
        """What all jobs share."""
        return self.resolved.lake

    @property
    def days(self) -> DayRange:
        """The days that the run owns. Raises UsageError CLI-005 for a job without days."""
        if self.day_range is None:
            raise UsageError("CLI-005", f"{self.job.name} has no days.", remedy="Add --day, or --from and --to.")
        return self.day_range

    @cached_property
    def source(self) -> Source | None:
        """The mapping of the raw files, None when no --source was given."""
        if self.source_name is None:
            return None
        return source_of(self.source_name, self.settings, self.services.source, self.services.objects)

    @cached_property
    def spark(self) -> SparkSession:
        """The session, opened on first use."""
        session = self.services.session(self.settings, f"{self.job.name} {self.run_id}")
        take_back_interrupt()
        return session

    @cached_property
    def lake(self) -> Lake:
        """The lake, with this run's name on every commit; opened on first use."""
        return self.services.lake(self)

    @cached_property
    def objects(self) -> ObjectStore:
        """Plain objects below the lake root; needs no session."""
        return self.services.objects(self.settings.root, self.settings)

    @cached_property
    def report(self) -> ReportBuilder:
        """The report of the run; stored only when the body has used it."""
        return self.services.report(f"{self.job.name} {self.day_range or ''}".strip())

    def opened(self, name: str) -> Any:
        """``spark``, ``lake`` or ``report`` if it was used already, otherwise None; opens nothing."""
        return self.__dict__.get(name)

    def tables(self, references: Sequence[str]) -> list[Table]:
        """The declarations that ``module:attribute`` references name."""
        return [attribute(reference) for reference in references]

    def warn(self, words: str) -> None:
        """Say at the end of the run, in its record and in the log what somebody should look at; no values of rows."""
        self.warnings.append(words)
        self.log.warning("%s", words)

    def fault(self, point: str) -> None:
        """A named point at which a test may kill, pause or break the run (see common.faults)."""
        faults.fault(point)
