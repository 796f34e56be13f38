"""Builds what is shipped to a cluster: the code archive, the entry files, the bootstrap actions and a manifest.

The same sources give the same bytes, for any builder, place and time: entries are sorted, timestamps and modes are
fixed, and only files of declared kinds go in. The archive is named by the hash of its bytes, so that a running job
never has its code replaced under it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from common import __version__
from common.errors import LakejobsError, UsageError
from common.run.record.build import BUILD_STAMP, PACKAGES, code_hash, packaged_files
from deploy.package.bill import CODE_BILL, bill_name, code_bill, environment_bill, licences_in, lock_of, locked, written
from deploy.package.entries import find_entries

REPOSITORY = Path(__file__).resolve().parents[2]
PLAIN_NAME = "lakejobs.zip"
MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_UNIX = 3
_LEVEL = 9


@dataclass(frozen=True)
class Package:
    """What a build left: the folder, the content-addressed archive in it, and the manifest's content."""

    folder: Path
    archive: Path
    manifest: Mapping[str, object]

    @property
    def name(self) -> str:
        """The name of the folder that the build is published in."""
        return build_name(self.manifest)


def build_name(manifest: Mapping[str, object]) -> str:
    """Names a build by its code and by all that is in it.

    The second hash tells builds of one code apart: with other dependency archives, or from another commit.
    """
    content = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    return f"{str(manifest['archive']).removesuffix('.zip')}-{content[:8]}"


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _data_suffixes(repository: Path) -> set[str]:
    # One definition of what data a package may hold: the wheel's own.
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    return {Path(pattern).suffix for pattern in patterns}


def shipped_files(repository: Path = REPOSITORY) -> dict[str, bytes]:
    """Archive name -> bytes of everything that goes into the archive, sorted by name.

    Raises UsageError PKG-002 for a file of a kind that is not declared as package data, PKG-003 for a folder without
    ``__init__.py`` (executors could not import from it).
    """
    kinds = _data_suffixes(repository) | {".py"}
    files = packaged_files({package: repository / package for package in PACKAGES})
    folders: set[PurePosixPath] = set()
    for name in files:
        path = PurePosixPath(name)
        if path.suffix not in kinds:
            raise UsageError(
                "PKG-002",
                f"{name} is not a kind of file that packages ship.",
                cause=f"Its suffix '{path.suffix}' is not among {', '.join(sorted(kinds))}.",
                remedy="Move it out of the packages, or declare the suffix in pyproject.toml, package-data.",
            )
        folders.update(set(path.parents) - {PurePosixPath()})
    for folder in sorted(folders):
        if f"{folder}/__init__.py" not in files:
            raise UsageError(
                "PKG-003",
                f"The folder {folder} has no __init__.py.",
                cause="Executors import from the archive only where each folder is a package.",
                remedy=f"Add {folder}/__init__.py.",
            )
    return files


