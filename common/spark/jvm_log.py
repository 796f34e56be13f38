"""Where the JVM of a local run prints: a file of its own, so that the console says what the suite says."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings

_LOG = logging.getLogger("lakejobs.session")
_FOLDER = "logs"
_KEPT_FILES = 50


def new_log_file(settings: LakeSettings, app_name: str) -> Path | None:
    """A file below ``logs`` in the lake, or in the folder for temporary files where the lake is no folder.

    The oldest files are deleted beyond 50. None where no file can be written: then the console has to do.
    """
    is_folder = settings.root_is_local_folder and bool(settings.root)
    root = Path(settings.root.removeprefix("file://")) if is_folder else Path(tempfile.gettempdir()) / "lakejobs"
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", app_name if is_folder else f"{app_name}-{os.getpid()}")
    path = root / _FOLDER / f"{name}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        _delete_oldest(path.parent)
    except OSError:
        return None
    _LOG.info("the JVM prints to %s", path)
    return path.resolve()


def _delete_oldest(folder: Path) -> None:
    newest_first = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[_KEPT_FILES:]:
        with suppress(FileNotFoundError):  # another run may have been quicker
            path.unlink()
