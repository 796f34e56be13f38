"""The build that a run is to use: its manifest here, and the folder that it is uploaded to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.errors import UsageError
from deploy.package.build import build_name


def read_manifest(path: Path) -> Mapping[str, Any]:
    """The manifest of a build. Raises UsageError PKG-012 when there is none, or none of ours."""
    if not path.is_file():
        raise UsageError("PKG-012", f"There is no manifest {path}.", remedy="Run `lakejobs package` first.")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        manifest = None
    if not isinstance(manifest, dict) or not {"archive", "entries", "files"} <= manifest.keys():
        raise UsageError("PKG-012", f"{path} is not the manifest of a build.", remedy="Run `lakejobs package` again.")
    return manifest


def artefact_folder(manifest: Mapping[str, Any], artifacts: str) -> str:
    """Where a build is uploaded to: a folder named by its hash below the ``artifacts`` prefix, never written twice."""
    return f"{artifacts.rstrip('/')}/{build_name(manifest)}"


def entry_file(manifest: Mapping[str, Any], job: str) -> str:
    """The path of a job's entry file in a build. Raises UsageError PKG-012 for a build without that job."""
    if job not in manifest["entries"]:
        raise UsageError("PKG-012", f"The build does not contain {job}.", remedy="Run `lakejobs package` again.")
    return str(manifest["entries"][job])


def environment_of(manifest: Mapping[str, Any], lock: str, architecture: str) -> str:
    """The dependency archive of a lock and processor in a build. Raises UsageError PKG-012 when it is missing."""
    pattern = re.compile(rf"environment-{re.escape(lock)}-{re.escape(architecture)}-[0-9a-f]{{12}}\.tar\.gz")
    fitting = [name for name in manifest["files"] if pattern.fullmatch(name)]
    if not fitting:
        names = [name for name in manifest["files"] if name.startswith("environment-") and name.endswith(".tar.gz")]
        raise UsageError(
            "PKG-012",
            f"The build has no dependency archive of {lock} for {architecture}.",
            cause=f"It has {', '.join(names) or 'none'}.",
            remedy=f"lakejobs package --environment {lock}:{architecture}; if bootstrap/install.sh installs it on "
            "the nodes, give its interpreter with --node-python.",
        )
    return str(fitting[0])


def differing_manifest(folder: str) -> UsageError:
    """The refusal of a folder whose manifest is another build's."""
    return UsageError(
        "TGT-006",
        f"{folder} holds another build than the manifest here.",
        remedy="Something else has written there. Delete the folder, and publish again: `lakejobs publish`.",
    )


def missing_build(folder: str) -> UsageError:
    """The refusal of a folder without a manifest."""
    return UsageError(
        "TGT-006",
        f"The build is not uploaded: there is no {folder}/manifest.json.",
        remedy="lakejobs publish --target NAME",
    )
