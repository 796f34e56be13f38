"""The templates hold the controls that docs/security.md says they hold; `make lint` checks their form with cfn-lint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from common.job.graph import Graph
from common.run.record.ops_tables import RUNS
from deploy.policies.statements import Policy
from deploy.templates.command import main, template, template_paths

pytestmark = pytest.mark.unit


class _Reader(yaml.SafeLoader):
    """YAML with the short forms of CloudFormation: ``!Ref x`` is {"Ref": "x"}, ``!Sub x`` {"Sub": x}."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


yaml.add_multi_constructor("!", _short_form, Loader=_Reader)
FORMATION = [name for name in template_paths() if name not in ("eks-rbac", "grafana")]


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(template(name), Loader=_Reader)
    return found


def resources(name: str, kind: str) -> dict[str, dict[str, Any]]:
    found = read(name)["Resources"]
    return {one: body.get("Properties", {}) for one, body in found.items() if body["Type"] == kind}


def statements(found: Any) -> Iterator[Policy]:
    """Every statement of a policy, wherever it is in a template."""
    if isinstance(found, dict):
        if "Effect" in found and ("Action" in found):
            yield found
        for one in found.values():
            yield from statements(one)
    elif isinstance(found, list):
        for one in found:
            yield from statements(one)


def words(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_the_list_names_each_template_with_its_subject(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = ["bucket", "network", "glue", "serverless", "logs", "roles", "emr-cluster", "eks-rbac", "eks"]
    names += ["watch", "grafana"]
    assert [line.split()[0] for line in lines] == names
    assert all(len(line.split()) > 4 for line in lines)


def test_a_template_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eks"]) == 0
    assert capsys.readouterr().out.startswith("AWSTemplateFormatVersion:")
    assert main(["buket"]) == 2
    assert "Did you mean 'bucket'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", FORMATION)
def test_what_is_allowed_names_its_actions_and_mostly_its_resources(name: str) -> None:
    # Key policies and endpoint policies stand at their resource: it is the one meant by `*`.
    own = {"Account", "LogGroups", "Alarms", "OwnBuckets"}
    for statement in statements(read(name)):
        if statement["Effect"] == "Allow" and statement.get("Sid") not in own:
            assert not [action for action in words(statement["Action"]) if "*" in action]
            assert "*" not in words(statement.get("Resource", "trust"))


def test_the_bucket_is_encrypted_versioned_private_and_open_to_tls_only() -> None:
    (bucket,) = resources("bucket", "AWS::S3::Bucket").values()
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert {one["Id"] for one in bucket["LifecycleConfiguration"]["Rules"]} == {
        "unfinished-uploads",
        "replaced-objects",
    }
    denied = {one["Sid"]: one for one in statements(read("bucket")) if one["Effect"] == "Deny"}
    assert denied["TlsOnly"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    # A request without the header is encrypted by the bucket: boto3's small puts send none.
    assert denied["NoOtherEncryption"]["Condition"]["Null"] == {"s3:x-amz-server-side-encryption": "false"}


def test_emr_1_no_node_has_a_public_address() -> None:
    for subnet in resources("network", "AWS::EC2::Subnet").values():
        assert subnet["MapPublicIpOnLaunch"] is False
    kinds = {body["Type"] for body in read("network")["Resources"].values()}
    assert not kinds & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route"}


def test_emr_2_no_group_is_open_to_the_outside() -> None:
    rules = [
        rule
        for group in resources("network", "AWS::EC2::SecurityGroup").values()
        for rule in group.get("SecurityGroupIngress", [])
    ]
    rules += list(resources("network", "AWS::EC2::SecurityGroupIngress").values())
    assert rules
    assert not [
        rule for rule in rules if rule.get("CidrIp") == "0.0.0.0/0" or rule.get("CidrIpv6") or rule["FromPort"] == 22
    ]


def test_emr_3_and_4_the_security_configuration_encrypts_at_rest_and_in_transit() -> None:
    (security,) = resources("emr-cluster", "AWS::EMR::SecurityConfiguration").values()
    encryption = security["SecurityConfiguration"]["EncryptionConfiguration"]
    at_rest = encryption["AtRestEncryptionConfiguration"]
    assert encryption["EnableAtRestEncryption"] is True
    assert at_rest["S3EncryptionConfiguration"]["EncryptionMode"] == "SSE-KMS"
    assert at_rest["LocalDiskEncryptionConfiguration"]["EnableEbsEncryption"] is True
    assert encryption["EnableInTransitEncryption"] is True
    metadata = security["SecurityConfiguration"]["InstanceMetadataServiceConfiguration"]
    assert metadata == {"MinimumInstanceMetadataServiceVersion": 2, "HttpPutResponseHopLimit": 1}
    (cluster,) = resources("emr-cluster", "AWS::EMR::Cluster").values()
    assert cluster["SecurityConfiguration"] == {"Ref": "Security"}
    assert "Ec2KeyName" not in cluster["Instances"]


def test_the_cluster_ends_when_idle_and_grows_by_spot_task_nodes_only() -> None:
    (cluster,) = resources("emr-cluster", "AWS::EMR::Cluster").values()
    assert cluster["AutoTerminationPolicy"] == {"IdleTimeout": {"Ref": "IdleSeconds"}}
    limits = cluster["ManagedScalingPolicy"]["ComputeLimits"]
    assert limits["MaximumCoreCapacityUnits"] == limits["MaximumOnDemandCapacityUnits"] == {"Ref": "CoreNodes"}
    (task,) = cluster["Instances"]["TaskInstanceFleets"]
    assert task["LaunchSpecifications"]["SpotSpecification"]["AllocationStrategy"] == "price-capacity-optimized"
    assert len(task["InstanceTypeConfigs"]) == 4
    for fleet in ("MasterInstanceFleet", "CoreInstanceFleet"):
        assert "TargetSpotCapacity" not in cluster["Instances"][fleet]


def test_the_serverless_application_is_limited_private_and_stops() -> None:
    (application,) = resources("serverless", "AWS::EMRServerless::Application").values()
    assert set(application["MaximumCapacity"]) == {"Cpu", "Memory", "Disk"}
    assert application["AutoStopConfiguration"]["Enabled"] is True
    assert application["NetworkConfiguration"]["SubnetIds"] == {"Ref": "SubnetIds"}


def test_every_family_that_writes_tables_has_its_database() -> None:
    written = {table.partition(".")[0] for node in Graph.of_suite().nodes.values() for table in node.writes}
    databases = {one["DatabaseInput"]["Name"] for one in resources("glue", "AWS::Glue::Database").values()}
    assert databases == written | {RUNS.family}


def test_an_alarm_on_serverless_names_id_and_name_and_counts_no_run_twice() -> None:
    alarms = resources("logs", "AWS::CloudWatch::Alarm")
    failed = alarms["ServerlessFailed"]
    assert {one["Name"] for one in failed["Dimensions"]} == {"ApplicationId", "ApplicationName"}
    assert failed["Period"] == 60


def test_the_manifest_gives_emr_rights_in_one_namespace_only() -> None:
    kinds = [one["kind"] for one in yaml.safe_load_all(template("eks-rbac"))]
    assert kinds == ["Namespace", "Role", "RoleBinding"]
