"""The page over all runs of a lake, right also when many runs end at once.

Each attempt puts an entry of its own, under a name that sorts the newest first; then it renders the page from the
newest entries and looks again. Whoever looks last sees every entry: no run is lost, without compare-and-swap.
A cache saves reading the same entries again and again; it may be lost or stale without harm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from common.run.record.record import Record, to_json

if TYPE_CHECKING:
    from common.lake.storage.objects import ObjectStore

PAGE = "reports/index.html"
_ENTRIES = "reports/_index/entries/"
_CACHE = "reports/_index/cache.json"
_MOST_SHOWN = 500
_TRIES = 20
_READERS = 16
_END_OF_TIME_MS = 10**14
# What the page does not show; it would make each entry as long as the record.
_LEFT_OUT = ("settings", "origins", "quality", "inputs", "resources")


def keep_index(objects: ObjectStore, record: Record) -> None:
    """Add an attempt to the page over all runs."""
    from common.report.index import render_index

    entry = {name: value for name, value in record.items() if name not in _LEFT_OUT}
    objects.write(f"{_ENTRIES}{entry_name(record)}", to_json(entry))
    for _ in range(_TRIES):
        names = _newest(objects)
        entries = _read(objects, names)
        objects.write(PAGE, render_index(latest_attempts(list(entries.values()))))
        objects.write(_CACHE, to_json(entries))
        if _newest(objects) == names:
            return


def entry_name(record: Mapping[str, Any]) -> str:
    """A name that sorts later starts first."""
    started_ms = round(datetime.fromisoformat(record["started_at"]).timestamp() * 1000)
    return f"{_END_OF_TIME_MS - started_ms:014d}-{record['run_id']}-{record['attempt']}.json"


def latest_attempts(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of each run its latest attempt."""
    latest: dict[str, Mapping[str, Any]] = {}
    for entry in sorted(entries, key=lambda one: int(one["attempt"])):
        latest[f"{entry['job']} {entry['run_id']}"] = entry
    return list(latest.values())


def _newest(objects: ObjectStore) -> list[str]:
    return [entry.path for entry in islice(objects.list(_ENTRIES), _MOST_SHOWN)]


def _read(objects: ObjectStore, names: Sequence[str]) -> dict[str, Any]:
    """Name -> entry; an entry that is gone by now is left out."""
    cached = _cache(objects)
    missing = [name for name in names if name not in cached]
    with ThreadPoolExecutor(max_workers=_READERS) as readers:
        stored = dict(zip(missing, readers.map(objects.get, missing), strict=True))
    cached.update({name: json.loads(found.body) for name, found in stored.items() if found is not None})
    return {name: cached[name] for name in names if name in cached}


def _cache(objects: ObjectStore) -> dict[str, Any]:
    stored = objects.get(_CACHE)
    try:
        stored_entry = json.loads(stored.body) if stored is not None else {}
    except ValueError:
        return {}
    return stored_entry if isinstance(stored_entry, dict) else {}
