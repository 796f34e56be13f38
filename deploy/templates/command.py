"""``lakejobs infra``: lists and prints the CloudFormation templates, and one for Grafana. It deploys nothing."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from common.errors import LakejobsError, UsageError
from common.words import did_you_mean

_FOLDER = Path(__file__).resolve().parent
_DESCRIPTION = re.compile(r'^(?:Description: "(.*)"|# (.*)| "description": "(.*)",)$', re.MULTILINE)
# In the order in which a new account needs them.
_ORDER = (
    *("bucket", "network", "glue", "serverless", "logs", "roles", "emr-cluster", "eks-rbac", "eks"),
    *("watch", "grafana"),
)


def main(argv: Sequence[str]) -> int:
    """Command line of ``lakejobs infra [NAME]``; the exit code."""
    parser = argparse.ArgumentParser(
        prog="lakejobs infra",
        description="List the templates, or print one: lakejobs infra bucket > bucket.yaml; aws cloudformation deploy "
        "--template-file bucket.yaml --stack-name lakejobs-bucket --parameter-overrides BucketName=...",
    )
    parser.add_argument("name", nargs="?", default="", help="the template to print")
    options = parser.parse_args(argv)
    try:
        shown = template(options.name) if options.name else _listed()
    except LakejobsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(shown, end="")
    return 0


def template_paths() -> dict[str, Path]:
    """Name -> file of every template, in the order in which a new account needs them.

    ``eks-rbac`` is for kubectl, ``grafana`` for Grafana, the others for CloudFormation.
    """
    found = {path.stem: path for kind in ("*.yaml", "*.json") for path in sorted(_FOLDER.rglob(kind))}
    return {name: found[name] for name in sorted(found, key=lambda name: (*_ORDER, name).index(name))}


def template(name: str) -> str:
    """The text of a template. Raises UsageError INF-001 when there is none of the name."""
    paths = template_paths()
    if name not in paths:
        raise UsageError(
            "INF-001",
            f"There is no template '{name}'.{did_you_mean(name, paths)}",
            remedy=f"Templates: {', '.join(paths)}.",
        )
    return paths[name].read_text(encoding="utf-8")


def _listed() -> str:
    lines = []
    for name in template_paths():
        found = _DESCRIPTION.search(template(name))
        lines.append(f"{name:<12} {found.group(found.lastindex or 0) if found else ''}\n")
    return "".join(lines)
