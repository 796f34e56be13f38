"""``lakejobs publish``: puts a build where a target takes it from, once, and verifies what lies there."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from common.config.lake_settings import LakeSettings
from common.errors import ContractError, JobFailedError, UsageError
from common.job.catalogue import load_job
from common.lake.storage.objects import ObjectStore
from common.lake.storage.open import object_store
from common.run.context import Services
from common.run.flags import parse_flags
from common.run.record.build import code_hash
from common.run.settings import settings_of
from deploy.package.build import CHECKSUMS, MANIFEST, REPOSITORY, build, sha256_of, shipped_files
from deploy.package.environment import build_environment
from deploy.targets.artefacts import artefact_folder, environment_of, read_manifest
from deploy.targets.event_logs import make_event_log_folder
from deploy.targets.plan import release_of_target
from deploy.targets.target import EmrTarget, Target
from deploy.targets.target_file import target_of

_STORES = ("s3://", "s3a://", "file:", "/")


def main(arguments: Sequence[str]) -> int:
    """Command line: ``lakejobs publish --target NAME [--output DIST] [--environment LOCK[:ARCH]] [-o json]``.

    Returns the exit code. Raises UsageError TGT-001 to TGT-003 for the target, PKG-002 to PKG-009 for the build,
    and what ``upload`` raises.
    """
    parser = argparse.ArgumentParser(
        prog="lakejobs publish", description="Build if need be, upload once, verify, write the manifest last."
    )
    parser.add_argument("--target", required=True, help="a target of the file")
    parser.add_argument("--targets", type=Path, metavar="FILE", help="the file of targets (default: ./targets.yaml)")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "dist", help="folder of the build (default: dist)")
    parser.add_argument(
        "--environment", action="append", default=[], metavar="LOCK[:ARCH]",
        help="a dependency archive besides the target's own, e.g. default:aarch64; may be repeated",
    )  # fmt: skip
    parser.add_argument("-o", dest="form", choices=("text", "json"), default="text", help="default: text")
    parser.error = _refuse  # type: ignore[method-assign]
    options = parser.parse_args(list(arguments))
    target = target_of(options.target, options.targets)
    manifest = built(options.output, wanted_environments(target, options.environment))
    folder = artefact_folder(manifest, target.artifacts)
    if not folder.startswith(_STORES):
        print("\n".join(hadoop_commands(options.output, manifest, folder)))
        return 0
    settings = settings_for(target)
    make_event_log_folder(target, settings)
    fates = upload(options.output, manifest, object_store(folder, settings))
    if options.form == "json":
        print(json.dumps({"folder": folder, "files": fates}, indent=2))
        return 0
    uploaded = [name for name, fate in fates.items() if fate == "uploaded"]
    print(f"{folder}/: {len(uploaded)} files uploaded, {len(fates) - len(uploaded)} were there; all sums are right.")
    print(f"Next: lakejobs plan JOB --target {shlex.quote(options.target)} -- FLAGS")
    return 0


def wanted_environments(target: Target, more: Sequence[str]) -> list[tuple[str, str]]:
    """Lock and processor of each dependency archive: the target's own, unless its nodes have it, and those asked for.

    Raises UsageError PKG-009 for a text that is not ``LOCK`` or ``LOCK:PROCESSOR``.
    """
    own: tuple[str, str] = (release_of_target(target).lock, target.architecture)
    wanted = [] if target.node_python else [own]
    for text in more:
        lock, separator, architecture = text.partition(":")
        if not lock or (separator and not architecture):
            raise UsageError(
                "PKG-009",
                f"--environment {text!r} names no lock.",
                remedy="Give LOCK or LOCK:PROCESSOR.",
            )
        wanted.append((lock, architecture or "x86_64"))
    return list(dict.fromkeys(wanted))


def built(folder: Path, environments: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """The manifest of a build of these sources with these archives: the one in ``folder``, or a new one there."""
    if (folder / MANIFEST).is_file():
        manifest = read_manifest(folder / MANIFEST)
        if manifest.get("code_sha256") == code_hash(shipped_files()) and _has(manifest, environments):
            return manifest
    return build(folder, [build_environment(*one) for one in environments]).manifest


def _has(manifest: Mapping[str, Any], environments: Sequence[tuple[str, str]]) -> bool:
    try:
        return all(environment_of(manifest, *one) for one in environments)
    except UsageError:
        return False


def settings_for(target: Target) -> LakeSettings:
    """How the target's jobs reach storage: their endpoint, their key, in the target's Region."""
    job = load_job("maintenance", "maintain")
    given = [("--env", target.env), ("--lake", target.lake)]
    words = [word for flag, value in given if value for word in (flag, value)]
    settings = settings_of(job, parse_flags(job, words), Services()).lake
    region = target.region if isinstance(target, EmrTarget) else None
    return settings if settings.s3_region or not region else settings.model_copy(update={"s3_region": region})


def upload(folder: Path, manifest: Mapping[str, Any], store: ObjectStore) -> dict[str, str]:
    """Name -> ``uploaded`` or ``there``, for each file of a build; the manifest goes last, and says that all is there.

    It can be cut off anywhere and run again, by several at once: nothing that lies there is ever replaced. Raises
    JobFailedError PKG-018 for a build here whose files are not those of its manifest, ContractError PKG-017 for an
    object there with another size or sum, and what the store raises (LAK-008, LAK-009).
    """
    sums = {name: (int(one["bytes"]), str(one["sha256"])) for name, one in manifest["files"].items()}
    for name in (CHECKSUMS, MANIFEST):
        sums[name] = _size_and_sum(folder / name)
    for name, expected in sums.items():
        if _size_and_sum(folder / name) != expected:
            raise JobFailedError(
                "PKG-018",
                f"{folder / name} is not what the build left there.",
                remedy="Build again: `lakejobs package`.",
            )
    return {name: _put(store, folder, name, expected) for name, expected in sums.items()}


def _put(store: ObjectStore, folder: Path, name: str, expected: tuple[int, str]) -> str:
    there = store.fingerprint(name)
    fate = "there"
    if there is None:
        fate = "uploaded" if store.upload_if_absent(name, folder / name) else "there"
        there = store.fingerprint(name)
    if there != expected:
        size, digest = there or (0, "none")
        raise ContractError(
            "PKG-017",
            f"{store.root}/{name} is not the file of this build.",
            cause=f"It has {size} bytes and the SHA-256 {digest[:12]}, not {expected[0]} and {expected[1][:12]}.",
            remedy="Something else has written there: delete that object, and publish again.",
        )
    return fate


def _size_and_sum(file: Path) -> tuple[int, str]:
    return (file.stat().st_size, sha256_of(file)) if file.is_file() else (0, "none")


def hadoop_commands(folder: Path, manifest: Mapping[str, Any], target: str) -> list[str]:
    """The commands that put a build on a file system of Hadoop, the manifest last; none replaces what is there."""
    names = [*sorted(manifest["files"]), CHECKSUMS, MANIFEST]
    folders = sorted({f"{target}/{PurePosixPath(name).parent}".removesuffix("/.") for name in names})
    lines = [shlex.join(["hdfs", "dfs", "-mkdir", "-p", *folders])]
    for name in names:
        put = shlex.join(["hdfs", "dfs", "-put", str(folder / name), f"{target}/{name}"])
        lines.append(f"{shlex.join(['hdfs', 'dfs', '-test', '-e', f'{target}/{name}'])} || {put}")
    return lines


def _refuse(message: str) -> Any:
    raise UsageError("CLI-002", f"The command line is wrong: {message}.", remedy="See `lakejobs publish --help`.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
