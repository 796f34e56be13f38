"""The list of known referrers that ships with the suite."""

from __future__ import annotations

from importlib import resources

from common.yaml import read_yaml
from jobs.clickstream.web.addresses import ReferrerSource


def load_referrers() -> list[ReferrerSource]:
    """The entries of conf/referrers.yaml. Raises ValueError when a host is claimed twice."""
    entries = read_yaml((resources.files("conf") / "referrers.yaml").read_text(encoding="utf-8"), "conf/referrers.yaml")
    sources = [
        ReferrerSource(
            medium=entry["medium"],
            source=entry["source"],
            hosts=tuple(entry["hosts"]),
            terms=tuple(entry.get("terms", ())),
        )
        for entry in entries
    ]
    hosts = [host for source in sources for host in source.hosts]
    twice = sorted({host for host in hosts if hosts.count(host) > 1})
    if twice:
        raise ValueError(f"conf/referrers.yaml lists twice: {', '.join(twice)}")
    return sources
