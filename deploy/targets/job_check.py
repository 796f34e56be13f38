"""What the rendered run would refuse at its start, refused before anything is sent: as far as it can be known here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from common.config.lake_settings import LakeSettings
from common.errors import LakejobsError, UsageError
from common.job.declaration import Job
from common.run.context import Services
from common.run.flags import Flags, parse_flags
from common.run.named_source import source_of
from common.run.settings import settings_of
from common.run.start import check_free_columns, check_input, check_start
from common.spark.lake_root import refuse_folder_on_cluster

if TYPE_CHECKING:
    from common.sources.mapping.model import Source

# A laptop without the rights or the network of the run is told so soon.
_PATIENCE_SECONDS = 5
_UNREACHABLE = {"LAK-008", "LAK-009"}


def check_job(job: Job, arguments: Sequence[str], target: str) -> list[str]:
    """Sentences about what could not be checked from here.

    Raises what the run itself would raise at its start: UsageError for flags, settings, the lake, and the source,
    InputMissingError SRC-007; and UsageError PKG-015 for files of this machine, which the run would not find.
    """
    flags = parse_flags(job, arguments)
    if flags.help or flags.version:
        return []
    services, unseen = Services(), list[str]()
    source = _local_source(flags, services)
    with _reachable("the --conf-file", unseen) as here:
        settings = env = None
        resolved = settings_of(job, flags, services)
        settings, env = resolved.lake, resolved.env
    if not here or settings is None or env is None:
        return unseen
    refuse_folder_on_cluster(settings, target)
    patient = settings.model_copy(update={"storage_deadline_seconds": _PATIENCE_SECONDS})
    if flags.source and source is None:
        with _reachable(f"the source {flags.source}", unseen):
            source = source_of(flags.source, patient, services.source, services.objects)
    check_start(job, settings, env, source)
    if source is not None and source.extra:
        with _reachable(f"the lake {settings.root}", unseen):
            check_free_columns(job, source, services.objects(settings.root, patient))
    if flags.input:
        with _reachable(f"the input {flags.input}", unseen):
            check_input(flags.input, patient, source)
    _refuse_files_of_this_machine(flags, settings, target)
    return unseen


def _local_source(flags: Flags, services: Services) -> Source | None:
    return services.source(flags.source) if flags.source and "://" not in flags.source else None


@contextmanager
def _reachable(what: str, unseen: list[str]) -> Iterator[list[bool]]:
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
