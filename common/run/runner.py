"""One run from its flags to its exit code: settings, lease, body, counts, record, report."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from common.clock import monotonic_seconds, utc_now
from common.errors import LakejobsError
from common.job.references import attribute
from common.run.changed.runs import days_noted
from common.run.console.log import ROOT, PersonalFields, add_personal_columns, logging_to_stderr
from common.run.console.metrics import print_brief_metrics, print_metrics
from common.run.console.progress import showing_progress
from common.run.console.summary import print_refusal, print_summary
from common.run.context import RunContext, Services
from common.run.failures import Failure, explain
from common.run.flags import Flags
from common.run.lineage.emit import Lineage
from common.run.publish import body_of
from common.run.record.build import running_build
from common.run.record.index import keep_index
from common.run.record.keep import earlier_attempts, keep_record, keep_report, put_in_outbox
from common.run.record.record import Record, ended_record, new_run_id, record_path, started_record
from common.run.signals import stoppable, undisturbed
from common.run.start import check_free_columns, check_start
from common.spark.input_size import planned_by_size
from common.spark.jobs import cancel_jobs
from common.spark.resources import Meter

if TYPE_CHECKING:
    from common.job.declaration import Job
from common.run.settings import settings_of

_STOP_CODES = (130, 143)


class Run:
    """One attempt at a job."""

    def __init__(self, job: Job, flags: Flags, services: Services) -> None:
        self._job = job
        self._flags = flags
        self._services = services
        self._metrics = "auto"

    def execute(self) -> int:
        """Do it; the exit code. Never raises."""
        with stoppable():
            try:
                context = self._context()
                run = {"job": context.job.name, "run_id": context.run_id, "attempt": context.attempt}
                with logging_to_stderr(run, debug=self._flags.debug) as personal:
                    return self._attempt(context, personal)
            except BaseException as error:  # whatever it is, it becomes an exit code with a sentence.
                return self._refused(explain(error))

    def _refused(self, failure: Failure) -> int:
        """Say why there is no run. It counts as one that failed: nobody would miss it otherwise."""
        as_json = self._flags.output == "json"
        if not as_json:
            print_brief_metrics(self._job.name, self._flags.env, self._metrics, failure)
        return print_refusal(self._job, failure, as_json=as_json)

    def _context(self) -> RunContext:
        flags, job = self._flags, self._job
        resolved = settings_of(job, flags, self._services)
        self._metrics = resolved.lake.metrics
        started = utc_now()
        context = RunContext(
            job=job,
            resolved=resolved,
            run_id=flags.run_id or new_run_id(job, resolved, flags.days, flags.input, started),
            attempt=flags.attempt or 1,
            started_at=started,
            day_range=flags.days,
            input_path=flags.input,
            source_name=flags.source,
            is_changed=flags.changed,
            code_version=running_build().label,
            log=logging.getLogger(f"{ROOT}.{job.name}"),
            services=self._services,
        )
        _ = context.source  # a source that cannot be read is refused before anything is started
        if flags.run_id and flags.attempt is None:
            with suppress(*_passed_over(job)):
                context.attempt = 1 + earlier_attempts(context.objects, record_path(job, context.run_id))
        return context

    def _attempt(self, context: RunContext, personal: PersonalFields) -> int:
        begun, meter = monotonic_seconds(), Meter.begin(context.started_at)
        context.log.info("started", extra=_started_fields(context))
        lineage = Lineage(context)
        failure = self._work(context, personal, lineage)
        with undisturbed():
            ended, seconds = utc_now(), monotonic_seconds() - begun
            # Who stops a run does not wait for its JVM.
            is_stopped = failure is not None and failure.exit_code in _STOP_CODES
            resources = None if is_stopped else meter.read(context.opened("spark"), ended)
            record = {**ended_record(context, failure, ended, seconds), "resources": resources}
            self._keep(context, record)
            lineage.end(record)
            print_summary(record, as_json=self._flags.output == "json")
            if self._flags.output != "json":
                print_metrics(record, context.settings.metrics)
        return int(record["exit_code"])

    def _work(self, context: RunContext, personal: PersonalFields, lineage: Lineage) -> Failure | None:
        try:
            with suppress(*_passed_over(context.job)):
                keep_record(context, started_record(context))
            lineage.begin()
            check_start(context.job, context.settings, context.env, context.source)
            check_free_columns(context.job, context.source, context.objects)
            body = body_of(context.job)
            tables = context.tables([*(one.table for one in context.job.inputs), *context.job.writes])
            add_personal_columns(personal, (column for table in tables for column in table.personal_columns))
            with showing_progress(context):
                _leased(context, body)
        except BaseException as error:  # signals too: each end of a run is recorded.
            failure = explain(error)
            context.log.error("failed", extra=_failure_fields(failure))
            return failure
        return None

    def _keep(self, context: RunContext, record: Record) -> None:
        """Write down how the run ended. Nothing in here hides why the body failed."""
        stopped = record["exit_code"] in _STOP_CODES
        if context.opened("report") is not None and not stopped:
            _attempted(context, record, "report not kept", lambda: keep_report(context, record))
        try:
            keep_record(context, record)
        except LakejobsError as error:
            failure = explain(error)
            context.log.error("run record could not be written", extra=_failure_fields(failure))
            if record["error"] is None:
                record.update(status="failed", exit_code=failure.exit_code, error=failure.as_dict(), next_command="")
        _attempted(context, record, "row of ops.runs not kept", lambda: put_in_outbox(context, record))
        if not stopped:
            _attempted(context, record, "index of runs not kept", lambda: keep_index(context.objects, record))


def _passed_over(job: Job) -> tuple[type[LakejobsError], ...]:
    """What of a record does not stop a run: nothing, but for a job that is to find out whether one can be kept."""
    return (LakejobsError,) if job.examines else ()


def _leased(context: RunContext, body: Callable[[RunContext], None]) -> None:
    """The body and its balance, under the lease of the first table that it writes."""
    writes = context.job.writes
    with context.lake.lease(attribute(writes[0])) if writes else nullcontext():
        try:
            with days_noted(context):
                with planned_by_size():
                    body(context)
                context.counts.check()
        except BaseException:
            # Before the lease is given back: no task of this run may write any more.
            cancel_jobs(context.opened("spark"))
            raise


def _attempted(context: RunContext, record: Record, what: str, keep: Callable[[], None]) -> None:
    try:
        keep()
    except Exception as error:  # a by-product never turns a run into a failure; the warning is recorded.
        failure = explain(error)
        why = " ".join(text for text in (failure.message, failure.cause) if text)
        record["warnings"].append(f"{what}: {failure.code} {why}")
        context.log.warning(what, extra=_failure_fields(failure))


def _failure_fields(failure: Failure) -> dict[str, str]:
    """What a log line says of a failure; the stack is printed with --debug only."""
    return {"code": failure.code, "error": failure.message, "cause": failure.cause, "stack": failure.stack}


def _started_fields(context: RunContext) -> dict[str, object]:
    fields: dict[str, object] = {"job": context.job.name, "run_id": context.run_id, "env": context.env}
    if context.day_range is not None:
        fields["days"] = str(context.day_range)
    return {**fields, "lake": context.settings.root}
