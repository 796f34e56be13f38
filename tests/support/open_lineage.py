"""What the specification of OpenLineage, version 2-0-2, requires of a run event: a check of its own, by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

EVENT_TYPES = {"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"}
_URI = re.compile(r"^[a-z][a-z0-9+.-]*:\S+$")
# Facet -> the members that its schema requires, and their types. Unknown facets need the two of every facet alone.
_REQUIRED: dict[str, dict[str, type]] = {
    "ParentRunFacet": {"run": dict, "job": dict},
    "NominalTimeRunFacet": {"nominalStartTime": str},
    "ErrorMessageRunFacet": {"message": str, "programmingLanguage": str},
    "ProcessingEngineRunFacet": {"version": str},
    "JobTypeJobFacet": {"processingType": str, "integration": str},
    "DocumentationJobFacet": {"description": str},
    "SchemaDatasetFacet": {"fields": list},
    "StorageDatasetFacet": {"storageLayer": str},
    "SymlinksDatasetFacet": {"identifiers": list},
    "DatasetVersionDatasetFacet": {"datasetVersion": str},
    "InputStatisticsInputDatasetFacet": {"rowCount": int},
    "OutputStatisticsOutputDatasetFacet": {"rowCount": int},
}


def faults_of(event: dict[str, Any]) -> list[str]:
    """What of the event the specification does not allow, in words."""
    found = []
    if event.get("eventType") not in EVENT_TYPES:
        found.append(f"eventType {event.get('eventType')}")
    if datetime.fromisoformat(event["eventTime"]).tzinfo is None:
        found.append("eventTime without a time zone")
    if event["schemaURL"] != "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent":
        found.append(f"schemaURL {event['schemaURL']}")
    if not _URI.match(event["producer"]):
        found.append(f"producer {event['producer']}")
    if str(UUID(event["run"]["runId"])) != event["run"]["runId"]:
        found.append(f"runId {event['run']['runId']}")
    named = [event["job"], *event["inputs"], *event["outputs"]]
    found += [f"{one} has no name" for one in named if not (one["namespace"] and one["name"])]
    for name, facet in _facets(event):
        found += [f"{name}: {fault}" for fault in _faults_of_facet(facet)]
    return found


def _facets(event: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    holders = [event["run"], event["job"], *event["inputs"], *event["outputs"]]
    for holder in holders:
        for kind in ("facets", "inputFacets", "outputFacets"):
            yield from holder.get(kind, {}).items()


def _faults_of_facet(facet: dict[str, Any]) -> Iterator[str]:
    for name in ("_producer", "_schemaURL"):
        if not _URI.match(facet[name]):
            yield f"{name} {facet[name]}"
    for name, kind in _REQUIRED.get(facet["_schemaURL"].rpartition("/")[2], {}).items():
        if not isinstance(facet[name], kind):
            yield f"{name} {facet[name]}"
