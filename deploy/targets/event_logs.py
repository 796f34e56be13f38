"""The folder of Spark's event logs on S3: Spark does not start when it cannot find it, and does not make it."""

from __future__ import annotations

from common.config.lake_settings import LakeSettings
from common.errors import UsageError
from common.lake.storage.open import object_store
from deploy.targets.job_check import patient, reachable
from deploy.targets.requests import event_logs
from deploy.targets.target import Target

# S3 has folders only as parts of names. History servers pass over files whose names begin with a dot.
_MARKER = ".keep"


def make_event_log_folder(target: Target, settings: LakeSettings) -> str:
    """Make the folder of the target's event logs unless it is there; its address, empty where there are none."""
    folder = event_logs(target)
    if folder:
        object_store(folder, settings).write_if_absent(_MARKER, b"")
    return folder


def check_event_log_folder(target: Target, settings: LakeSettings) -> list[str]:
    """Sentences about what could not be checked: whether the folder of the target's event logs is there.

    Raises UsageError TGT-013 when it is not.
    """
    folder, unseen = event_logs(target), list[str]()
    if folder:
        with reachable(f"the folder of event logs {folder}", unseen):
            if next(iter(object_store(folder, patient(settings)).list()), None) is None:
                raise UsageError(
                    "TGT-013",
                    f"There is no folder {folder} for event logs.",
                    cause="Spark writes them into a folder that it finds, and does not start without it.",
                    remedy="`lakejobs publish --target NAME` makes it.",
                )
    return unseen
