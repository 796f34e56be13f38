"""What the planned run would refuse at its start, refused before anything is sent: as far as it can be known here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from common.config.lake_settings import LakeSettings
from common.errors import LakejobsError, UsageError
from common.job.declaration import Job
from common.lake.storage.open import is_for_drivers_only
from common.run.context import Services
from common.run.flags import Flags, parse_flags
from common.run.named_source import source_of
from common.run.settings import settings_of
from common.run.start import check_free_columns, check_input, check_start
from common.spark.lake_root import refuse_folder_on_cluster
from deploy.package.build import MANIFEST
from deploy.targets.artefacts import differing_manifest, missing_build

if TYPE_CHECKING:
    from common.sources.mapping.model import Source

# A laptop without the rights or the network of the run is told so soon.
_PATIENCE_SECONDS = 5
_UNREACHABLE = {"LAK-008", "LAK-009", "LAK-014"}
_WITHOUT_HDFS = {"emr-serverless", "emr-eks"}


@dataclass(frozen=True)
class Checked:
    """What a run's flags ask for. ``settings`` is None when a conf file could not be looked at.

    ``unseen`` are sentences about what could not be checked from here.
    """

    flags: Flags
    settings: LakeSettings | None
    unseen: list[str]


def check_job(job: Job, arguments: Sequence[str], target: str) -> Checked:
    """The run that ``arguments`` ask for, checked as far as it can be from here.

    Raises what the run itself would raise at its start: UsageError for flags, settings, the source, and the lake
    (LAK-001 for a root that jobs cannot open), InputMissingError SRC-007; and UsageError PKG-015 for files of this
    machine, which the run would not find.
    """
    flags = parse_flags(job, arguments)
    if flags.help or flags.version:
        return Checked(flags, None, [])
    services, unseen = Services(), list[str]()
    source = _local_source(flags, services)
    with reachable("the --conf-file", unseen) as here:
        settings = env = None
        resolved = settings_of(job, flags, services)
        settings, env = resolved.lake, resolved.env
    if not here or settings is None or env is None:
        return Checked(flags, None, unseen)
    refuse_folder_on_cluster(settings, target)
    if target == "emr-cluster" and is_for_drivers_only(settings.root):
        raise UsageError(
            "LAK-001",
            "A lake on HDFS is lost when the cluster ends.",
            remedy="Give s3://bucket/prefix as the lake root.",
        )
    if target in _WITHOUT_HDFS and is_for_drivers_only(settings.root):
        raise UsageError(
            "LAK-001", f"There is no HDFS on {target}.", remedy="Give s3://bucket/prefix as the lake root."
        )
    # A root of a kind that jobs cannot open: opening asks nothing of the storage yet.
    with reachable(f"the lake {settings.root}", unseen):
        services.objects(settings.root, settings)
    soon = patient(settings)
    if flags.source and source is None:
        with reachable(f"the source {flags.source}", unseen):
            source = source_of(flags.source, soon, services.source, services.objects)
    check_start(job, settings, env, source)
    if source is not None and source.extra:
        with reachable(f"the lake {settings.root}", unseen):
            check_free_columns(job, source, services.objects(settings.root, soon))
    if flags.input:
        with reachable(f"the input {flags.input}", unseen):
            check_input(flags.input, soon, source)
    _refuse_files_of_this_machine(flags, settings, target)
    return Checked(flags, settings, unseen)


def check_uploaded(folder: str, manifest: Path, settings: LakeSettings) -> list[str]:
    """Sentences about what could not be checked: whether a build is in the folder on S3 that a run takes it from.

    Raises UsageError TGT-006 when its manifest is not there, or is another build's.
    """
    unseen = list[str]()
    with reachable(f"the build in {folder}", unseen):
        try:
            there = Services().objects(folder, patient(settings)).read(MANIFEST)
        except FileNotFoundError as error:
            raise missing_build(folder) from error
        if there != manifest.read_bytes():
            raise differing_manifest(folder)
    return unseen


def patient(settings: LakeSettings) -> LakeSettings:
    """The settings, with as much patience for a storage as a person has who waits for a plan."""
    return settings.model_copy(update={"storage_deadline_seconds": _PATIENCE_SECONDS})


def _local_source(flags: Flags, services: Services) -> Source | None:
    return services.source(flags.source) if flags.source and "://" not in flags.source else None


@contextmanager
def reachable(what: str, unseen: list[str]) -> Iterator[list[bool]]:
    """Passes over a storage that cannot be reached from here; the list is emptied then."""
    here = [True]
    try:
        yield here
    except LakejobsError as error:
        # A bucket that nobody has is missing for the run as well.
        if error.code not in _UNREACHABLE or "NoSuchBucket" in error.message:
            raise
        here.clear()
        unseen.append(f"{what} could not be looked at from here ({error.code}): the run checks it at its start.")


def _refuse_files_of_this_machine(flags: Flags, settings: LakeSettings, target: str) -> None:
    if settings.shared_folder:
        return
    is_file = flags.source is not None and flags.source.lower().endswith((".yaml", ".yml"))
    for flag, path in (("--input", flags.input), ("--source", flags.source if is_file else None)):
        if path and ("://" not in path or path.startswith("file:")):
            raise UsageError(
                "PKG-015",
                f"{flag} {path} is on this machine, where the run on {target} does not see it.",
                remedy=f"Upload it and give {flag} s3://bucket/..., or --set lake.shared_folder=true if every node "
                "mounts that folder.",
            )
