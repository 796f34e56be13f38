"""Turns the mapped rows of one batch into candidate events: typed, enriched, and each with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.intake.fates import with_read_error
from common.intake.feed import DUE, WAITS
from common.intake.waiting import with_waiting
from common.privacy.pseudonyms import KEY_ID_COLUMN, PseudonymKey, pseudonym_columns
from common.quality.rules import REASONS, split
from jobs.clickstream.events import clock_skew
from jobs.clickstream.events import steps as events
from jobs.clickstream.events.clock_skew import TimeLimits
from jobs.clickstream.events.columns import CANONICAL_COLUMNS
from jobs.clickstream.events.tables import EVENTS
from jobs.clickstream.web import addresses as web
from jobs.clickstream.web import agents
from jobs.clickstream.web.addresses import ReferrerSource

SENT = "sent"


@dataclass(frozen=True)
class Rules:
    """What turns mapped rows into events: plausible times, known referrers, the site's own hosts, the key.

    ``started_at`` is the clock of the run.
    """

    started_at: datetime
    limits: TimeLimits
    referrers: Sequence[ReferrerSource]
    site_hosts: Sequence[str]
    key: PseudonymKey


def candidates(mapped: DataFrame, rules: Rules, time_zone: str) -> DataFrame:
    """Mapped rows as columns of EVENTS, with ``reasons``, ``sent``, ``_line``, ``_due`` and ``_waits``.

    Rows in = rows out. ``mapped`` has the columns of TARGET, ``read_error`` and the stamps of EVENTS; times without
    a zone are local to ``time_zone``. Rows with ``reasons`` may hold nulls where EVENTS allows none, and hold in
    ``sent`` the values sent, without personal data. ``bot_evidence`` holds the evidence from the user agent; a verdict
    by behaviour needs the whole day (see bots.py).
    """
    shown = [name for name in CANONICAL_COLUMNS if name not in EVENTS.personal_columns and name != "user_ipaddress"]
    timed = mapped
    if time_zone != "UTC":
        timed = mapped.withColumns(
            {name: clock_skew.in_utc(F.col(name), time_zone) for name in clock_skew.TIME_COLUMNS}
        )
    plain = events.cleaned(timed.withColumn(SENT, F.struct(*shown)))
    # Computing pseudonyms in Python splits the generated code into two halves that the JVM can still compile.
    seen = web.with_referrer(web.with_page(plain), rules.referrers, rules.site_hosts)
    typed = events.typed(events.with_ids(_with_visitor(seen, rules.key)), rules.limits)
    described = agents.with_agents(events.with_event_name(typed))
    judged = split(with_read_error(described), events.rules(rules.limits))
    finished = judged.withColumns(
        {
            "bot_evidence": F.col(agents.EVIDENCE),
            "is_bot": F.size(agents.EVIDENCE) > 0,
            SENT: F.when(F.size(REASONS) > 0, F.col(SENT)),
            KEY_ID_COLUMN: F.lit(rules.key.key_id),
        }
    )
    waiting = with_waiting(finished, events.FUTURE, "derived_tstamp", rules.limits.latest, rules.started_at)
    return waiting.select(*EVENTS.schema.names, REASONS, SENT, "_line", DUE, WAITS)


def _with_visitor(rows: DataFrame, key: PseudonymKey) -> DataFrame:
    with_visitors = events.with_visitor_text(rows)
    ids = [events.VISITOR_TEXT, "user_id", "network_userid"]
    hidden = with_visitors.withColumns(pseudonym_columns(with_visitors, ids, key))
    return hidden.withColumn("domain_userid", F.col(events.VISITOR_TEXT)).drop(events.VISITOR_TEXT)
