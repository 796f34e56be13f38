"""User agents as browser, system, device and evidence."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from jobs.clickstream.web.agents import with_agents

pytestmark = pytest.mark.unit

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"


def test_only_a_web_request_whose_agent_was_asked_for_and_is_empty_speaks_for_a_machine(spark: SparkSession) -> None:
    rows = [
        ("a browser", FIREFOX, False, 200),
        ("an empty field of an access log", None, True, 200),
        ("a log or a feed without the field", None, False, 200),
        ("an event of a tracker, which is no request", None, True, None),
    ]
    frame = spark.createDataFrame(rows, "id string, useragent string, _agent_withheld boolean, http_status int")
    found = {row["id"]: row["_agent_evidence"] for row in with_agents(frame).collect()}
    assert found == {
        "a browser": [],
        "an empty field of an access log": ["agent:blank"],
        "a log or a feed without the field": [],
        "an event of a tracker, which is no request": [],
    }
