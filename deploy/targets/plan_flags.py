"""The flags of ``lakejobs plan``; whatever is wrong with them is a UsageError with a code."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from common.errors import UsageError
from common.run.flags import FLAG_NAMES
from common.words import did_you_mean
from deploy.package.build import MANIFEST, REPOSITORY
from deploy.targets.sizes import ServerlessSize
from deploy.targets.spark_conf import parse_conf

TARGET_FLAGS = {
    "--artifacts": "artifacts",
    "--cluster-id": "cluster_id",
    "--application-id": "application_id",
    "--virtual-cluster-id": "virtual_cluster_id",
    "--role-arn": "role_arn",
    "--region": "region",
    "--release": "release",
    "--spark-version": "spark_version",
    "--arch": "architecture",
    "--node-python": "node_python",
    "--delta-jars": "delta_jars",
    "--instance-type": "instance_type",
    "--log-uri": "logs.s3",
    "--log-group": "logs.cloudwatch",
    "--timeout-minutes": "timeout_minutes",
    "--max-attempts": "max_attempts",
    **{f"--{name.replace('_', '-')}": f"size.{name}" for name in ServerlessSize.model_fields},
}
"""Flag -> key of the target that it stands above."""

_HELP = {
    "--artifacts": "where builds are uploaded, e.g. s3://bucket/lakejobs",
    "--arch": "processor of the nodes: x86_64 or aarch64",
    "--node-python": "use this interpreter of the nodes, ship no dependency archive",
    "--delta-jars": "Delta's jars on plain YARN, separated by commas, delta-spark first",
    "--log-uri": "S3 prefix of the logs, or off",
    "--log-group": "log group of CloudWatch, or off",
    "--timeout-minutes": "of EMR Serverless, 1 to 10,080",
    "--max-attempts": "attempts that EMR Serverless or EKS makes by itself, 1 to 10",
}


@dataclass(frozen=True)
class PlanFlags:
    """A parsed command line; ``overrides`` is as ``target_of`` takes it, ``arguments`` are the job's."""

    job: str
    target: str
    file: Path | None
    manifest: Path
    run_id: str | None
    attempt: str | None
    output: str
    conf: dict[str, str]
    overrides: dict[str, tuple[str, str]]
    arguments: tuple[str, ...]


class _Once(argparse.Action):
    """Takes a value once: of two cluster ids the last would win in silence."""

    def __call__(
        self, _parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Keep the value, or raise UsageError CLI-002 for a second one."""
        if getattr(namespace, self.dest) is not None:
            raise UsageError("CLI-002", f"{option} is given twice.", remedy="Give it once: a run goes to one place.")
        setattr(namespace, self.dest, values)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise instead of printing and leaving."""
        raise UsageError("CLI-002", f"{message[:1].upper()}{message[1:]}.", remedy="See `lakejobs plan --help`.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="lakejobs plan",
        usage="lakejobs plan JOB --target NAME [flags] -- [flags of the job]",
        description="Print what a run of a job would be on a target, and the exact request for it. Sends nothing.",
        epilog="lakejobs plan clickstream.sessionise --target prod -- --day 2026-11-20",
        allow_abbrev=False,
        exit_on_error=False,
    )
    add = parser.add_argument
    add("job", help="the job, as `lakejobs jobs` lists it")
    add("--target", action=_Once, required=True, help="a target of the file, or a kind of which flags say the rest")
    add("--targets", action=_Once, type=Path, metavar="FILE", help="the file of targets (default: ./targets.yaml)")
    add("--manifest", action=_Once, type=Path, help="of the build (default: dist/manifest.json)")
    add("--run-id", action=_Once, help="name of the work; the same one is one run (default: proposed)")
    add("--attempt", action=_Once, help="2 and more repeat a run that failed (default: 1)")
    add("--conf", action="append", default=[], metavar="KEY=VALUE", help="a Spark property; may be repeated")
    add(
        "-o", "--output", choices=("text", "json", "shell"), default="text",
        help="json: the request alone; shell: the command that sends it",
    )  # fmt: skip
    for flag, key in TARGET_FLAGS.items():
        field = ServerlessSize.model_fields.get(key.removeprefix("size."))
        described = field.description if field and key.startswith("size.") else None
        add(flag, action=_Once, metavar="VALUE", help=_HELP.get(flag) or described or f"{key} of the target")
    add("--flex-execution", action="store_true", help="let EMR Serverless wait for spare capacity")
    return parser


def parse_plan_flags(words: Sequence[str]) -> PlanFlags:
    """The flags in ``words``; what follows ``--`` is the job's. Raises UsageError CLI-001, CLI-002, TGT-007."""
    cut = list(words).index("--") if "--" in words else len(words)
    parser = _parser()
    try:
        found, unknown = parser.parse_known_args(list(words[:cut]))
    except argparse.ArgumentError as error:
        flag = f"{error.argument_name}: " if error.argument_name else ""
        raise UsageError("CLI-002", f"{flag}{error.message}.", remedy="See `lakejobs plan --help`.") from error
    if unknown:
        raise _unknown(unknown[0].partition("=")[0])
    given: dict[str, tuple[str, str]] = {}
    for flag, key in TARGET_FLAGS.items():
        value = getattr(found, flag.removeprefix("--").replace("-", "_"))
        if value is not None:
            given[key] = (flag, value)
    if found.flex_execution:
        given["flex_execution"] = ("--flex-execution", "true")
    return PlanFlags(
        job=found.job,
        target=found.target,
        file=found.targets,
        manifest=found.manifest or REPOSITORY / "dist" / MANIFEST,
        run_id=found.run_id,
        attempt=found.attempt,
        output=found.output,
        conf=parse_conf(found.conf),
        overrides=given,
        arguments=tuple(words[cut + 1 :]),
    )


def _unknown(word: str) -> UsageError:
    if word in FLAG_NAMES:
        return UsageError(
            "CLI-001",
            f"'{word}' is a flag of the job.",
            remedy=f"Give it after --: lakejobs plan JOB --target NAME -- {word} ...",
        )
    known = [*TARGET_FLAGS, "--target", "--targets", "--manifest", "--run-id", "--attempt", "--conf", "--output"]
    return UsageError(
        "CLI-001",
        f"'{word}' is not a flag of `lakejobs plan`.{did_you_mean(word, known)}",
        remedy="Flags of the job follow after --; see `lakejobs plan --help`.",
    )
