"""What this run may do below the lake root, and whether conditional puts hold between writers: tried on an object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from common.report.wording import plural
from common.run.findings import OK, Finding, looked

if TYPE_CHECKING:
    from common.lake.storage.objects import ObjectStore

SILENT = "the store does not answer"
_CONDITIONAL = ("put if absent", "put if unchanged")
_OVERWRITES = "Use a store with conditional puts: with this one two runs could write a table at once."


def storage_findings(objects: ObjectStore, folder: str) -> list[Finding]:
    """Lines on put, get, list, conditional puts and delete, tried in a folder that nobody else uses."""
    return _Probe(objects, folder).findings()


def is_unreachable(findings: Sequence[Finding]) -> bool:
    """Whether these lines say that the store did not answer in time."""
    return any(one.found.startswith("LAK-008: S3 did not answer") for one in findings)


def _conditional(found: Finding) -> Finding:
    # What a server does not know it does not know later either, whatever the store makes of its answer.
    return replace(found, remedy=_OVERWRITES) if "NotImplemented" in found.found else found


class _Probe:
    """One object and what is done to it."""

    def __init__(self, objects: ObjectStore, folder: str) -> None:
        self._objects = objects
        self._folder = folder
        self._path = f"{folder}/probe"

    def findings(self) -> list[Finding]:
        put = looked("put", self._put)
        if is_unreachable([put]):
            # Each further question would wait as long.
            return [put, *(Finding.unchecked(check, SILENT) for check in ("get", "list", *_CONDITIONAL, "delete"))]
        findings = [put, looked("get", lambda: self._get(put)), looked("list", lambda: self._list(put))]
        for check, try_it in zip(_CONDITIONAL, (self._put_if_absent, self._put_if_match), strict=True):
            if put.status == OK:
                findings.append(_conditional(looked(check, try_it)))
            else:
                findings.append(Finding.unchecked(check, "no object could be put"))
        return [*findings, looked("delete", self._delete)]

    def _put(self) -> str:
        self._objects.write(self._path, b"1")
        return f"below {self._objects.root}"

    def _get(self, put: Finding) -> Finding | str:
        stored = self._objects.get(self._path)
        if put.status == OK and (stored is None or stored.body != b"1"):
            return Finding.wrong("get", "an object that was put is not there", "Use a store with strong consistency.")
        return "an object that is there" if stored else "an object that is not there is said not to be there"

    def _list(self, put: Finding) -> Finding | str:
        paths = [entry.path for entry in self._objects.list(f"{self._folder}/")]
        if put.status == OK and self._path not in paths:
            return Finding.wrong("list", "an object that was put is not listed", "Use a store with strong consistency.")
        return f"{plural(len(paths), 'object')} below the probe's folder"

    def _put_if_absent(self) -> Finding | str:
        check = "put if absent"
        if self._objects.write_if_absent(self._path, b"2") is not None:
            return Finding.wrong(check, "an object that was there was overwritten", _OVERWRITES)
        if self._objects.write_if_absent(f"{self._path}-2", b"2") is None:
            return Finding.wrong(check, "refused where no object was", _OVERWRITES)
        return "refused where an object is, done where none is"

    def _put_if_match(self) -> Finding | str:
        check = "put if unchanged"
        old = self._objects.write(self._path, b"3")
        new = self._objects.write(self._path, b"4")
        if self._objects.write_if_match(self._path, b"5", old) is not None:
            return Finding.wrong(check, "an object that had changed was overwritten", _OVERWRITES)
        if self._objects.write_if_match(self._path, b"5", new) is None:
            return Finding.wrong(check, "refused for an object that had not changed", _OVERWRITES)
        return "refused for an object that has changed, done for one that has not"

    def _delete(self) -> Finding | str:
        for path in (self._path, f"{self._path}-2"):
            self._objects.delete(path)
        if self._objects.get(self._path) is not None:
            return Finding.wrong("delete", "a deleted object is still there", "Use a store with strong consistency.")
        return "and it is gone"
