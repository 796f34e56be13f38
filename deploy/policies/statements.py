"""IAM policies for jobs: every resource is one that the declarations, or a flag, name."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from common.errors import UsageError
from common.job.declaration import Job
from deploy.policies.access import ABORT, DELETE, GET, PUT, Access, access_of, tables_of
from deploy.policies.place import Place

VERSION = "2012-10-17"
SESSION_LIMIT = 2_048
"""Characters of a policy that EMR Serverless takes for one run."""
MANAGED_LIMIT = 6_144
"""Characters of a managed policy, white space not counted."""
INLINE_LIMIT = 10_240
"""Characters of all inline policies of a role together, white space not counted."""

Statement = dict[str, Any]
Policy = dict[str, Any]


def policy_of(jobs: Sequence[Job], place: Place) -> Policy:
    """What the role of these jobs needs, and nothing else. Raises UsageError IAM-002 for an ingest without input."""
    _check_inputs(jobs, place)
    statements = [*_objects(jobs, place), *_lists(jobs, place), *_glue(jobs, place), *_beside(jobs, place)]
    return {"Version": VERSION, "Statement": statements}


def session_policy_of(jobs: Sequence[Job], place: Place) -> Policy:
    """The policy that narrows the role of one run on EMR Serverless (``executionIamPolicy.policy``).

    The run may do what both this and the role's own policy allow. So its patterns are wider where that is shorter, and
    conditions, and what may be done to each object, are left to the role.
    Raises UsageError IAM-003 when it is longer than the service takes.
    """
    _check_inputs(jobs, place)
    touched = access_to_lake(jobs).brief().actions
    written = [_in_lake(place, pattern) for pattern, actions in touched.items() if actions != {GET}]
    read = [_in_lake(place, pattern) for pattern, actions in touched.items() if actions == {GET}]
    read += [place.objects(place.artefacts.bucket, place.artefacts.below("*"))]
    read += [place.objects(bucket, key) for bucket, key in place.inputs]
    if place.logs is not None:
        written.append(place.objects(place.logs.bucket, place.logs.below("*")))
    buckets = sorted({place.lake.bucket, place.artefacts.bucket, *(bucket for bucket, _ in place.inputs)})
    statements = [
        _allow([GET], read),
        _allow(["s3:ListBucket"], [f"arn:{place.partition}:s3:::{bucket}" for bucket in buckets]),
        *_brief_glue(jobs, place),
        *_beside(jobs, place, brief=True),
    ]
    # Actions on resources of different kinds say the same in one statement, in fewer characters. Log groups are of one.
    of_logs = [one for one in statements if one["Action"][0].startswith("logs:")]
    others = [one for one in statements if one not in of_logs]
    actions, resources = ({text for one in others for text in one[part]} for part in ("Action", "Resource"))
    together = _allow(actions, resources)
    statements = [_allow([GET, PUT, DELETE, ABORT], written), together, *of_logs]
    policy = {"Version": VERSION, "Statement": [_without_name(one) for one in statements]}
    length = len(compact(policy))
    if length > SESSION_LIMIT:
        raise UsageError(
            "IAM-003",
            f"The session policy has {length:,} characters; EMR Serverless takes {SESSION_LIMIT:,}.",
            cause=f"It names {sum(len(one['Resource']) for one in statements)} resources of {len(jobs)} job(s).",
            remedy="Give one job and shorter prefixes, or make each policy of `lakejobs policy` a managed one and name "
            "their ARNs in executionIamPolicy.policyArns (ten at most).",
        )
    return policy


def compact(policy: Policy) -> str:
    """The policy as one line of JSON, as it is counted."""
    return json.dumps(policy, separators=(",", ":"))


def access_to_lake(jobs: Iterable[Job]) -> Access:
    """What several jobs touch together below the lake root."""
    found = Access()
    for job in jobs:
        found |= access_of(job)
    return found.reduced()


def _check_inputs(jobs: Sequence[Job], place: Place) -> None:
    ingests = [job.name for job in jobs if job.ingests]
    if ingests and not place.inputs:
        raise UsageError(
            "IAM-002",
            f"{', '.join(ingests)} takes in files, and no --input says where they are.",
            remedy="Add --input s3://bucket/folder, once for each place; also for a source or conf file on S3.",
        )


def _allow(actions: Iterable[str], resources: Iterable[str], name: str = "", **more: Any) -> Statement:
    named = {"Sid": name} if name else {}
    return {**named, "Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources), **more}


def _without_name(statement: Statement) -> Statement:
    return {key: value for key, value in statement.items() if key != "Sid"}


def _in_lake(place: Place, pattern: str) -> str:
    return place.objects(place.lake.bucket, place.lake.below(pattern))


def _objects(jobs: Sequence[Job], place: Place) -> list[Statement]:
    """One statement for each set of actions."""
    actions = {_in_lake(place, pattern): found for pattern, found in access_to_lake(jobs).actions.items()}
    others = [(place.objects(place.artefacts.bucket, place.artefacts.below("*")), GET)]
    others += [(place.objects(bucket, key), GET) for bucket, key in place.inputs]
    if place.logs is not None:
        others.append((place.objects(place.logs.bucket, place.logs.below("*")), PUT))
    if place.event_logs is not None:
        # The folder itself is looked for; what is written in it is renamed when it is complete.
        others.append((place.objects(place.event_logs.bucket, place.event_logs.prefix), GET))
        inside = place.objects(place.event_logs.bucket, place.event_logs.below("*"))
        others += [(inside, action) for action in (GET, PUT, DELETE, ABORT)]
    for arn, action in others:
        actions[arn] = actions.get(arn, frozenset()) | {action}
    grouped: dict[frozenset[str], list[str]] = defaultdict(list)
    for arn, found in actions.items():
        grouped[found].append(arn)
    return [
        _allow(some, arns, _name_of(some)) for some, arns in sorted(grouped.items(), key=lambda one: sorted(one[0]))
    ]


def _name_of(actions: frozenset[str]) -> str:
    words = {"GetObject": "Read", "PutObject": "Write", "DeleteObject": "Delete", "AbortMultipartUpload": "Abort"}
    return "".join(word for action, word in words.items() if f"s3:{action}" in actions) + "Objects"


def _lists(jobs: Sequence[Job], place: Place) -> list[Statement]:
    prefixes: dict[str, set[str]] = defaultdict(set)
    prefixes[place.lake.bucket] |= {place.lake.below(pattern) for pattern in access_to_lake(jobs).listed}
    prefixes[place.artefacts.bucket].add(place.artefacts.below("*"))
    for bucket, key in place.inputs:
        prefixes[bucket].add(key)
    if place.event_logs is not None:
        prefixes[place.event_logs.bucket] |= {place.event_logs.prefix, place.event_logs.below("*")}
    return [
        _allow(
            ["s3:ListBucket"],
            [f"arn:{place.partition}:s3:::{bucket}"],
            f"List{number}",
            Condition={"StringLike": {"s3:prefix": sorted(found)}},
        )
        for number, (bucket, found) in enumerate(sorted(prefixes.items()), start=1)
    ]


def _glue(jobs: Sequence[Job], place: Place) -> list[Statement]:
    """Tables by name: Delta reads nothing from the catalogue, but a writer registers what it makes."""
    written = [table for job in jobs for table in tables_of(job)[1]]
    if not place.glue or not written:
        return []
    families = sorted({table.family for table in written})
    databases = [place.arn("glue", "catalog"), *(place.arn("glue", f"database/{one}") for one in families)]
    tables = sorted({place.arn("glue", f"table/{table.family}/{table.short_name}") for table in written})
    # Spark looks for the database `default`, and Hive for functions, when a catalogue is opened.
    looks = [*databases, place.arn("glue", "database/default")]
    functions = [place.arn("glue", f"userDefinedFunction/{one}/*") for one in ("default", *families)]
    return [
        _allow(["glue:GetDatabase", "glue:GetTable"], [*looks, *tables], "LookIntoCatalogue"),
        _allow(["glue:GetUserDefinedFunctions"], [*looks, *functions], "LookForFunctions"),
        _allow(["glue:CreateTable", "glue:UpdateTable"], [*databases, *tables], "RegisterTables"),
    ]


def _brief_glue(jobs: Sequence[Job], place: Place) -> list[Statement]:
    """All that ``_glue`` allows, on the tables of whole families."""
    statements = _glue(jobs, place)
    if not statements:
        return []
    families = sorted({job.family for job in jobs})
    resources = ["catalog", "database/*", *(f"table/{one}/*" for one in families), "userDefinedFunction/*"]
    return [
        _allow(
            {action for one in statements for action in one["Action"]}, [place.arn("glue", one) for one in resources]
        )
    ]


def _beside(jobs: Sequence[Job], place: Place, *, brief: bool = False) -> list[Statement]:
    """Key, secrets and logs; brief: without the condition on the key, and logs in as few statements as can be."""
    found = []
    # The key is read only by a job that makes pseudonyms, the token by each that sends lineage.
    secrets = place.secrets if any(job.needs_key for job in jobs) else ()
    secrets = tuple(dict.fromkeys([*secrets, *([place.lineage_token] if place.lineage_token else [])]))
    if place.key_arn:
        conditions = {} if brief else {"Condition": _through(place, ["s3", *(["secretsmanager"] if secrets else [])])}
        found.append(_allow(["kms:Decrypt", "kms:GenerateDataKey"], [place.key_arn], "UseKey", **conditions))
    if secrets:
        found.append(_allow(["secretsmanager:GetSecretValue"], [_secret(place, one) for one in secrets], "ReadSecrets"))
    if place.log_group:
        group = place.arn("logs", f"log-group:{place.log_group}")
        write = ["logs:CreateLogStream", "logs:PutLogEvents"]
        if brief:
            found.append(_allow(["logs:DescribeLogStreams", *write], [f"{group}:*"]))
        else:
            found.append(_allow(["logs:DescribeLogStreams"], [f"{group}:*"], "FindLogStreams"))
            found.append(_allow(write, [f"{group}:log-stream:*"], "WriteLogs"))
        # Listing the names of log groups cannot be narrowed further; EMR looks for its group with it.
        found.append(_allow(["logs:DescribeLogGroups"], [place.arn("logs", "log-group:*")], "FindLogGroup"))
    return found


def _through(place: Place, services: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """The condition that a key is used through these services only."""
    suffix = ".cn" if place.partition == "aws-cn" else ""
    return {
        "StringEquals": {"kms:ViaService": [f"{one}.{place.region}.amazonaws.com{suffix}" for one in sorted(services)]}
    }


def _secret(place: Place, name: str) -> str:
    # Secrets Manager adds a dash and six characters to the name.
    return name if name.startswith("arn:") else place.arn("secretsmanager", f"secret:{name}-??????")
