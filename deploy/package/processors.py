"""Which processor a shared object is for, by its ELF header (System V ABI, chapter 4: ``e_machine``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from common.errors import JobFailedError

_ELF = b"\x7fELF"
_HEADER_BYTES = 20
# e_machine, as the ABI numbers processors.
_MACHINES = {62: "x86_64", 183: "aarch64"}


def processor_of(header: bytes) -> str | None:
    """``x86_64`` or ``aarch64``, another processor as ``machine N``, or None for what is no ELF file."""
    if len(header) < _HEADER_BYTES or not header.startswith(_ELF):
        return None
    number = int.from_bytes(header[18:20], "big" if header[5] == 2 else "little")
    return _MACHINES.get(number, f"machine {number}")


def check_processors(folder: Path, architecture: str) -> int:
    """How many shared objects and programs lie below a folder, all of them for the processor.

    Raises JobFailedError PKG-016 for one that another processor runs: it would be found on the node, by the first run.
    """
    number = 0
    for path, found in _programs(folder):
        number += 1
        if found != architecture:
            raise JobFailedError(
                "PKG-016",
                f"The dependency archive for {architecture} would ship a shared object for {found}.",
                cause=f"It is {path.relative_to(folder).as_posix()}.",
                remedy="Check that the lock has a wheel of that package for this processor.",
            )
    return number


def _programs(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                found = processor_of(stream.read(_HEADER_BYTES))
            if found:
                yield path, found
