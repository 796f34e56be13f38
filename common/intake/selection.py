"""Which files a run has to take: those that are new, and those that were published by another mapping."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from common.intake.batches import FAILED, BatchFile, digest_of
from common.quality.quarantine import to_quarantine
from common.sources.files.inspection import bad_file_rows, inspect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.intake.batches import Batch, BatchLog
    from common.intake.feed import Feed
    from common.run.context import RunContext
    from common.sources.files.inventory import FileInventory, InspectedFile
    from common.sources.mapping.model import Source


@dataclass(frozen=True)
class KnownFile:
    """A file content of which something was done before: by which ``reading`` it lies in bronze, in which batch."""

    file: BatchFile
    reading: str
    batch_id: str


@dataclass
class Selection:
    """What to take: ``new`` files, one per content, and ``again`` contents that were taken before.

    ``found`` says where each content of the input is now, by its hash. ``aside`` are the batches that stay as they are.
    """

    new: list[InspectedFile] = field(default_factory=list)
    again: list[KnownFile] = field(default_factory=list)
    found: dict[str, InspectedFile] = field(default_factory=dict)
    aside: list[Batch] = field(default_factory=list)


def look_at_input(
    context: RunContext, feed: Feed, source: Source, *, thorough: bool = False
) -> dict[str, InspectedFile]:
    """Every readable file of the input by its content, one for each. Bad ones stop the run or go to the quarantine.

    Raises what ``FileInventory.enforce`` does.
    """
    inventory = inspect(context.spark, str(context.input_path), source, context.settings, thorough=thorough)
    inventory.enforce(source)
    if inventory.bad:
        _quarantine_files(context, feed, inventory)
    context.counts.detail("files_found", len(inventory.files))
    context.counts.detail("files_bad", len(inventory.bad))
    return {file.sha256: file for file in sorted(inventory.good, key=lambda file: file.path, reverse=True)}


def select_files(
    found: dict[str, InspectedFile],
    failed: Sequence[Batch],
    log: BatchLog,
    *,
    source: str,
    mapping: str,
    code: str,
    retake: bool,
) -> Selection:
    """What is to be taken of the files that were ``found``, and of the ``failed`` batches (refused ones included).

    A content that was published is taken again by another ``mapping``, or when that is asked for. One of a failed batch
    waits until mapping or code are others than those that failed; of a refused one, only as long as it is in the input.
    """
    selection = Selection(found=found)
    tried: dict[str, KnownFile] = {}
    for batch in failed:
        same = batch.source.get("name") == source
        is_stuck = batch.state == FAILED and batch.code == code and (batch.mapping == mapping or not same)
        if is_stuck and not retake:
            selection.aside.append(batch)
            continue
        mine = [file for file in batch.files if file.sha256 in found or (batch.state == FAILED and same)]
        tried |= {file.sha256: KnownFile(file, batch.reading, batch.batch_id) for file in mine}
    stuck = {file.sha256 for batch in selection.aside for file in batch.files}
    marks = log.marks({*found, *tried})
    for sha256, file in found.items():
        mark = marks.get(sha256)
        if sha256 in stuck or sha256 in tried:
            continue
        if mark is None:
            selection.new.append(file)
        elif retake or mark.mapping not in ("", mapping):
            selection.again.append(KnownFile(mark.file, mark.reading, mark.batch_id))
    selection.again += tried.values()
    selection.new.sort(key=lambda file: file.path)
    return selection


def _quarantine_files(context: RunContext, feed: Feed, inventory: FileInventory) -> None:
    batch_id = f"files-{digest_of(file.sha256 or file.path for file in inventory.bad)}"
    rows = to_quarantine(
        bad_file_rows(context.spark, inventory),
        run_id=context.run_id,
        job=context.job.name,
        quarantined_at=context.started_at,
        keys=("_file_sha256",),
        batch_id=batch_id,
    )
    context.lake.quarantine(rows, family=feed.silver.family, job=context.job.name, batch_id=batch_id)
