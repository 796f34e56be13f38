"""Where a lake may be: somewhere that every process of the run sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.errors import UsageError
from common.spark.conf import is_local, spark_master

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings


def check_lake_root(settings: LakeSettings, env: str) -> None:
    """Refuse a root that would lose what is written there; needs no JVM.

    Raises UsageError CFG-007 when there is no root, CFG-008 when it is a folder and Spark is not local.
    """
    require_root(settings, env)
    refuse_folder_on_cluster(settings, spark_master(settings.spark_conf))


def require_root(settings: LakeSettings, env: str) -> None:
    """Raises UsageError CFG-007 when no layer of the settings has given a root."""
    if not settings.root:
        raise UsageError(
            "CFG-007",
            f"The environment '{env}' has no lake root.",
            cause="Only --env local has one by default: a guessed folder on a cluster is lost when the run ends.",
            remedy=f"Add --lake s3://bucket/prefix, or set root under {env}: in conf/lake.yaml.",
        )


def refuse_folder_on_cluster(settings: LakeSettings, master: str) -> None:
    """Raises UsageError CFG-008 when the root is a folder of one machine and ``master`` is not a local Spark."""
    if settings.root_is_local_folder and not is_local(master):
        raise UsageError(
            "CFG-008",
            f"The lake root '{settings.root}' is a folder, but Spark runs on {master}.",
            cause="Each node would write to its own folder, and a container's folder is deleted when the run ends.",
            remedy="Give --lake s3://bucket/prefix. If every node mounts the folder: --set lake.shared_folder=true.",
        )
