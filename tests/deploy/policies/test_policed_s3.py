"""The proxy that asks IAM sees what S3 would ask for; so what it refuses is refused for a reason."""

from __future__ import annotations

import pytest
from policed_s3 import Asked, PolicedS3, actions_of

pytestmark = pytest.mark.unit

OBJECT, BUCKET = "arn:aws:s3:::shop/lake/gold/a b", "arn:aws:s3:::shop"


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", "/shop/lake/gold/a%20b?x-id=GetObject", [Asked("s3:GetObject", OBJECT)]),
        ("HEAD", "/shop/lake/gold/a%20b", [Asked("s3:GetObject", OBJECT)]),
        ("PUT", "/shop/lake/gold/a%20b?partNumber=1&uploadId=u", [Asked("s3:PutObject", OBJECT)]),
        ("POST", "/shop/lake/gold/a%20b?uploads", [Asked("s3:PutObject", OBJECT)]),
        ("DELETE", "/shop/lake/gold/a%20b?uploadId=u", [Asked("s3:AbortMultipartUpload", OBJECT)]),
        ("DELETE", "/shop/lake/gold/a%20b", [Asked("s3:DeleteObject", OBJECT)]),
        ("GET", "/shop?list-type=2&prefix=lake%2F&delimiter=%2F", [Asked("s3:ListBucket", BUCKET, "lake/", "/")]),
        ("POST", "/shop?delete", [Asked("s3:DeleteObject", f"{BUCKET}/a&b"), Asked("s3:DeleteObject", f"{BUCKET}/c")]),
    ],
)
def test_a_request_is_made_into_the_actions_that_s3_asks_for(method: str, target: str, expected: list[Asked]) -> None:
    body = b"<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key></Object></Delete>"
    assert actions_of(method, target, {}, body) == expected


def test_a_copy_reads_its_source_and_a_request_nobody_knows_is_not_let_through() -> None:
    copied = actions_of("PUT", "/shop/lake/gold/a%20b", {"x-amz-copy-source": "/shop/from"}, b"")
    assert copied == [Asked("s3:GetObject", f"{BUCKET}/from"), Asked("s3:PutObject", OBJECT)]
    with pytest.raises(ValueError, match="acl"):
        actions_of("GET", "/shop/lake/gold/a%20b?acl", {}, b"")


def test_what_a_policy_does_not_say_is_refused_and_what_nobody_asked_for_is_unused() -> None:
    read = {"Action": ["s3:GetObject"], "Resource": [f"{BUCKET}/lake/*", f"{BUCKET}/code/*"]}
    look = {"Action": ["s3:ListBucket"], "Resource": [BUCKET], "Condition": {"StringLike": {"s3:prefix": ["lake/*"]}}}
    policed = PolicedS3("", {"a.job": [{"Statement": [read, look]}]}, job="a.job")
    assert policed.allow([Asked("s3:GetObject", OBJECT), Asked("s3:ListBucket", BUCKET, "lake/gold/")])
    assert not policed.allow([Asked("s3:ListBucket", BUCKET)])
    assert not policed.allow([Asked("s3:PutObject", OBJECT)])
    assert policed.refused["a.job"] == {Asked("s3:ListBucket", BUCKET), Asked("s3:PutObject", OBJECT)}
    assert policed.unused("a.job", "shop") == {("s3:GetObject", "code/*")}
