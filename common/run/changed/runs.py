"""``--changed``: a run for each block of due days, oldest first, and what every run notes for the next search."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from common.report.wording import plural
from common.run.changed.blocks import Due
from common.run.changed.due import due_days
from common.run.changed.inputs import input_states, output_ids, row_params
from common.run.changed.ledger import Known, Ledger, change_ledger, make_ledger, read_ledger
from common.run.console.metrics import print_brief_metrics
from common.run.console.summary import print_refusal
from common.run.failures import explain
from common.run.settings import settings_of
from common.run.signals import stoppable, undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable

    from common.days import DayRange
    from common.job.declaration import Job
    from common.lake.storage.objects import ObjectStore
    from common.run.context import RunContext, Services
    from common.run.flags import Flags


def run_changed(job: Job, flags: Flags, services: Services, run: Callable[[Flags], int]) -> int:
    """Run ``job`` over its due days; the exit code is that of the first run that failed, which stops the later ones.

    ``run`` does one run. With ``-o json`` standard output holds an array of the records. Never raises.
    """
    as_json, metrics = flags.output == "json", "auto"
    with stoppable():
        try:
            resolved = settings_of(job, flags, services)
            metrics = resolved.lake.metrics
            objects = services.objects(resolved.lake.root, resolved.lake)
            due = due_days(job, resolved.params, objects, first_days=resolved.lake.first_days)
            make_ledger(objects, job.name)
        except BaseException as error:  # whatever it is, it becomes an exit code with a sentence.
            failure = explain(error)
            if not as_json:
                print_brief_metrics(job.name, flags.env, metrics, failure)
            return print_refusal(job, failure, as_json=as_json)
    if due.blocks:
        _say(f"{job.name} --changed: {found_text(due)}")
    records: list[Any] = []
    code = 0
    for number, block in enumerate(due.blocks, start=1):
        _say(f"[{number} of {len(due.blocks)}] {job.name} {block}")
        code = _run(run, _flags_of(flags, block), records if as_json else None)
        if code:
            _say(f"{job.name}: left are {days_text(due.blocks[number - 1 :])}. The next --changed goes on there.")
            break
    if not code:
        _settle(job, objects, due)
    if as_json:
        sys.stdout.write(json.dumps(records, indent=2, ensure_ascii=False) + "\n")
    elif not due.blocks:
        sys.stdout.write(f"{job.name}: {found_text(due)}\n")
        print_brief_metrics(job.name, flags.env, metrics, None)
    sys.stdout.flush()
    return code


def found_text(due: Due) -> str:
    """What a search has found, as a sentence without its full stop."""
    since = f"since {due.since}" if due.since else "yet"
    if not due.blocks:
        return f"nothing to do: no day was touched {since}"
    days = sum(len(block) for block in due.blocks)
    why = "; ".join(due.reasons) or f"touched {since}"
    return f"{plural(days, 'day')} in {plural(len(due.blocks), 'run')}, {days_text(due.blocks)} ({why})"


def days_text(blocks: Sequence[DayRange]) -> str:
    """Ranges of days, parted by commas."""
    return ", ".join(str(block) for block in blocks)


@contextmanager
def days_noted(context: RunContext) -> Iterator[None]:
    """Around the work of a run: its days are unknown while it works, and known once it has ended well."""
    job, days, objects = context.job, context.day_range, context.objects
    if days is None or not job.takes_changed or read_ledger(objects, job.name) is None:
        yield
        return
    attempt_id = f"{context.run_id}/{context.attempt}"
    change_ledger(objects, job.name, lambda ledger: ledger.begun(days, attempt_id))
    # Before anything is read: what is committed from now on may have been missed, and counts as touched later.
    inputs = input_states(job, context.params, objects)
    yield
    try:
        known = Known(context.run_id, row_params(context.params), inputs, output_ids(job, objects))
        change_ledger(objects, job.name, lambda ledger: ledger.done(attempt_id, known))
    except Exception as error:  # the rows are published; these days will be computed once more.
        context.log.warning("days not noted for --changed", extra={"code": explain(error).code})


def _settle(job: Job, objects: ObjectStore, due: Due) -> None:
    """Note that all days are as they should be for the inputs as the search found them."""

    def settled(ledger: Ledger) -> Ledger:
        runs = [one.known.run_id for one in ledger.entries if one.known and one.attempt_id not in due.seen]
        base = replace(due.now, run_id=runs[-1] if runs else due.since, outputs=output_ids(job, objects))
        return ledger.settled(base, due.seen)

    with undisturbed():
        try:
            change_ledger(objects, job.name, settled)
        except Exception as error:  # all rows are published; days will be computed once more.
            _say(f"{job.name}: the end of --changed is not noted: {explain(error).message}")


def _flags_of(flags: Flags, block: DayRange) -> Flags:
    """The flags of the run over one block; an id that was given becomes one for each block."""
    run_id = flags.run_id and f"{flags.run_id}.{str(block).replace('..', '.')}"
    return replace(flags, days=block, run_id=run_id)


def _run(run: Callable[[Flags], int], flags: Flags, records: list[Any] | None) -> int:
    if records is None:
        return run(flags)
    heard = io.StringIO()
    with redirect_stdout(heard):
        code = run(flags)
    records.append(json.loads(heard.getvalue()))
    return code


def _say(text: str) -> None:
    """Talk goes to standard error: standard output belongs to records."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
