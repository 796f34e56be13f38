"""Sessions by sort and loop in plain Python, straight from the words of the rules: what the steps are compared with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jobs.clickstream.sessions.params import SessionRules

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Hit:
    """One event: the few columns that sessions depend on."""

    event_id: str
    visitor: str
    at: datetime
    campaign: str | None = None
    page: str | None = "/"
    name: str = "page_view"

    @property
    def day(self) -> date:
        return self.at.astimezone(UTC).date()


@dataclass(frozen=True)
class Label:
    """What the rules say about one event."""

    session_id: str
    session_start: datetime
    chain_start: datetime


def id_of(hit: Hit) -> str:
    micros = (hit.at - EPOCH) // timedelta(microseconds=1)
    text = f"{micros}:{len(hit.visitor)}:{hit.visitor}:{hit.event_id}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def labels_of(hits: list[Hit], rules: SessionRules) -> dict[str, Label]:
    """Event id -> label."""
    labels: dict[str, Label] = {}
    for visitor in {hit.visitor for hit in hits}:
        own = sorted((hit for hit in hits if hit.visitor == visitor), key=lambda hit: (hit.at, hit.event_id.encode()))
        labels.update(_labels_of_visitor(own, rules))
    return labels


def _labels_of_visitor(hits: list[Hit], rules: SessionRules) -> dict[str, Label]:
    gap, longest = timedelta(minutes=rules.gap_minutes), timedelta(hours=rules.max_session_hours)
    zone = ZoneInfo(rules.site_time_zone)
    labels: dict[str, Label] = {}
    previous: Hit | None = None
    chain = session = hits[0]
    campaign: str | None = None
    for hit in hits:
        new_chain = previous is None or hit.at - previous.at > gap
        if new_chain:
            chain, campaign = hit, None
        begins = new_chain
        if previous is not None and not new_chain:
            begins = (hit.at - chain.at) // longest != (previous.at - chain.at) // longest
            if rules.cut_at_midnight:
                begins |= hit.at.astimezone(zone).date() != previous.at.astimezone(zone).date()
            if rules.cut_on_campaign_change and hit.campaign is not None:
                begins |= hit.campaign != campaign
        campaign = hit.campaign or campaign
        if begins:
            session = hit
        labels[hit.event_id] = Label(id_of(session), session.at, chain.at)
        previous = hit
    return labels


def event_row(hit: Hit, **other: Any) -> dict[str, Any]:
    """The hit as a row with all columns of EVENT_COLUMNS, those not named null."""
    from jobs.clickstream.sessions.tables import EVENT_COLUMNS

    row: dict[str, Any] = dict.fromkeys(EVENT_COLUMNS)
    row.update(
        event_id=hit.event_id,
        event_date=hit.day,
        domain_userid=hit.visitor,
        derived_tstamp=hit.at,
        event_name=hit.name,
        page_urlpath=hit.page,
        mkt_source=hit.campaign,
    )
    return row | other
