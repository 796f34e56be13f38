"""Turns the bronze rows of one batch into candidate events: typed, enriched, and each with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.privacy.pseudonyms import KEY_ID_COLUMN, PseudonymKey, pseudonym_columns
from common.quality.quarantine import to_quarantine
from common.quality.rules import REASONS, rejected, split
from jobs.clickstream.events import clock_skew
from jobs.clickstream.events import steps as events
from jobs.clickstream.events.clock_skew import TimeLimits
from jobs.clickstream.events.tables import CANONICAL_COLUMNS, EVENTS, EVENTS_RAW
from jobs.clickstream.web import addresses as web
from jobs.clickstream.web import agents
from jobs.clickstream.web.addresses import ReferrerSource

IS_LATE = "_is_late"
SENT = "sent"


@dataclass(frozen=True)
class Rules:
    """What turns bronze rows into events: plausible times, known referrers, the site's own hosts, the key."""

    limits: TimeLimits
    referrers: Sequence[ReferrerSource]
    site_hosts: Sequence[str]
    key: PseudonymKey


def candidates(bronze: DataFrame, rules: Rules, *, batch_id: str, ingested_at: datetime) -> DataFrame:
    """``bronze`` as columns of EVENTS, with ``reasons``, ``_is_late`` and ``sent``. Rows in = rows out.

    Rows with ``reasons`` may hold nulls where EVENTS allows none, and hold in ``sent`` the values sent,
    without personal data. ``bot_evidence`` holds the evidence from the user agent; a verdict by behaviour needs the
    whole day (see bots.py).
    """
    shown = [name for name in CANONICAL_COLUMNS if name not in EVENTS_RAW.personal_columns]
    plain = events.cleaned(bronze.withColumn(SENT, F.struct(*shown)))
    # Computing pseudonyms in Python splits the generated code into two halves that the JVM can still compile.
    seen = web.with_referrer(web.with_page(plain), rules.referrers, rules.site_hosts)
    typed = events.typed(events.with_ids(_with_visitor(seen, rules.key)), rules.limits)
    described = agents.with_agents(events.with_event_name(typed))
    read_error = F.when(F.col("read_error").isNotNull(), F.array("read_error")).otherwise(
        F.array().cast("array<string>")
    )
    judged = split(described.withColumn(REASONS, read_error), events.rules(rules.limits))
    late = (F.size(REASONS) == 0) & clock_skew.is_late(rules.limits)
    finished = judged.withColumns(
        {
            "bot_evidence": F.col(agents.EVIDENCE),
            "is_bot": F.size(agents.EVIDENCE) > 0,
            IS_LATE: F.coalesce(late, F.lit(False)),
            SENT: F.when(F.size(REASONS) > 0, F.col(SENT)),
            KEY_ID_COLUMN: F.lit(rules.key.key_id),
            "_batch_id": F.lit(batch_id),
            "ingested_at": F.lit(ingested_at),
        }
    )
    return finished.select(*EVENTS.schema.names, REASONS, IS_LATE, SENT)


def _with_visitor(rows: DataFrame, key: PseudonymKey) -> DataFrame:
    with_visitors = events.with_visitor_text(rows)
    hidden = with_visitors.withColumns(pseudonym_columns(with_visitors, [events.VISITOR_TEXT, "user_id"], key))
    return hidden.withColumn("domain_userid", F.col(events.VISITOR_TEXT)).drop(events.VISITOR_TEXT)


def quarantined(rows: DataFrame, *, run_id: str, job: str, at: datetime) -> DataFrame:
    """The candidates with reasons as quarantine rows: the values sent, without personal data."""
    shown = rejected(rows).select(
        "event_id", "event_date", "event_name", "derived_tstamp", "page_urlpath", SENT, "_file", REASONS
    )
    return to_quarantine(
        shown,
        run_id=run_id,
        job=job,
        quarantined_at=at,
        keys=("event_id",),
        day_column="event_date",
        source_file="_file",
    )


def late(rows: DataFrame) -> DataFrame:
    """The candidates that arrived too late, with the columns of EVENTS."""
    return rows.where(F.col(IS_LATE)).select(*EVENTS.schema.names)


def valid(rows: DataFrame) -> DataFrame:
    """The candidates that may be published, with the columns of EVENTS."""
    return rows.where((F.size(REASONS) == 0) & ~F.col(IS_LATE)).select(*EVENTS.schema.names)


def due_days(bronze: DataFrame, limits: TimeLimits, *, later_share: float, now: datetime) -> DataFrame:
    """One row a file: ``_file_sha256`` and ``due_day``, the last day a run must own to take it (null: no event is
    dated).

    At most ``later_share`` of the file's events are after ``due_day`` and the allowed skew. Events after ``now``
    cannot be right and do not count.
    """
    timed = clock_skew.with_event_times(events.cleaned(bronze), limits)
    skew = F.expr(f"INTERVAL {limits.max_future_minutes} MINUTES")
    day = F.unix_date(F.to_date(F.col("derived_tstamp") - skew))
    believed = F.when(F.col("derived_tstamp") <= F.lit(now), day)
    due = F.percentile_approx(believed, 1 - later_share, 100_000)
    return timed.groupBy("_file_sha256").agg(F.date_from_unix_date(due.cast("int")).alias("due_day"))