def write_archive(path: Path, files: Mapping[str, bytes]) -> None:
    """Writes the zip: names sorted, one timestamp, one mode, one compression level."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sorted(files.items()):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = _UNIX
            info.external_attr = _MODE
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content, compresslevel=_LEVEL)


def _clear_previous(folder: Path) -> None:
    # Only what an earlier build wrote there is removed; a folder with anything else in it is refused.
    manifest = folder / MANIFEST
    if manifest.is_file():
        for name in [*json.loads(manifest.read_text(encoding="utf-8"))["files"], MANIFEST, CHECKSUMS]:
            (folder / name).unlink(missing_ok=True)
    elif folder.exists() and any(folder.iterdir()):
        raise UsageError(
            "PKG-004",
            f"{folder} is not empty and does not contain an earlier build.",
            remedy="Name an empty or new folder with --output.",
        )
    folder.mkdir(parents=True, exist_ok=True)


def _source_commit(repository: Path) -> str | None:
    command = ["git", "-C", str(repository), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return finished.stdout.strip() or None


def _copy(source: Path, folder: Path, name: str) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _fingerprints(folder: Path, names: Sequence[str]) -> dict[str, dict[str, object]]:
    return {
        name: {"sha256": sha256_of(folder / name), "bytes": (folder / name).stat().st_size} for name in sorted(names)
    }


def build(folder: Path, environments: Sequence[Path] = (), repository: Path = REPOSITORY) -> Package:
    """Builds into ``folder``; ``environments`` are dependency archives to put next to the code.

    Raises UsageError PKG-002, PKG-003 (see ``shipped_files``) or PKG-004 for a folder that holds something else.
    """
    files = shipped_files(repository)
    code = code_hash(files)
    stamp = {"code_sha256": code, "version": __version__}
    files[BUILD_STAMP] = (json.dumps(stamp, sort_keys=True) + "\n").encode()
    _clear_previous(folder)
    plain = folder / PLAIN_NAME
    write_archive(plain, files)
    archive = folder / f"lakejobs-{__version__}-{sha256_of(plain)[:12]}.zip"
    shutil.copyfile(plain, archive)
    names = [plain.name, archive.name]
    entries = {entry.name: entry.relative_path for entry in find_entries(repository / "jobs")}
    copies = {relative: repository / relative for relative in entries.values()}
    copies |= {f"bootstrap/{path.name}": path for path in sorted((repository / "bootstrap").glob("*.sh"))}
    copies |= {path.name: path for path in environments}
    for name, source in copies.items():
        _copy(source, folder, name)
        names.append(name)
    for name, bill in _bills(folder, archive, environments, repository).items():
        (folder / name).write_bytes(bill)
        names.append(name)
    manifest = {
        "version": __version__,
        "code_sha256": code,
        "source_commit": _source_commit(repository),
        "archive": archive.name,
        "entries": entries,
        "files": _fingerprints(folder, names),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    # The same sums in the form that sha256sum reads, because a cluster node has no JSON tool to rely on.
    sums = "".join(f"{sha256_of(folder / name)}  {name}\n" for name in sorted([*names, MANIFEST]))
    (folder / CHECKSUMS).write_text(sums, encoding="utf-8")
    return Package(folder, archive, manifest)


def _bills(folder: Path, code: Path, environments: Sequence[Path], repository: Path) -> dict[str, bytes]:
    """Name -> content of the bills of materials. That of an archive is kept beside it: reading it takes long."""
    sums = {path.name: sha256_of(folder / path.name) for path in environments}
    bills = {CODE_BILL: written(code_bill(__version__, code.name, sha256_of(code), sums))}
    for path in environments:
        lock, kept = lock_of(path.name), path.with_name(bill_name(path.name))
        if lock is None:
            continue
        if not kept.is_file():
            pins = locked((repository / "requirements" / f"run-{lock}.txt").read_text(encoding="utf-8"))
            draft = kept.with_suffix(".part")
            draft.write_bytes(written(environment_bill(path.name, sums[path.name], pins, licences_in(path))))
            draft.replace(kept)
        bills[kept.name] = kept.read_bytes()
    return bills


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: ``python -m deploy.package.build [--output dist] [--environment LOCK]``."""
    parser = argparse.ArgumentParser(
        prog="lakejobs package", description="Build the archive, entry files and manifest."
    )
    parser.add_argument("--output", type=Path, default=REPOSITORY / "dist", help="folder to build into (default: dist)")
    parser.add_argument(
        "--environment", action="append", default=[], metavar="LOCK[:ARCH]",
        help="add the dependency archive of a lock, e.g. default or emr-7.13.0:aarch64; may be repeated",
    )  # fmt: skip
    options = parser.parse_args(argv)
    try:
        environments = []
        if options.environment:
            from deploy.package.environment import build_environment

            environments = [build_environment(*name.split(":")) for name in options.environment]
        package = build(options.output, environments)
    except LakejobsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(package.archive)
    return 0


if __name__ == "__main__":
    sys.exit(main())
