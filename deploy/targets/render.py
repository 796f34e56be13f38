"""``lakejobs render``: prints the exact request that would run a job on EMR, and sends nothing."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from common.errors import LakejobsError, UsageError
from common.releases import DEFAULT_RELEASE, release_of
from deploy.package.build import MANIFEST, REPOSITORY
from deploy.package.entries import entry_of
from deploy.package.environment import PLATFORMS
from deploy.targets.job_check import check_job
from deploy.targets.requests import TARGETS, Place
from deploy.targets.submission import Size, Submission, artefact_folder, environment_of, read_manifest

_PLACE_FLAG = {"emr-step": "cluster-id", "emr-serverless": "application-id", "emr-eks": "virtual-cluster-id"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lakejobs render",
        description="Print the exact request that would run a job. The job's own flags follow after --.",
        epilog="lakejobs render clickstream.sessionise --target emr-serverless --artifacts s3://bucket/lakejobs "
        "--application-id 00f1abc --role-arn arn:aws:iam::...:role/run -- --env prod --lake s3://bucket/lake "
        "--day 2026-11-20",
    )
    add = parser.add_argument
    add("job", help="the job, as `lakejobs jobs` lists it")
    add("--target", required=True, choices=list(TARGETS))
    add("--artifacts", required=True, metavar="PREFIX", help="where builds are uploaded, e.g. s3://bucket/lakejobs")
    add(
        "--manifest",
        type=Path,
        default=REPOSITORY / "dist" / MANIFEST,
        help="of the build (default: dist/manifest.json)",
    )
    add("--release", default=DEFAULT_RELEASE, help=f"EMR release label (default: {DEFAULT_RELEASE})")
    add("--arch", default="x86_64", choices=list(PLATFORMS), help="processor of the nodes")
    add(
        "--node-python",
        default="",
        metavar="PATH",
        help="use this interpreter of the nodes, ship no dependency archive",
    )
    for flag in _PLACE_FLAG.values():
        add(f"--{flag}", default="", metavar="ID")
    add("--role-arn", default="", help="the role that the run takes")
    add("--log-uri", default="", help="where the service writes its logs, e.g. s3://bucket/logs/")
    add("--timeout-minutes", type=int, default=720, help="of EMR Serverless (default: 720)")
    add("--again", type=int, default=0, metavar="N", help="another number repeats a run on purpose")
    for name, value in vars(Size()).items():
        add(f"--{name.replace('_', '-')}", type=int, default=value, help=f"default: {value}")
    return parser


def _submission(options: argparse.Namespace, arguments: Sequence[str]) -> Submission:
    entry = entry_of(options.job)
    release = release_of(options.release)
    manifest = read_manifest(options.manifest)
    folder = artefact_folder(manifest, options.artifacts)
    if entry.name not in manifest["entries"]:
        raise UsageError("PKG-012", f"The build does not contain {entry.name}.", remedy="Run `lakejobs package` again.")
    environment = None
    if not options.node_python:
        environment = f"{folder}/{environment_of(manifest, release.lock, options.arch)}"
    return Submission(
        job=entry.name,
        entry=f"{folder}/{manifest['entries'][entry.name]}",
        archive=f"{folder}/{manifest['archive']}",
        environment=environment,
        arguments=tuple(arguments),
        release=release,
        release_label=options.release,
        size=Size(**{name: getattr(options, name) for name in vars(Size())}),
        again=options.again,
        node_python=options.node_python,
    )


def _place(options: argparse.Namespace) -> Place:
    flag = _PLACE_FLAG.get(options.target, "")
    identifier = getattr(options, flag.replace("-", "_")) if flag else ""
    if flag and not identifier:
        raise UsageError("PKG-013", f"The target {options.target} needs --{flag}.", remedy=f"Add --{flag} ID.")
    if options.target in ("emr-serverless", "emr-eks") and not options.role_arn:
        raise UsageError("PKG-013", f"The target {options.target} needs --role-arn.", remedy="Add --role-arn ARN.")
    return Place(identifier, options.role_arn, options.log_uri, options.timeout_minutes)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of ``lakejobs render``; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    cut = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:cut])
    arguments = words[cut + 1 :]
    try:
        submission = _submission(options, arguments)
        unseen = check_job(entry_of(submission.job).load(), arguments, options.target)
        request = TARGETS[options.target](submission, _place(options))
    except LakejobsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for sentence in unseen:
        print(f"Not checked: {sentence}", file=sys.stderr)
    print(shlex.join(request) if isinstance(request, list) else json.dumps(request, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
