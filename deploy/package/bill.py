"""Bills of materials of a build, as CycloneDX 1.6 JSON (ECMA-424): one for the code, one for each dependency archive.

They hold no time and no random number, so that the same build has the same bill.
"""

from __future__ import annotations

import json
import re
import tarfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

CODE_BILL = "lakejobs.cdx.json"
_SUFFIX = ".tar.gz"
_ARCHIVE = re.compile(r"environment-(?P<lock>.+)-(?P<architecture>x86_64|aarch64)-[0-9a-f]{12}\.tar\.gz")
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9_.-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_METADATA = re.compile(r"/site-packages/[^/]+\.dist-info/METADATA$")
# Classifiers that name a licence begin so; what follows the last of them is the licence's own name.
_CLASSIFIER = "License :: "
_LONGEST_LICENCE = 100
# Any fixed one: the same bill gets the same serial number.
_SPACE_OF_SERIALS = uuid.UUID("9b7f6d0e-6c0b-5b0a-9d0b-6a1d2f7f9d11")


def bill_name(archive: str) -> str:
    """The name of the bill that lies beside a dependency archive."""
    return archive.removesuffix(_SUFFIX) + ".cdx.json"


def locked(text: str) -> list[tuple[str, str, list[str]]]:
    """Name, version and the SHA-256 sums of each requirement of a hash-pinned lock, in its order."""
    found = []
    for part in re.split(r"(?m)^(?=[A-Za-z0-9])", text):
        pin = _PIN.match(part)
        if pin:
            found.append((normalised(pin["name"]), pin["version"], _HASH.findall(part)))
    return found


def normalised(name: str) -> str:
    """A distribution's name as package URLs write it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(metadata: Message) -> dict[str, Any] | None:
    """The licence that a distribution states (core metadata 2.4), as CycloneDX writes it; None when it states none."""
    expression = metadata.get("License-Expression")
    if expression:
        return {"expression": expression.strip()}
    classified = [value for value in metadata.get_all("Classifier", []) if value.startswith(_CLASSIFIER)]
    if classified:
        return {"license": {"name": classified[0].rpartition(" :: ")[2]}}
    # Some put the whole text there.
    stated = (metadata.get("License") or "").strip()
    if stated and "\n" not in stated and len(stated) <= _LONGEST_LICENCE and stated.upper() != "UNKNOWN":
        return {"license": {"name": stated}}
    return None


def licences_in(archive: Path) -> dict[str, dict[str, Any]]:
    """Name of a distribution -> its licence, for those of an archive that state one; none of what is no archive."""
    found = {}
    with suppress(tarfile.ReadError):
        for metadata in _metadata_in(archive):
            licence = licence_of(metadata)
            if licence and metadata["Name"]:
                found[normalised(metadata["Name"])] = licence
    return found


def _metadata_in(archive: Path) -> Iterator[Message]:
    with tarfile.open(archive) as opened:
        for member in opened:
            content = opened.extractfile(member) if _METADATA.search(member.name) else None
            if content is not None:
                yield Parser().parsestr(content.read().decode("utf-8", "replace"), headersonly=True)


def environment_bill(
    archive: str, sha256: str, requirements: Sequence[tuple[str, str, list[str]]], licences: Mapping[str, Any]
) -> dict[str, Any]:
    """The bill of a dependency archive: what its lock pins, and the licences found in it.

    The sums of a component are those that the lock allows, one for each file of that version; one of them was
    installed.
    """
    components = [_library(name, version, sums, licences.get(name)) for name, version, sums in requirements]
    whole = {"type": "file", "bom-ref": archive, "name": archive, "hashes": [_sum(sha256)]}
    depends = [{"ref": archive, "dependsOn": sorted(one["bom-ref"] for one in components)}]
    return _bill(whole, components, depends)


def code_bill(version: str, archive: str, sha256: str, environments: Mapping[str, str]) -> dict[str, Any]:
    """The bill of the code; ``environments`` are the dependency archives beside it, name -> SHA-256.

    Spark, Delta and Hadoop are the platform's and stand in no bill.
    """
    purl = f"pkg:generic/lakejobs@{version}"
    whole = {
        "type": "application",
        "bom-ref": purl,
        "name": "lakejobs",
        "version": version,
        "purl": purl,
        "hashes": [_sum(sha256)],
        "properties": [{"name": "lakejobs:archive", "value": archive}],
    }
    components = [
        {
            "type": "file",
            "bom-ref": name,
            "name": name,
            "hashes": [_sum(digest)],
            "externalReferences": [{"type": "bom", "url": bill_name(name)}],
        }
        for name, digest in sorted(environments.items())
    ]
    return _bill(whole, components, [{"ref": purl, "dependsOn": [one["bom-ref"] for one in components]}])


def lock_of(archive: str) -> str | None:
    """The name of the lock that an archive was made from, by its own name."""
    found = _ARCHIVE.fullmatch(archive)
    return found["lock"] if found else None


def written(bill: Mapping[str, Any]) -> bytes:
    """A bill as the bytes of its file."""
    return (json.dumps(bill, indent=1, sort_keys=True) + "\n").encode()


def _library(name: str, version: str, sums: list[str], licence: dict[str, Any] | None) -> dict[str, Any]:
    # A package URL writes the plus of a local version as %2B.
    purl = f"pkg:pypi/{name}@{version.replace('+', '%2B')}"
    component: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    component["hashes"] = [_sum(one) for one in sums]
    if licence:
        component["licenses"] = [licence]
    return component


def _sum(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}


def _bill(whole: dict[str, Any], components: list[dict[str, Any]], depends: list[dict[str, Any]]) -> dict[str, Any]:
    bill: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": whole},
        "components": components,
        "dependencies": depends,
    }
    serial = uuid.uuid5(_SPACE_OF_SERIALS, json.dumps(bill, sort_keys=True))
    return {**bill, "serialNumber": f"urn:uuid:{serial}"}
