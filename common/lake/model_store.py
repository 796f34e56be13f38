"""Models next to the tables: one folder per version, plain data files only, each checked against its hash when loaded.

A version is at ``<root>/models/<family>/<version>``: the files and ``card.json``, written last, so that a version
without a card was never finished. A version is written once and never changed: its name holds the hash of its content.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.errors import ContractError, InputMissingError

if TYPE_CHECKING:
    from common.lake.storage.objects import ObjectStore

CARD = "card.json"
# Data that no reader executes; a pickle, a joblib file or a compiled library is refused.
_SUFFIXES = (".json", ".ubj", ".txt", ".onnx")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")
_LISTED = 20


@dataclass(frozen=True)
class StoredModel:
    """A model version as loaded: its card, and its files by name."""

    version: str
    card: Mapping[str, Any]
    files: Mapping[str, bytes]


class ModelStore:
    """The model versions of one family."""

    def __init__(self, objects: ObjectStore, family: str) -> None:
        self._objects = objects
        self._family = family

    def path(self, version: str) -> str:
        """The folder of a version, relative to the lake root."""
        return f"models/{self._family}/{version}"

    def versions(self) -> list[str]:
        """The finished versions, sorted by name."""
        prefix = f"models/{self._family}/"
        paths = [entry.path for entry in self._objects.list(prefix) if entry.path.endswith(f"/{CARD}")]
        return sorted(path.removeprefix(prefix).removesuffix(f"/{CARD}") for path in paths)

    def save(self, version: str, files: Mapping[str, bytes], card: Mapping[str, Any]) -> bool:
        """Write a version; False if it already exists, which is left as it is.

        The card gains ``files``: name -> SHA-256 and size in bytes. Raises ContractError MOD-001 for a file that is not
        plain data, and for a name that is none.
        """
        for name in (version, *files):
            if not _NAME.match(name):
                raise ContractError("MOD-001", f"'{name}' cannot name a model version or its file.")
        executable = [name for name in files if not name.endswith(_SUFFIXES) or name == CARD]
        if executable:
            raise ContractError(
                "MOD-001",
                f"Model files must be plain data; refused: {', '.join(executable)}.",
                remedy=f"Save the model as one of {', '.join(_SUFFIXES)}: loading it must not run code.",
            )
        if self._objects.get(f"{self.path(version)}/{CARD}") is not None:
            return False
        listed = {
            name: {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)} for name, body in files.items()
        }
        for name, body in sorted(files.items()):
            self._objects.write(f"{self.path(version)}/{name}", body)
        text = json.dumps({**card, "version": version, "files": listed}, sort_keys=True, indent=1, default=str)
        return self._objects.write_if_absent(f"{self.path(version)}/{CARD}", text.encode()) is not None

    def load(self, version: str) -> StoredModel:
        """A version, its files checked against the hashes of its card.

        Raises InputMissingError MOD-002 (no such version; the known ones are named), ContractError MOD-003 (the card
        cannot be read or is of another version, a file is missing or is not what was saved).
        """
        stored = self._objects.get(f"{self.path(version)}/{CARD}") if _NAME.match(version) else None
        if stored is None:
            raise self._unknown(version)
        try:
            card = json.loads(stored.body)
            listed = {str(name): str(facts["sha256"]) for name, facts in card["files"].items()}
            named = str(card["version"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self.changed(version, CARD, f"it cannot be read ({type(error).__name__})") from error
        if named != version:
            raise self.changed(version, CARD, "it is the card of another version")
        files = {}
        for name, sha256 in listed.items():
            if not _NAME.match(name) or not name.endswith(_SUFFIXES):
                raise self.changed(version, CARD, "it lists a file that no model has")
            held = self._objects.get(f"{self.path(version)}/{name}")
            if held is None:
                raise self.changed(version, name, "it is missing")
            if hashlib.sha256(held.body).hexdigest() != sha256:
                raise self.changed(version, name, f"its SHA-256 is not {sha256}")
            files[name] = held.body
        return StoredModel(version, card, files)

    def _unknown(self, version: str) -> InputMissingError:
        known = self.versions()
        more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
        return InputMissingError(
            "MOD-002",
            f"There is no model version '{version}' of {self._family}.",
            cause=f"Known: {', '.join(known[-_LISTED:])}{more}." if known else "No model has been trained yet.",
            remedy="Name one of the known versions, or train a model first.",
        )

    def changed(self, version: str, name: str, what: str) -> ContractError:
        """MOD-003: the file ``name`` of a version is not what was saved; ``what`` says how that shows."""
        return ContractError(
            "MOD-003",
            f"The model version '{version}' does not match what was saved.",
            cause=f"{self.path(version)}/{name}: {what}.",
            remedy="Do not score with it: restore the file, or train again.",
        )

    def unusable(self, version: str, name: str, what: str) -> ContractError:
        """MOD-004: no scores can be made from the file ``name`` of a version, whatever its hash says."""
        return ContractError(
            "MOD-004",
            f"The model version '{version}' cannot be used.",
            cause=f"{self.path(version)}/{name}: {what}.",
            remedy="Train again: the file was damaged before its hash was taken, or was not written by this suite.",
        )
