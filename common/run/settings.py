"""The settings that the flags of a run ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.config.lake_settings import LakeSettings
from common.config.resolve import Resolved, resolve
from common.job import catalogue
from common.run.context import Services
from common.run.flags import Flags
from common.spark.lake_root import check_lake_root

if TYPE_CHECKING:
    from common.job.declaration import Job


def settings_of(job: Job, flags: Flags, services: Services) -> Resolved:
    """The settings that the flags ask for. Raises UsageError CFG-001 to CFG-008."""

    def fetch(address: str, so_far: LakeSettings) -> str:
        folder, _, name = address.rpartition("/")
        return services.objects(folder, so_far).read(name).decode("utf-8")

    resolved = resolve(
        job.family,
        job.short_name,
        job.params,
        env=flags.env,
        conf_files=flags.conf_files,
        sets=flags.sets,
        flags={} if flags.lake is None else {"--lake": flags.lake},
        suite=catalogue,
        fetch=fetch,
    )
    # Here, and not where the session opens: the record of the run would already be lost in the folder.
    check_lake_root(resolved.lake, resolved.env)
    return resolved
