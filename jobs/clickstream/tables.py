"""The tables of the clickstream family, by room."""

from __future__ import annotations

from jobs.clickstream.events.tables import EVENT_RECORDS, EVENTS
from jobs.clickstream.products.tables import EVENT_ITEMS
from jobs.clickstream.sessions.tables import SESSION_EVENTS, SESSIONS

__all__ = ["EVENTS", "EVENT_ITEMS", "EVENT_RECORDS", "SESSIONS", "SESSION_EVENTS"]
