"""Run events of OpenLineage (spec 2-0-2): one when a run starts, one when it has ended."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from common.clock import utc_text
from common.lake.set_aside import quarantine_table
from common.run.lineage.datasets import SPEC, Dataset, Facet, Facets, named

if TYPE_CHECKING:
    from common.lake.table import Table
    from common.run.context import RunContext

Event = dict[str, Any]

SCHEMA_URL = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_EVENT_TYPES = {"done": "COMPLETE", "failed": "FAIL", "stopped": "ABORT"}


def run_uuid(root: str, job: str, run_id: str, attempt: int) -> str:
    """The id of an attempt as a UUID: the same for all of its events, and computed by anyone who knows the attempt."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{root.rstrip('/')}/runs/{job}/{run_id}/{attempt}"))


def start_event(context: RunContext) -> Event:
    """START: the tables that the declaration reads and writes, and the raw files of an ingest.

    Optional inputs are left out, since they may not be there.
    """
    maker = _Maker(context)
    inputs = [maker.table(table) for table, optional in _reads(context) if not optional]
    outputs = [maker.table(table) for table in context.tables(context.job.writes)]
    started = utc_text(context.started_at)
    return maker.event("START", started, maker.run_facets(), [*maker.files(), *inputs], outputs)


def end_event(context: RunContext, record: Mapping[str, Any]) -> Event:
    """COMPLETE, FAIL or ABORT: what was read and written, at which versions, with the rows of each output.

    When a run is done, the rows of an input are known: of the files of an ingest, and of the first input of a step
    whose rows are balanced.
    """
    maker = _Maker(context)
    read = [maker.table(table, record["inputs"].get(table.name)) for table, _ in _reads(context)]
    inputs = [one for one in read if "version" in one["facets"]]
    files = maker.files()
    counted = files[:1] or ([read[0]] if context.job.step and not context.job.balance_by else [])
    for one in counted if record["status"] == "done" else ():
        one["inputFacets"] = {"inputStatistics": maker.rows_read(record)}
    facets = maker.run_facets() | maker.end_facets(record)
    kind, ended = _EVENT_TYPES[record["status"]], record["ended_at"]
    return maker.event(kind, ended, facets, [*files, *inputs], maker.written(record))


def _reads(context: RunContext) -> list[tuple[Table, bool]]:
    """Each table that the job reads, and whether it may be missing."""
    inputs = context.job.inputs
    return [
        (table, one.optional) for one, table in zip(inputs, context.tables([one.table for one in inputs]), strict=True)
    ]


class _Maker:
    """The parts of the events of one run."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._settings = context.settings.lineage
        self._root = context.settings.root
        self._producer = f"urn:lakejobs:{context.code_version}"
        self._namespace = self._settings.namespace or f"lakejobs-{context.env}"
        self._facets = Facets(self._producer)

    def event(
        self, kind: str, at: str, run_facets: dict[str, Facet], inputs: list[Dataset], outputs: list[Dataset]
    ) -> Event:
        """The event; ``at`` is a time in UTC."""
        context = self._context
        job = context.job
        run_id = run_uuid(self._root, job.name, context.run_id, context.attempt)
        return {
            "eventType": kind,
            "eventTime": at,
            "run": {"runId": run_id, "facets": run_facets},
            "job": {
                "namespace": self._namespace,
                "name": job.name,
                "facets": {
                    "jobType": self._facets.standard(
                        "JobTypeJobFacet", "2-0-3", processingType="BATCH", integration="SPARK", jobType="JOB"
                    ),
                    "documentation": self._facets.standard("DocumentationJobFacet", "1-0-0", description=job.summary),
                },
            },
            "inputs": inputs,
            "outputs": outputs,
            "producer": self._producer,
            "schemaURL": SCHEMA_URL,
        }

    def run_facets(self) -> dict[str, Facet]:
        """What is known of the run from its beginning: its days, and who has started it."""
        context = self._context
        names = {"runId": context.run_id, "attempt": context.attempt, "env": context.env}
        facets = {"lakejobs_run": self._facets.own("RunFacet", **names)}
        days = context.day_range
        if days is not None:
            facets["nominalTime"] = self._facets.standard(
                "NominalTimeRunFacet",
                "1-0-1",
                nominalStartTime=f"{days.first}T00:00:00Z",
                nominalEndTime=f"{days.last + timedelta(days=1)}T00:00:00Z",
            )
        if self._settings.parent is not None:
            namespace, name, run_id = self._settings.parent.rsplit("/", 2)
            facets["parent"] = self._facets.standard(
                "ParentRunFacet", "1-1-0", run={"runId": run_id}, job={"namespace": namespace, "name": name}
            )
        return facets

    def end_facets(self, record: Mapping[str, Any]) -> dict[str, Facet]:
        """What is known of the run at its end: how it ended, its counts, its error, the version of Spark."""
        names = ("run_id", "attempt", "env", "status", "exit_code", "counts", "release")
        members = {_camel(name): record[name] for name in names}
        facets = {"lakejobs_run": self._facets.own("RunFacet", **members)}
        if record["error"]:
            facets["errorMessage"] = self._facets.standard(
                "ErrorMessageRunFacet",
                "1-0-1",
                message=f"{record['error']['code']}: {record['error']['message']}",
                programmingLanguage="PYTHON",
            )
        if record["spark_version"]:
            facets["processing_engine"] = self._facets.standard(
                "ProcessingEngineRunFacet", "1-1-1", name="spark", version=record["spark_version"]
            )
        return facets

    def table(self, table: Table, version: int | None = None) -> Dataset:
        """A table of the lake."""
        return self._facets.table(table, self._root, self._namespace, version)

    def files(self) -> list[Dataset]:
        """The raw files of an ingest, by the place where they lie."""
        if self._context.input_path is None:
            return []
        namespace, name = named(self._context.input_path)
        return [{"namespace": namespace, "name": name, "facets": {}}]

    def rows_read(self, record: Mapping[str, Any]) -> Facet:
        """How many rows the run has read."""
        rows = record["counts"].get("rows_read", 0)
        return self._facets.standard("InputStatisticsInputDatasetFacet", "1-0-0", rowCount=rows)

    def written(self, record: Mapping[str, Any]) -> list[Dataset]:
        """The tables that the run has written, at their last versions, with the rows of all of its writes."""
        job = self._context.job
        known = {table.name: table for table in self._context.tables(job.writes)}
        if job.ingests:
            aside = quarantine_table(job.family, job.name)
            known[aside.name] = aside
        found: dict[str, Dataset] = {}
        rows, size = dict.fromkeys(known, 0), dict.fromkeys(known, 0)
        for write in record["outputs"]:
            name = write["table"]
            # Maintenance rewrites files of tables that it does not declare; their rows are the same afterwards.
            if name in known:
                rows[name] += write["rows_written"] + write["rows_updated"]
                size[name] += write["bytes_written"]
                found[name] = self.table(known[name], write["version_after"])
        for name, one in found.items():
            one["outputFacets"] = {
                "outputStatistics": self._facets.standard(
                    "OutputStatisticsOutputDatasetFacet", "1-0-2", rowCount=rows[name], size=size[name]
                )
            }
        return list(found.values())


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
