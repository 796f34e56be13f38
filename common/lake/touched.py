"""The days of a table that commits have touched, and the days that it holds: from its Delta log alone, without a JVM.

A commit touches the days of the files that it adds or removes with ``dataChange``: compaction touches none. Files of a
partitioned table name their day; of other tables the least and the greatest day in a file's statistics are its bounds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote

from common.lake.delta.commits import Commit, latest_version, log_path
from common.lake.delta.log_files import StoredMetadata, live_actions, stored_metadata
from common.lake.storage.objects import ObjectStore

_READERS = 16
# A file that spans more days than this has a wrong date in it; it is taken to touch any day.
_MOST_DAYS = 20_000
# The other actions of a commit, such as those of a change feed, tell nothing more; they are not parsed.
_KINDS = (b'"add"', b'"remove"', b'"commitInfo"')

Days = frozenset[date]


@dataclass(frozen=True)
class TableState:
    """A table at one moment: ``table_id``, which a table made again does not share, and the version."""

    table_id: str
    version: int


@dataclass(frozen=True)
class Touch:
    """What one commit touched: its days, None where the log does not tell them."""

    version: int
    days: Days | None


class LogGoneError(Exception):
    """Commits that are asked for are no longer in the log."""


def table_state(objects: ObjectStore, table_path: str) -> TableState | None:
    """The latest state of a table, None when there is no such table."""
    version = latest_version(objects, table_path)
    if version is None:
        return None
    # Delta's checksum of a version repeats the metadata, which may be far back in the log.
    stored = objects.get(f"{table_path}/_delta_log/{version:020d}.crc")
    try:
        found = json.loads(stored.body)["metadata"]["id"] if stored is not None else None
    except (ValueError, KeyError, TypeError):
        found = None
    return TableState(str(found or stored_metadata(objects, table_path).table_id), version)


def touches(
    objects: ObjectStore,
    table_path: str,
    *,
    after: int,
    until: int,
    day_column: str,
    is_upkeep: Callable[[Commit], bool] | None = None,
) -> list[Touch]:
    """The commits of the versions behind ``after`` up to ``until`` that changed rows, oldest first.

    Commits for which ``is_upkeep`` holds count as if they had changed none. Without a ``day_column`` no days are known.
    Raises LogGoneError when the log no longer has all of these versions.
    """
    if until <= after:
        return []
    column = stored_column(stored_metadata(objects, table_path), day_column)

    def touched(version: int) -> Touch | None:
        return _touch(objects, table_path, version, column, is_upkeep)

    with ThreadPoolExecutor(max_workers=_READERS) as readers:
        found = readers.map(touched, range(after + 1, until + 1))
        return [one for one in found if one is not None]


def held_days(objects: ObjectStore, table_path: str, day_column: str) -> Days | None:
    """The days that the live files of a table hold, None where its log does not tell them.

    Of a table that is not partitioned by the column: every day between the bounds of each file.
    """
    column = stored_column(stored_metadata(objects, table_path), day_column)
    found: set[date] = set()
    for action in live_actions(objects, table_path):
        days = _days_of(action, column)
        if days is None:
            return None
        found |= days
    return frozenset(found)


def stored_column(metadata: StoredMetadata, name: str) -> str:
    """What the log calls a column: another name where columns are mapped."""
    return metadata.physical_names.get(name, name)


def _touch(
    objects: ObjectStore, table_path: str, version: int, column: str, is_upkeep: Callable[[Commit], bool] | None
) -> Touch | None:
    try:
        stream = objects.open(log_path(table_path, version))
    except FileNotFoundError as error:
        raise LogGoneError(f"version {version}") from error
    days: set[date] = set()
    is_known, changes = True, False
    with stream:
        for line in stream:
            action = json.loads(line) if any(kind in line[:32] for kind in _KINDS) else {}
            if "commitInfo" in action:
                if is_upkeep is not None and is_upkeep(Commit(version, action["commitInfo"])):
                    return None
                continue
            file = action.get("add") or action.get("remove")
            if file is None or not file.get("dataChange", True):
                continue
            changes = True
            found = _days_of(file, column)
            is_known = is_known and found is not None
            days |= found or frozenset()
    return Touch(version, frozenset(days) if is_known else None) if changes else None


def _days_of(file: Mapping[str, Any], column: str) -> Days | None:
    """The days in a file by its ``add`` or ``remove`` action; none for rows without a day."""
    if not column:
        return None
    partition = dict(file.get("partitionValues") or {})
    if column in partition:
        return _one_day(partition[column])
    # Writers may leave the values out of a remove; the folder still says them.
    folder = re.search(rf"(?:^|/){re.escape(column)}=([^/]*)/", unquote(str(file.get("path", ""))))
    return _one_day(folder.group(1)) if folder else _bounded_days(file.get("stats"), column)


def _one_day(text: str | None) -> Days:
    try:
        return frozenset([date.fromisoformat(text or "")])
    except ValueError:
        return frozenset()  # A row whose day is null belongs to no run.


def _bounded_days(stats: Any, column: str) -> Days | None:
    """Every day from the least to the greatest in a file's statistics; none of a file without rows."""
    try:
        found = json.loads(stats or "{}")
        if found.get("numRecords") == 0 or _is_all_null(found, column):
            return frozenset()
        first, last = (date.fromisoformat(found[name][column]) for name in ("minValues", "maxValues"))
    except (ValueError, KeyError, TypeError):
        return None
    if not 0 <= (last - first).days <= _MOST_DAYS:
        return None
    return frozenset(first + timedelta(days=n) for n in range((last - first).days + 1))


def _is_all_null(stats: Mapping[str, Any], column: str) -> bool:
    nulls = (stats.get("nullCount") or {}).get(column)
    return nulls is not None and nulls == stats.get("numRecords")
