"""``lakejobs policy``: prints the IAM policies that jobs need, and creates nothing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from common.errors import LakejobsError, UsageError
from common.job.graph import Graph
from deploy.policies.place import (
    Place,
    checked_account,
    checked_key,
    checked_log_group,
    checked_region,
    checked_secret,
    input_of,
    location_of,
)
from deploy.policies.statements import (
    INLINE_LIMIT,
    MANAGED_LIMIT,
    Policy,
    compact,
    policy_of,
    session_policy_of,
)
from deploy.policies.trust import KINDS, eks_trust, instance_profile_trust, serverless_trust, step_trust

_EXAMPLE = (
    "lakejobs policy clickstream.sessionise --lake s3://bucket/lake --artifacts s3://bucket/lakejobs "
    "--region us-east-1 --account 111122223333 --kms-key arn:aws:kms:us-east-1:111122223333:key/ID"
)


def main(argv: Sequence[str]) -> int:
    """Command line of ``lakejobs policy``; the exit code."""
    options = _parser().parse_args(argv)
    try:
        options = _filled_in(options) if options.target else options
        policy = _trust(options) if options.trust else _permissions(options)
    except LakejobsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(compact(policy) if options.session else json.dumps(policy, indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lakejobs policy",
        description="Print the IAM policy with the least rights that jobs need, from their declarations; or, with "
        "--trust, who may take their role.",
        epilog=_EXAMPLE,
    )
    add = parser.add_argument
    add("jobs", nargs="*", metavar="JOB", help="jobs or selectors, as for `lakejobs run`; their rights are joined")
    add("--target", default="", metavar="NAME", help="of targets.yaml: says what the flags below leave out")
    add("--targets", type=Path, metavar="FILE", help="default: targets.yaml")
    add("--lake", default="", metavar="ROOT", help="the lake root, s3://bucket/prefix")
    add("--artifacts", default="", metavar="PREFIX", help="where builds are uploaded, e.g. s3://bucket/lakejobs")
    add("--region", default="", help="e.g. us-east-1")
    add("--account", default="", metavar="ID", help="twelve digits")
    add("--kms-key", default="", metavar="ARN", help="the key of the buckets, if they have one of their own")
    add("--secret", action="append", default=[], metavar="NAME", help="in Secrets Manager; jobs that make pseudonyms")
    add("--lineage-token", default="", metavar="NAME", help="in Secrets Manager; of lake.lineage.token, for every job")
    add("--input", action="append", default=[], metavar="URI", help="raw files, sources and conf files on S3")
    add("--logs", default="", metavar="URI", help="where the service writes logs as the job, s3://bucket/prefix")
    add("--event-logs", default="", metavar="URI", help="the folder of Spark's event logs, s3://bucket/prefix")
    add("--log-group", default="", metavar="NAME", help="the CloudWatch log group of the run")
    add("--glue", action="store_true", help="tables are registered in Glue (lake.register_tables)")
    add("--session", action="store_true", help="the policy of one run on EMR Serverless, on one line")
    add("--trust", choices=KINDS, help="print a trust policy instead; it needs no job")
    add("--instance-profile-role", default="", metavar="ARN", help="of --trust emr-step")
    add("--application-id", default="", metavar="ID", help="of --trust emr-serverless")
    add("--oidc-provider", default="", metavar="ISSUER", help="of --trust emr-eks")
    add("--namespace", default="", help="of --trust emr-eks")
    add("--role-name", default="", help="of --trust emr-eks")
    return parser


def _filled_in(options: argparse.Namespace) -> argparse.Namespace:
    """The flags, those that were not given taken from the target. Raises what ``target_of`` raises."""
    from deploy.targets.requests import event_logs, log_group, s3_logs
    from deploy.targets.target import ClusterTarget, EksTarget, EmrTarget, ServerlessTarget, StepTarget
    from deploy.targets.target_file import target_of

    target = target_of(options.target, options.targets)
    said = {"lake": target.lake, "artifacts": target.artifacts}
    if isinstance(target, EmrTarget):
        said["region"] = target.region
    if isinstance(target, StepTarget | ClusterTarget | ServerlessTarget | EksTarget):
        # arn:aws:iam::ACCOUNT:role/NAME
        said["account"] = target.role_arn.split(":")[4] if target.role_arn else None
    if isinstance(target, ServerlessTarget | EksTarget):
        said["logs"], said["log_group"] = s3_logs(target, target.logs.s3), log_group(target, options.target)
    said["event_logs"] = event_logs(target)
    if isinstance(target, ServerlessTarget):
        said["application_id"] = target.application_id
    given = vars(options)
    return argparse.Namespace(**{**given, **{key: given[key] or text or "" for key, text in said.items()}})


def _trust(options: argparse.Namespace) -> Policy:
    if options.trust == "emr-ec2":
        return instance_profile_trust()
    if options.trust == "emr-step":
        return step_trust(options.instance_profile_role)
    region, account = checked_region(options.region), checked_account(options.account)
    if options.trust == "emr-serverless":
        return serverless_trust(region, account, options.application_id)
    return eks_trust(region, account, options.oidc_provider, options.namespace, options.role_name)


def _permissions(options: argparse.Namespace) -> Policy:
    if not options.jobs:
        raise UsageError("IAM-004", "`lakejobs policy` needs a job.", remedy=f"For example: {_EXAMPLE}")
    graph = Graph.of_suite()
    jobs = [graph.nodes[name].job for name in graph.selected(options.jobs)]
    place = Place(
        lake=location_of("--lake", options.lake),
        artefacts=location_of("--artifacts", options.artifacts, needs_prefix=True),
        region=checked_region(options.region),
        account=checked_account(options.account),
        key_arn=checked_key(options.kms_key) if options.kms_key else "",
        secrets=tuple(checked_secret(one) for one in options.secret),
        lineage_token=checked_secret(options.lineage_token, "--lineage-token") if options.lineage_token else "",
        inputs=tuple((bucket, key) for bucket, *keys in map(input_of, options.input) for key in keys),
        logs=location_of("--logs", options.logs, needs_prefix=True) if options.logs else None,
        event_logs=location_of("--event-logs", options.event_logs, needs_prefix=True) if options.event_logs else None,
        log_group=checked_log_group(options.log_group) if options.log_group else "",
        glue=options.glue,
    )
    if options.session:
        return session_policy_of(jobs, place)
    policy = policy_of(jobs, place)
    _note_length(policy)
    if any(job.needs_key for job in jobs) and not place.secrets:
        print("Note: no --secret is given, so the pseudonym key cannot come from Secrets Manager.", file=sys.stderr)
    return policy


def _note_length(policy: Policy) -> None:
    length = len(compact(policy))
    if length > INLINE_LIMIT:
        print(f"Note: {length:,} characters are more than a role takes: ask for fewer jobs a role.", file=sys.stderr)
    elif length > MANAGED_LIMIT:
        print(
            f"Note: {length:,} characters are more than a managed policy takes ({MANAGED_LIMIT:,}); inline, a role "
            f"takes {INLINE_LIMIT:,}.",
            file=sys.stderr,
        )
