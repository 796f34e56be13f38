"""Made-up clickstream events for the measurements: seeded, so that every machine generates the same ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FIRST_DAY_US = 1_772_323_200_000_000  # 2026-03-01T00:00:00Z
_MICROS_A_DAY = 86_400_000_000
_ROWS_A_CHUNK = 1_000_000
_MEAN_EVENTS_A_SESSION = 12
_MEAN_SESSIONS_A_VISITOR = 4


def write_events(folder: Path, *, rows: int, days: int = 30, hot_share: float = 0.0, seed: int = 20261120) -> int:
    """Write ``rows`` events of ``days`` days as Parquet, in files of a million rows, shuffled in time inside each.

    Visits have 12 events on average, 45 s apart (exponential); visitors have about four visits. With ``hot_share`` one
    visitor sends that share of all events, evenly over all days. Returns the number of rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    done = 0
    while done < rows:
        size = min(_ROWS_A_CHUNK, rows - done)
        table = _chunk(rng, size, days, hot_share, done)
        pq.write_table(table, folder / f"events-{done // _ROWS_A_CHUNK:05d}.parquet", compression="snappy")
        done += size
    return done


def _chunk(rng: np.random.Generator, size: int, days: int, hot_share: float, offset: int) -> pa.Table:
    hot = int(size * hot_share)
    visitor, at_us = _visits(rng, size - hot, days, offset)
    if hot:
        visitor = np.concatenate([visitor, np.full(hot, -1)])
        at_us = np.concatenate([at_us, FIRST_DAY_US + rng.integers(0, days * _MICROS_A_DAY, hot)])
    order = rng.permutation(size)
    return _columns(rng, visitor[order], at_us[order], offset)


def _visits(rng: np.random.Generator, size: int, days: int, offset: int) -> tuple[np.ndarray, np.ndarray]:
    visits = max(1, size // _MEAN_EVENTS_A_SESSION)
    visit = np.sort(rng.integers(0, visits, size))
    visitor_of_visit = offset + rng.integers(0, max(1, visits // _MEAN_SESSIONS_A_VISITOR), visits)
    start_of_visit = FIRST_DAY_US + rng.integers(0, days * _MICROS_A_DAY - 8 * 3_600_000_000, visits)
    steps = rng.exponential(45_000_000, size).astype(np.int64)
    walked = np.cumsum(steps)
    first = np.searchsorted(visit, np.arange(visits))
    begun = walked[np.minimum(first, size - 1)]
    at_us = start_of_visit[visit] + (walked - begun[visit])
    return visitor_of_visit[visit], at_us


def _columns(rng: np.random.Generator, visitor: np.ndarray, at_us: np.ndarray, offset: int) -> pa.Table:
    size = len(visitor)
    number = pa.array(np.arange(offset, offset + size))
    event_id = pc.binary_join_element_wise(
        "e", pc.utf8_lpad(pc.cast(number, pa.string()), 15, "0"), _words(rng, size), "-"
    )
    views = rng.random(size) < 0.85
    bought = ~views & (rng.random(size) < 0.1)
    name = np.where(views, "page_view", np.where(bought, "purchase", "scroll"))
    no_text = pa.nulls(size, pa.string())
    tagged = rng.random(size) < 0.02
    at = pa.array(at_us, pa.timestamp("us", tz="UTC"))
    return pa.table(
        {
            "event_id": event_id,
            "event_name": pa.array(name),
            "event_date": pc.cast(pc.floor_temporal(at, unit="day"), pa.date32()),
            "derived_tstamp": at,
            "domain_userid": pc.binary_join_element_wise("visitor", pc.cast(pa.array(visitor), pa.string()), "-"),
            "user_id": no_text,
            "page_urlhost": pa.array(np.full(size, "shop.example")),
            "page_urlpath": _picked(rng, size, "/page/", 2000),
            "refr_urlhost": _picked(rng, size, "site", 50),
            "refr_medium": pa.array(np.array(["search", "social", "internal", "unknown"])[rng.integers(0, 4, size)]),
            "refr_source": no_text,
            "mkt_medium": pa.array(np.full(size, "cpc"), mask=~tagged),
            "mkt_source": pa.array(np.full(size, "ads"), mask=~tagged),
            "mkt_campaign": _picked(rng, size, "campaign", 20, ~tagged),
            "device_category": pa.array(np.array(["desktop", "mobile", "tablet"])[visitor % 3]),
            "geo_country": pa.array(np.array(["DE", "GB", "FR", "IN"])[visitor % 4]),
            "item_id": _picked(rng, size, "item", 5000, ~bought),
            "quantity": pc.cast(pa.array(rng.integers(1, 4, size, dtype=np.int32), mask=~bought), pa.decimal128(18, 3)),
            "price": pc.cast(pa.array(rng.integers(1, 200, size, dtype=np.int32), mask=~bought), pa.decimal128(18, 4)),
            "currency": pa.array(np.full(size, "GBP"), mask=~bought),
            "transaction_id": _picked(rng, size, "order", 10**9, ~bought),
            "is_bot": pa.array(rng.random(size) < 0.01),
            "is_asset": pa.array(np.zeros(size, dtype=bool)),
        }
    )


def _words(rng: np.random.Generator, size: int) -> pa.Array:
    """Sixteen random digits per row: ids that do not compress or sort like a counter."""
    return pc.utf8_lpad(pc.cast(pa.array(rng.integers(0, 10**16, size)), pa.string()), 16, "0")


def _picked(rng: np.random.Generator, size: int, prefix: str, kinds: int, mask: np.ndarray | None = None) -> pa.Array:
    """``prefix`` and a number below ``kinds``, small numbers more often than great ones."""
    drawn = pa.array((kinds * rng.random(size) ** 3).astype(np.int64), mask=mask)
    return pc.binary_join_element_wise(prefix, pc.cast(drawn, pa.string()), "")
