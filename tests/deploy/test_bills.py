"""What a build is made of: bills of materials, and the processor of each shared object.

The fields are those that the CycloneDX 1.6 schema requires; `cyclonedx-python-lib` holds it.
"""

from __future__ import annotations

import io
import json
import tarfile
from email.parser import Parser
from pathlib import Path

import pytest

from common.errors import JobFailedError
from deploy.package import build as package_build
from deploy.package.bill import environment_bill, licence_of, licences_in, locked
from deploy.package.build import build
from deploy.package.processors import check_processors, processor_of

pytestmark = pytest.mark.unit

_ARCHIVE = "environment-default-aarch64-0123456789ab.tar.gz"
_ONE, _TWO = "1" * 64, "2" * 64
_LOCK = f"""# a comment
Shop.Floor[extra]==1.2+cpu \\
    --hash=sha256:{_ONE} \\
    --hash=sha256:{_TWO}
till==3 ; python_version < "4" \\
    --hash=sha256:{_TWO}
"""


def test_a_lock_gives_names_versions_and_sums() -> None:
    assert locked(_LOCK) == [("shop-floor", "1.2+cpu", [_ONE, _TWO]), ("till", "3", [_TWO])]


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: x", {"expression": "MIT OR Apache-2.0"}),
        ("Classifier: License :: OSI Approved :: BSD License\nLicense: x", {"license": {"name": "BSD License"}}),
        ("License: MPL-2.0", {"license": {"name": "MPL-2.0"}}),
        ("License: Permission is hereby granted\n        to anybody", None),
        ("License: UNKNOWN", None),
        ("Name: shop", None),
    ],
)
def test_a_licence_is_what_the_distribution_states(metadata: str, licence: object) -> None:
    assert licence_of(Parser().parsestr(metadata)) == licence


def test_the_bill_of_an_archive_has_what_cyclonedx_requires() -> None:
    bill = environment_bill(_ARCHIVE, _TWO, locked(_LOCK), {"till": {"expression": "MIT"}})
    assert bill.pop("serialNumber").startswith("urn:uuid:")
    assert bill == {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "file",
                "bom-ref": _ARCHIVE,
                "name": _ARCHIVE,
                "hashes": [{"alg": "SHA-256", "content": _TWO}],
            }
        },
        "components": [
            {
                "type": "library",
                "bom-ref": "pkg:pypi/shop-floor@1.2%2Bcpu",
                "name": "shop-floor",
                "version": "1.2+cpu",
                "purl": "pkg:pypi/shop-floor@1.2%2Bcpu",
                "hashes": [{"alg": "SHA-256", "content": _ONE}, {"alg": "SHA-256", "content": _TWO}],
            },
            {
                "type": "library",
                "bom-ref": "pkg:pypi/till@3",
                "name": "till",
                "version": "3",
                "purl": "pkg:pypi/till@3",
                "hashes": [{"alg": "SHA-256", "content": _TWO}],
                "licenses": [{"expression": "MIT"}],
            },
        ],
        "dependencies": [
            {"ref": _ARCHIVE, "dependsOn": ["pkg:pypi/shop-floor@1.2%2Bcpu", "pkg:pypi/till@3"]},
        ],
    }


def test_a_build_ships_a_bill_for_the_code_and_one_for_each_archive(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / _ARCHIVE, "w:gz") as archive:
        text = b"Metadata-Version: 2.4\nName: boto3\nLicense-Expression: Apache-2.0\n"
        info = tarfile.TarInfo("lib/python3.11/site-packages/boto3-1.dist-info/METADATA")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    assert licences_in(tmp_path / _ARCHIVE) == {"boto3": {"expression": "Apache-2.0"}}
    package = build(tmp_path / "dist", [tmp_path / _ARCHIVE])
    name = _ARCHIVE.replace(".tar.gz", ".cdx.json")
    assert {"lakejobs.cdx.json", name} <= set(package.manifest["files"])  # type: ignore[call-overload]
    code = json.loads((package.folder / "lakejobs.cdx.json").read_text())
    assert code["metadata"]["component"]["hashes"] == [
        {"alg": "SHA-256", "content": package_build.sha256_of(package.archive)}
    ]
    assert [one["externalReferences"] for one in code["components"]] == [[{"type": "bom", "url": name}]]
    bill = json.loads((package.folder / name).read_text())
    stated = {one["name"]: one.get("licenses") for one in bill["components"]}
    assert stated["boto3"] == [{"expression": "Apache-2.0"}]
    assert stated["numpy"] is None


def _elf(machine: int, order: int = 1) -> bytes:
    """The first bytes of an ELF file: magic, 64 bits, byte order, and e_machine at its place."""
    number = machine.to_bytes(2, "little" if order == 1 else "big")
    return b"\x7fELF\x02" + bytes([order]) + bytes(10) + b"\x03\x00" + number


@pytest.mark.parametrize(
    ("header", "processor"),
    [
        (_elf(62), "x86_64"),
        (_elf(183), "aarch64"),
        (_elf(183, 2), "aarch64"),
        (_elf(243), "machine 243"),
        (b"\x7fELF", None),
        (b"import numpy as np  # text", None),
    ],
)
def test_a_header_tells_the_processor(header: bytes, processor: str | None) -> None:
    assert processor_of(header) == processor


def test_a_shared_object_of_another_processor_fails_the_archive(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/fast.so").write_bytes(_elf(183))
    (tmp_path / "shop/slow.py").write_text("X = 1")
    assert check_processors(tmp_path, "aarch64") == 1
    with pytest.raises(JobFailedError, match="would ship a shared object for aarch64") as raised:
        check_processors(tmp_path, "x86_64")
    assert (raised.value.code, raised.value.cause) == ("PKG-016", "It is shop/fast.so.")
