"""Files of a feed to bronze and silver: the one way in which any ingest takes them in.

The order of writes is batch (begun), bronze, quarantine, silver, batch (done). A run first finishes what an earlier one
had begun, from its bronze rows, and takes rows whose time has come; then it takes the files that are new, and those
that were published by another mapping; at last those that may have more to publish since rows of others were withdrawn
(common.intake.returns). Each write changes nothing when it was done before, so a run may die anywhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from common.clock import utc_text
from common.errors import InputMissingError, UsageError
from common.faults import BrokenOffError
from common.intake.batches import BEGUN, FAILED, REFUSED, WAITING, Batch, BatchFile, BatchLog, digest_of
from common.intake.feed import Feed, Taken
from common.intake.figures import span_of
from common.intake.mapped import schema_of
from common.intake.promotion import Promotion
from common.intake.reading import changed_since, thoroughly, write_records
from common.intake.returns import Returns, batches_in_bronze
from common.intake.selection import KnownFile, Selection, look_at_input, select_files
from common.report.wording import plural
from common.run.failures import explain
from common.run.record.build import running_build
from common.sources.mapping.identity import mapping_of, reading_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql.types import StructType

    from common.intake.params import IntakeParams
    from common.run.context import RunContext
    from common.sources.files.inventory import InspectedFile
    from common.sources.mapping.model import Source

# A run that was stopped or refused a lease, or met a fault of the platform, says nothing of its batch.
_NOT_THE_BATCH = (5, 75, 130, 143)
_PLATFORM = ("RUN-004", "SPK-005", "SPK-006")
# How often a failing batch is halved, so that the files beside the one that fails are published.
_MOST_HALVINGS = 12
# How often files are looked at once more in one run; what is left then is begun, and the next run's.
_MOST_ROUNDS = 3


def take_in(context: RunContext, feed: Feed, params: IntakeParams) -> Taken:
    """Take in what the run's input has for ``feed``, and add to the run's counts.

    A batch that cannot be published is set aside with its reason, and the others are published all the same; then the
    first failure is raised. Raises UsageError ING-001 and ING-002 (no source, no input), ContractError ING-010 (most
    rows were rejected) and QLT-001, InputMissingError ING-012 (bronze rows are gone).
    """
    return thoroughly(lambda thorough: _Intake(context, feed, params, thorough).run(), context.source)


def _source(context: RunContext, params: IntakeParams) -> Source:
    if context.source is None:
        raise UsageError("ING-001", "No source was given.", remedy="Give --source NAME or a .yaml file.")
    if context.input_path is None and not params.retake:
        raise UsageError("ING-002", "No input was given.", remedy="Add --input PATH, the location of the raw files.")
    return context.source


class _Intake:
    """One run of an ingest."""

    def __init__(self, context: RunContext, feed: Feed, params: IntakeParams, thorough: bool) -> None:
        self._context, self._feed, self._retake, self._thorough = context, feed, params.retake, thorough
        self._source = _source(context, params)
        self._mapping, self._reading = mapping_of(self._source), reading_of(self._source)
        self._code = running_build().code_hash
        self._log = BatchLog(context.objects, feed.silver.name)
        self._taken = Taken()
        self._returns = Returns(context, feed, self._log)
        self._promotion = Promotion(context, feed, self._taken, self._returns, params.max_rejected_share)
        self._failures: list[tuple[set[str], Exception]] = []
        self._changed = 0
        self._halvings = 0

    def run(self) -> Taken:
        self._log.adopt_earlier()
        with self._feed.outdated() as outdated:
            self._returns.begin(outdated, cause="outdated")
        for batch in self._log.open():
            self._go_on(batch)
        selection = self._selection()
        self._context.counts.detail("files_new", len(selection.new))
        if selection.again:
            self._context.counts.detail("files_again", len(selection.again))
            self._take_again(selection)
        if selection.new:
            self._take_new(selection.new)
        self._take_back()
        self._taken.files, self._taken.files_again = len(selection.new), len(selection.again)
        self._say(selection.aside)
        if self._failures:
            raise self._failures[0][1]
        return self._taken

    def _go_on(self, batch: Batch) -> None:
        """Finish a batch that was begun, take rows of one that had to wait."""
        if batch.state == BEGUN and batch.is_accepted:
            if batch.batch_id not in {one.batch_id for one in self._returns.pending}:
                self._returns.pending.append(batch)
        elif batch.state == BEGUN and self._has_bronze(batch):
            self._context.log.info("finishing batch %s of an earlier run", batch.batch_id)
            self._attempt(batch, is_fresh=False, is_resumed=True)
        elif batch.state == BEGUN:
            self._log.forget(batch)
        elif batch.state == WAITING:
            is_due = bool(batch.due_at) and batch.due_at <= utc_text(self._context.started_at)
            if is_due or (batch.token and batch.token != self._feed.token()):
                self._context.log.info("taking rows of batch %s that had to wait", batch.batch_id)
                self._attempt_again(batch)

    def _selection(self) -> Selection:
        failed = [batch for batch in self._log.open() if batch.state in (FAILED, REFUSED)]
        given, thorough = self._context.input_path, self._thorough
        found = look_at_input(self._context, self._feed, self._source, thorough=thorough) if given else {}
        name, mapping, code = self._source.name, self._mapping, self._code
        selection = select_files(found, failed, self._log, source=name, mapping=mapping, code=code, retake=self._retake)
        if not self._context.input_path:
            marks = self._log.marks_of(name)
            selection.again += [KnownFile(mark.file, mark.reading, mark.batch_id) for mark in marks]
        return selection

    # -- taking ------------------------------------------------------------------------------------------------------

    def _take_new(self, files: Sequence[InspectedFile]) -> None:
        batch = self._batch(tuple(self._file_of(file) for file in files))
        own = tuple(replace(file, bronze_batch_id=batch.batch_id) for file in batch.files)
        begun = self._read(replace(batch, files=own), files)
        if begun is not None:
            self._attempt(begun, is_fresh=True)

    def _take_again(self, selection: Selection) -> None:
        """Map once more what lies in bronze; read the files whose rows there are gone, or were cut otherwise."""
        context = self._context
        known = [one.file for one in selection.again if one.reading == self._reading]
        kept = batches_in_bronze(context, self._feed, known)
        reuse = [
            one.file for one in selection.again if one.reading == self._reading and one.file.bronze_batch_id in kept
        ]
        reusable = {file.sha256 for file in reuse}
        lacking = [one.file.sha256 for one in selection.again if one.file.sha256 not in reusable]
        files = [selection.found[sha256] for sha256 in lacking if sha256 in selection.found]
        gone = len(lacking) - len(files)
        if gone and not (files or reuse):
            raise InputMissingError(
                "ING-012",
                f"{plural(gone, 'file')} cannot be taken again: the records are no longer in bronze, nor in the input.",
                cause=f"maintenance.maintain deletes bronze after {self._feed.bronze.retention_days} days.",
                remedy="Give --input with the files. What they had published stays as it is.",
            )
        if gone:
            context.log.warning("%s cannot be taken again: neither in bronze nor in the input", plural(gone, "file"))
        if not (files or reuse):
            return
        context.log.info("taking %s again", plural(len(files) + len(reuse), "file"))
        batch = self._batch((*(self._file_of(file) for file in files), *reuse))
        own = tuple(
            file if file.sha256 in reusable else replace(file, bronze_batch_id=batch.batch_id) for file in batch.files
        )
        earlier = [self._log.batch(one) for one in sorted({one.batch_id for one in selection.again})]
        there = [one for one in earlier if one is not None]
        others = sorted({str(one.source.get("name")) for one in there} - {self._source.name})
        if others:
            context.warn(f"{self._source.name} replaces what these files had published by {', '.join(others)}")
        days = span_of([day for one in there for day in one.days])
        schemas = [schema_of(one) for one in there if {file.sha256 for file in one.files} & reusable]
        batch = replace(batch, files=own, days=days if len(there) == len(earlier) else ())
        begun = self._read(batch, files, schemas)
        if begun is not None:
            self._log.give_up(begun.sha256s, but=begun.batch_id, states=(BEGUN, FAILED, REFUSED))
            self._attempt(begun, is_fresh=False)

    def _take_back(self) -> None:
        """Map the files once more from which rows may come back. That may displace rows of others, and so on."""
        for _ in range(_MOST_ROUNDS):
            pending, self._returns.pending = self._returns.pending, []
            done: set[str] = set()
            for batch in sorted(pending, key=lambda one: -len(one.files)):
                if done.issuperset(batch.sha256s):
                    self._log.forget(batch)
                    continue
                done.update(batch.sha256s)
                self._context.log.info("looking once more at %s", plural(len(batch.files), "file"))
                self._attempt_again(batch)

    def _attempt_again(self, batch: Batch) -> None:
        """Publish a batch of published files once more, as far as it is still theirs, by the same mapping."""
        mine = self._returns.of_its_own(batch)
        if mine is None:
            return
        if self._has_bronze(mine):
            self._attempt(mine, is_fresh=False)
            return
        # From nothing it would withdraw what was published.
        self._context.warn(f"{plural(len(mine.files), 'file')} cannot be looked at again: no longer in bronze")
        self._log.forget(mine)

    def _batch(self, files: tuple[BatchFile, ...]) -> Batch:
        started = utc_text(self._context.started_at)
        # A second look at the same files is another batch than the first, which may have been given up.
        names = [*(file.sha256 for file in files), self._mapping, started]
        source = self._source.model_dump(mode="json")
        return Batch(digest_of(names), files, source, self._reading, self._mapping, started)

    def _file_of(self, file: InspectedFile) -> BatchFile:
        return BatchFile(file.sha256, file.path, "", self._context.started_at.date().isoformat())

    def _read(self, batch: Batch, files: Sequence[InspectedFile], schemas: Sequence[StructType] = ()) -> Batch | None:
        """Begin a batch and write its records to bronze. Files that change meanwhile are taken out: None when no other
        is left.
        """
        context, batch = self._context, replace(batch, code=self._code)
        batch = write_records(context, self._feed, self._source, self._log, batch, files, schemas)
        changed = changed_since(context, files)
        if not changed:
            return batch
        self._changed += len(changed)
        context.warn(f"{plural(len(changed), 'file')} changed while it was read: a later run takes what it holds then")
        self._log.forget(batch)
        left = tuple(file for file in batch.files if file.sha256 not in changed)
        names = [batch.batch_id, *(file.sha256 for file in left)]
        return self._log.save(replace(batch, batch_id=digest_of(names), files=left)) if left else None

    # -- publishing --------------------------------------------------------------------------------------------------

    def _attempt(self, batch: Batch, *, is_fresh: bool, is_resumed: bool = False) -> None:
        """Publish a batch, or set it aside with the reason why that is not possible."""
        batch = replace(batch, code=self._code)
        try:
            self._log.finish(self._promotion.publish(batch, is_fresh=is_fresh, is_resumed=is_resumed))
            # What could not be published by an earlier mapping is published now.
            left = [(sha256s.difference(batch.sha256s), error) for sha256s, error in self._failures]
            self._failures = [failure for failure in left if failure[0]]
            if not is_fresh:
                # Not before: had it been refused, rows of these files would still have to be waited for.
                self._log.give_up(batch.sha256s, but=batch.batch_id, states=(WAITING,))
        except BrokenOffError:
            raise
        except Exception as error:
            failure = explain(error)
            if failure.exit_code in _NOT_THE_BATCH or failure.code in _PLATFORM:
                raise
            state = REFUSED if failure.exit_code in (2, 3) else FAILED
            if state == FAILED and len(batch.files) > 1 and self._halvings < _MOST_HALVINGS:
                self._halve(batch, is_fresh=is_fresh, is_resumed=is_resumed)
                return
            reason = f"{failure.code}: {failure.message}"
            self._context.log.error("batch %s is set aside: %s", batch.batch_id, reason)
            self._log.save(replace(batch, state=state, reason=reason))
            self._failures.append((set(batch.sha256s), error))

    def _halve(self, batch: Batch, *, is_fresh: bool, is_resumed: bool) -> None:
        """One file may fail the batch: publish the halves for themselves."""
        self._halvings += 1
        middle = len(batch.files) // 2
        halves = [
            self._log.save(
                replace(batch, batch_id=digest_of([batch.batch_id, *(file.sha256 for file in part)]), files=part)
            )
            for part in (batch.files[:middle], batch.files[middle:])
        ]
        self._log.forget(batch)
        for half in halves:
            self._attempt(half, is_fresh=is_fresh, is_resumed=is_resumed)

    def _has_bronze(self, batch: Batch) -> bool:
        return set(batch.bronze_batch_ids) <= batches_in_bronze(self._context, self._feed, batch.files)

    def _say(self, aside: Sequence[Batch]) -> None:
        context, taken = self._context, self._taken
        for batch in aside:
            words = f"{plural(len(batch.files), 'file')} set aside on {batch.begun_at[:10]}: {batch.reason}"
            taken.aside.append(words)
            context.warn(words)
        if taken.waiting:
            context.warn(
                f"{plural(taken.waiting, 'row')} will be taken later: their time, or what they are about, has not come"
            )
        if taken.left_out:
            context.log.info("%s left out: they say nothing yet", plural(taken.left_out, "row"))
        if taken.left_out and not taken.fates:
            context.warn(f"no row says anything yet: {plural(taken.left_out, 'row')} left out")
        elif not taken.fates and not self._failures:
            is_known = not (taken.files or taken.files_again)
            why = "every file was ingested before, by this mapping" if is_known else "the files hold no rows"
            if self._changed:
                why = "the files changed while they were read"
            elif not context.input_path and not taken.files_again:
                why = f"no file of source {self._source.name} was ingested before"
            context.outcome = f"nothing to do: {why}"
            context.log.info(context.outcome)
