"""The tables of the clickstream family, by room."""

from __future__ import annotations

from jobs.clickstream.events.tables import EVENT_FILES, EVENTS, EVENTS_RAW
from jobs.clickstream.sessions.tables import SESSION_EVENTS, SESSIONS

__all__ = ["EVENTS", "EVENTS_RAW", "EVENT_FILES", "SESSIONS", "SESSION_EVENTS"]
