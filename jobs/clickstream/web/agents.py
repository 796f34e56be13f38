"""User agents, each distinct one parsed once: browser, system, device, and evidence of a bot.

The distinct agents come from a shuffle, are parsed in Arrow tasks and joined back, so
neither the driver nor any single task holds them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.clickstream.web import bot_agents

if TYPE_CHECKING:
    from ua_parser import Parser

AGENT_COLUMNS = (
    "useragent_family",
    "useragent_version",
    "os_family",
    "os_version",
    "device_family",
    "device_category",
)
EVIDENCE = "_agent_evidence"
AGENT_WITHHELD = "_agent_withheld"
_SCHEMA = pa.schema(
    [("_agent", pa.string()), *((name, pa.string()) for name in AGENT_COLUMNS), (EVIDENCE, pa.list_(pa.string()))]
)
_DDL = ", ".join(["_agent string", *(f"{name} string" for name in AGENT_COLUMNS), f"{EVIDENCE} array<string>"])

# Longer texts are judged by their first characters: no pattern runs over a megabyte of junk.
_MAX_LENGTH = 2_048
_TV = re.compile(
    r"smart-?tv|googletv|appletv|apple tv|hbbtv|net ?tv|vizios|viera|aquos|roku|\baft[a-z]{1,6}\d*\b|bravia"
    r"|crkey|web0s|netcast|tizen.*tv|\btv\b",
    re.IGNORECASE,
)
_CONSOLE = re.compile(r"playstation|xbox|nintendo", re.IGNORECASE)
_TABLET = re.compile(
    r"ipad|tablet(?! pc)|kindle|silk/|\bkf[a-z]{2,6}\b|playbook|nexus (?:7|9|10)\b|\bsm-[tpx]\d|\bgt-p\d"
    r"|mediapad|[ _-]tab\b",
    re.IGNORECASE,
)
# Browsers on Android say "Mobile" on phones. Apps have agents of their own and say nothing of the kind, and Samsung's
# phones that unfold leave it out.
_ANDROID_BROWSER = re.compile(
    r"^mozilla/(?!.*mobile)(?!.*\bsm-[agfjmns]\d).*android.*applewebkit", re.IGNORECASE | re.DOTALL
)
_MOBILE = re.compile(
    r"mobi|iphone|ipod|android|windows (?:phone|ce)|blackberry|bb10|symbian|midp|opera mini|nokia|kaios"
    r"|cfnetwork.*(?:iphone|ios)",
    re.IGNORECASE,
)
_DESKTOP = re.compile(r"windows nt|windows 9|macintosh|mac os x|x11|linux|cros|bsd|amiga|beos|os/2", re.IGNORECASE)


def with_agents(events: DataFrame) -> DataFrame:
    """``events`` (``useragent``, ``_agent_withheld``, ``http_status``) with AGENT_COLUMNS and ``_agent_evidence
    array<string>`` (see bot_agents.evidence).

    Rows in = rows out. An event without a user agent has nulls, and no evidence unless it is a web request
    (``http_status`` is known) whose agent was asked for and is empty (``_agent_withheld``): browsers name themselves,
    but a feed without agents says nothing.
    """
    distinct = events.where(F.col("useragent").isNotNull()).select(F.col("useragent").alias("_agent")).distinct()
    described = distinct.mapInArrow(_described, _DDL)
    joined = events.join(described, F.col("useragent") == F.col("_agent"), "left").drop("_agent")
    silent = F.col(AGENT_WITHHELD) & F.col("http_status").isNotNull()
    nothing = F.array().cast("array<string>")
    evidence = F.coalesce(F.col(EVIDENCE), F.when(silent, F.array(F.lit(bot_agents.BLANK))).otherwise(nothing))
    return joined.withColumn(EVIDENCE, evidence)


def _described(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [describe(agent) for agent in batch.column(0).to_pylist()]
        yield pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)


def describe(agent: str) -> dict[str, str | list[str] | None]:
    """One user agent as a row of AGENT_COLUMNS, ``_agent`` and ``_agent_evidence``; families unknown to ua-parser are
    null.

    ``device_category`` is ``bot`` where there is evidence, else ``tv``, ``console``, ``tablet``, ``mobile``,
    ``desktop`` or ``other``.
    """
    text = agent[:_MAX_LENGTH]
    found = _parser().parse(text)
    browser, system, device = found.user_agent, found.os, found.device
    evidence = bot_agents.evidence(text, is_known_program=browser is not None and not text.startswith("Mozilla/"))
    return {
        "_agent": agent,
        "useragent_family": browser.family if browser else None,
        "useragent_version": _version(browser.major, browser.minor) if browser else None,
        "os_family": system.family if system else None,
        "os_version": _version(system.major, system.minor) if system else None,
        "device_family": device.family if device else None,
        "device_category": "bot" if evidence else _category(text),
        EVIDENCE: evidence,
    }


@cache
def _parser() -> Parser:
    from ua_parser import Parser, load_builtins
    from ua_parser.basic import Resolver

    return Parser(Resolver(load_builtins()))


def _version(major: str | None, minor: str | None) -> str | None:
    return ".".join(part for part in (major, minor) if part) or None


def _category(text: str) -> str:
    kinds = (
        ("tv", _TV),
        ("console", _CONSOLE),
        ("tablet", _TABLET),
        ("tablet", _ANDROID_BROWSER),
        ("mobile", _MOBILE),
        ("desktop", _DESKTOP),
    )
    return next((kind for kind, pattern in kinds if pattern.search(text)), "other")
