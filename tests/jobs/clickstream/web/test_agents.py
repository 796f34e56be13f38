"""User agents as browser, system, device and evidence."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from jobs.clickstream.web.agents import describe, with_agents

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


WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
CATEGORIES = {
    f"Mozilla/5.0 (Linux; Android 12; Acme One) {WEBKIT} Chrome/107.0.0.0 Mobile Safari/537.36": "mobile",
    f"Mozilla/5.0 (Linux; Android 12; Acme One) {WEBKIT} Chrome/107.0.0.0 Safari/537.36": "tablet",
    # A browser inside an app, which names the system a second time.
    f"Mozilla/5.0 (Linux; Android 12; Acme One; wv) {WEBKIT} Mobile NewsApp-ANDROID": "mobile",
    # A phone that unfolds.
    f"Mozilla/5.0 (Linux; Android 11; SM-F926B) {WEBKIT} Chrome/93.0.4577.82 Safari/537.36": "mobile",
    # Agents of apps and trackers.
    "ShopTracker/1.4 (Android 12; Acme One)": "mobile",
    "ShopTracker/1.4 (Android 12; SM-T870)": "tablet",
    "Shop/3.2 (iPhone; iOS 17.1; Scale/3.00)": "mobile",
    "Shop/3.2 (iPad; iOS 17.1; Scale/2.00)": "tablet",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:125.0) Gecko/20100101 Firefox/125.0": "desktop",
    f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {WEBKIT} Version/6.0 TV Safari/537.36": "tv",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08": "other",
    "curl/8.5.0": "bot",
}


def test_phones_are_no_tablets_whoever_wrote_the_agent() -> None:
    assert {agent: describe(agent)["device_category"] for agent in CATEGORIES} == CATEGORIES
