"""The policy of a job allows what the job touches, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from iam_rules import KEY, PLACE, allows

from common.errors import UsageError
from common.job.declaration import Job
from common.job.graph import Graph
from common.job.references import attribute
from common.lake.table import Table
from deploy.policies.place import Place
from deploy.policies.statements import compact, policy_of, session_policy_of

pytestmark = pytest.mark.unit

GRAPH = Graph.of_suite()
JOBS = [node.job for node in GRAPH.nodes.values()]
MAINTAIN = GRAPH.nodes["maintenance.maintain"].job
# Where IAM lets nothing narrower stand: the names of log groups.
WIDE = {("logs:DescribeLogGroups", "arn:aws:logs:us-east-1:111122223333:log-group:*")}
PREFIXES = (
    *("arn:aws:s3:::shop-lake/lake/", "arn:aws:s3:::shop-code/lakejobs/", "arn:aws:s3:::shop-landing/events/"),
    *("arn:aws:s3:::shop-logs/emr/", "arn:aws:glue:us-east-1:111122223333:", KEY),
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:lakejobs/pseudonyms-",
    "arn:aws:logs:us-east-1:111122223333:log-group:/lakejobs/prod:",
)
BUCKETS = {"arn:aws:s3:::shop-lake", "arn:aws:s3:::shop-code", "arn:aws:s3:::shop-landing"}


def all_tables() -> dict[str, Table]:
    found = {}
    for job in JOBS:
        for table in [attribute(one.table) for one in job.inputs] + [attribute(one) for one in job.writes]:
            found[table.name] = table
    return found


def may(policy: dict[str, Any], action: str, table: Table, file: str = "day=2026-11-20/part-0.parquet") -> bool:
    return allows(policy, f"s3:{action}", f"arn:aws:s3:::shop-lake/lake/{table.relative_path}/{file}")


def concerns(action: str, resource: str) -> bool:
    """Whether the action is one on resources of this service and, on S3, of this kind: buckets or objects."""
    service = action.partition(":")[0]
    return resource.split(":")[2] == service and (service != "s3" or ("/" in resource) != (action == "s3:ListBucket"))


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_no_action_and_no_resource_goes_beyond_the_prefixes(job: Job) -> None:
    for policy in (policy_of([job], PLACE), session_policy_of([job], PLACE)):
        for statement in policy["Statement"]:
            assert statement["Effect"] == "Allow"
            for action in statement["Action"]:
                assert re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action)
                # An action on a resource of another kind says nothing: a session policy puts several kinds together.
                resources = [one for one in statement["Resource"] if concerns(action, one)]
                assert resources
                for resource in resources:
                    known = resource in BUCKETS if action == "s3:ListBucket" else resource.startswith(PREFIXES)
                    assert known or (action, resource) in WIDE


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_only_the_keys_below_the_prefixes_may_be_listed(job: Job) -> None:
    for statement in policy_of([job], PLACE)["Statement"]:
        if statement["Action"] == ["s3:ListBucket"]:
            for prefix in statement["Condition"]["StringLike"]["s3:prefix"]:
                assert prefix.startswith(("lake/", "lakejobs/", "events/"))


@pytest.mark.parametrize("job", [job for job in JOBS if job is not MAINTAIN], ids=lambda job: job.name)
def test_a_job_reads_what_it_declares_writes_what_it_declares_and_sees_no_other_table(job: Job) -> None:
    reads = {attribute(one.table).name for one in job.inputs}
    writes = {attribute(one).name for one in job.writes}
    policy = policy_of([job], PLACE)
    for name, table in all_tables().items():
        listed = allows(
            policy,
            "s3:ListBucket",
            "arn:aws:s3:::shop-lake",
            {"s3:prefix": f"lake/{table.relative_path}/_delta_log/"},
        )
        assert may(policy, "GetObject", table) is listed is (name in reads | writes), name
        for action in ("PutObject", "DeleteObject", "AbortMultipartUpload"):
            assert may(policy, action, table) is (name in writes), name


def test_an_ingest_sets_rows_aside_and_no_other_job_may() -> None:
    aside = "arn:aws:s3:::shop-lake/lake/quarantine/clickstream/quarantine_ingest/part-0.parquet"
    may_write = [job.name for job in JOBS if allows(policy_of([job], PLACE), "s3:PutObject", aside)]
    assert may_write == ["clickstream.ingest", "maintenance.maintain"]


def test_models_are_written_by_training_and_read_by_those_that_use_them() -> None:
    file = "arn:aws:s3:::shop-lake/lake/models/fraud/v1/card.json"
    writers = {job.name for job in JOBS if allows(policy_of([job], PLACE), "s3:PutObject", file)}
    readers = {job.name for job in JOBS if allows(policy_of([job], PLACE), "s3:GetObject", file)}
    assert writers == {"fraud.train"}
    assert readers == {"fraud.train", "fraud.score", "fraud.evaluate"}


def test_the_pseudonym_key_is_for_ingests_of_personal_data_only() -> None:
    secret = "arn:aws:secretsmanager:us-east-1:111122223333:secret:lakejobs/pseudonyms-a1B2c3"
    allowed = {job.name for job in JOBS if allows(policy_of([job], PLACE), "secretsmanager:GetSecretValue", secret)}
    assert allowed == {"clickstream.ingest", "forecast.ingest", "fraud.ingest"}


def test_the_key_is_used_through_s3_only_where_no_secret_is_read() -> None:
    policy = policy_of([GRAPH.nodes["clickstream.items"].job], PLACE)
    assert allows(policy, "kms:Decrypt", KEY, {"kms:ViaService": "s3.us-east-1.amazonaws.com"})
    assert not allows(policy, "kms:Decrypt", KEY, {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"})
    assert not allows(policy, "kms:Decrypt", KEY)


def test_glue_knows_the_tables_that_are_written() -> None:
    policy = policy_of([GRAPH.nodes["clickstream.items"].job], PLACE)
    made = [
        table
        for table in ("event_items", "events")
        if allows(policy, "glue:CreateTable", f"arn:aws:glue:us-east-1:111122223333:table/clickstream/{table}")
    ]
    assert made == ["event_items"]


def test_maintenance_keeps_every_table_in_order_and_touches_neither_code_nor_models() -> None:
    policy = policy_of([MAINTAIN], PLACE)
    assert all(may(policy, "DeleteObject", table) for table in all_tables().values())
    for other in ("shop-code/lakejobs/x.zip", "shop-lake/lake/models/fraud/v1/card.json", "shop-lake/other/x"):
        assert not allows(policy, "s3:PutObject", f"arn:aws:s3:::{other}")


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_the_session_policy_fits_and_takes_nothing_away_that_the_job_needs(job: Job) -> None:
    session = session_policy_of([job], PLACE)
    assert len(compact(session)) <= 2048
    for statement in policy_of([job], PLACE)["Statement"]:
        for action in statement["Action"]:
            for resource in statement["Resource"]:
                # One object, with odd letters where the pattern says any.
                one = resource.replace("*", "x/y-z")
                assert allows(session, action, one, {"kms:ViaService": "s3.us-east-1.amazonaws.com"}), one


def test_the_session_policy_of_one_job_does_not_write_the_tables_of_another() -> None:
    session = session_policy_of([GRAPH.nodes["clickstream.sessionise"].job], PLACE)
    tables = all_tables()
    assert may(session, "PutObject", tables["clickstream.sessions"])
    assert may(session, "GetObject", tables["clickstream.events"])
    assert not may(session, "PutObject", tables["clickstream.events"])
    assert not may(session, "GetObject", tables["fraud.transactions"])


def test_a_session_policy_that_is_too_long_says_what_to_do() -> None:
    with pytest.raises(UsageError, match="characters") as refused:
        session_policy_of(JOBS, PLACE)
    assert refused.value.code == "IAM-003"
    assert "policyArns" in refused.value.remedy


def test_an_ingest_without_its_input_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        policy_of([GRAPH.nodes["fraud.ingest"].job], Place(**{**vars(PLACE), "inputs": ()}))
    assert refused.value.code == "IAM-002"
