"""The reasons of a rejected row: which came first, which only follow from it, and which columns they are about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_UNREAD = re.compile(r"SRC-301 cannot be read: (.+)")
# Before any value is looked at: the file, or the line.
_UNREADABLE_LINE = re.compile(r"SRC-[12]\d\d\b")
_NUMBERS = re.compile(r"; sha256 [0-9a-f]+|\b\d[\d.,]*\b")

ABOUT = {
    "EVT-001": ("true_tstamp", "derived_tstamp", "collector_tstamp", "dvce_created_tstamp", "dvce_sent_tstamp"),
    "EVT-002": ("true_tstamp", "derived_tstamp", "collector_tstamp", "dvce_created_tstamp"),
    "EVT-003": ("true_tstamp", "derived_tstamp", "collector_tstamp", "dvce_created_tstamp"),
    "EVT-004": ("domain_userid", "user_id", "user_ipaddress"),
    "EVT-005": ("http_status",),
    "EVT-006": ("bytes",),
    "EVT-007": ("quantity",),
    "EVT-008": ("price",),
    "EVT-009": ("price",),
    "EVT-012": ("item_list_price", "order_total", "tax", "shipping"),
    "EVT-013": (
        "domain_sessionidx",
        "item_position",
        "pp_xoffset_min",
        "pp_xoffset_max",
        "pp_yoffset_min",
        "pp_yoffset_max",
        "doc_width",
        "doc_height",
    ),
    "EVT-014": ("items",),
    "FRD-101": ("transaction_id",),
    "FRD-102": ("tx_datetime",),
    "FRD-103": ("customer_id",),
    "FRD-104": ("terminal_id", "merchant_id"),
    "FRD-105": ("tx_amount",),
    "FRD-106": ("tx_amount",),
    "FRD-107": ("tx_amount",),
    "FRD-108": ("tx_datetime",),
    "FRD-109": ("transaction_id",),
    "FRD-110": ("tx_datetime",),
    "FRD-111": ("transaction_id",),
    "FRD-112": ("reported_at",),
    "FRD-113": ("is_fraud",),
    "FRD-114": ("reported_at",),
    "FRD-115": ("transaction_id",),
    "FRD-116": ("reported_at",),
    "FRD-118": ("transaction_id",),
    "FRD-119": ("reported_at",),
    "FRD-120": ("customer_lat", "customer_lon", "merchant_lat", "merchant_lon"),
    "FCT-101": ("item_id", "unique_id"),
    "FCT-102": ("sold_at", "ds"),
    "FCT-103": ("quantity", "y"),
    "FCT-104": ("quantity", "y"),
    "FCT-105": ("sold_at", "ds"),
    "FCT-106": ("quantity", "y"),
    "FCT-107": ("quantity", "y"),
    "FCT-108": ("sold_at", "ds"),
    "FCT-109": ("unit_price",),
    "FCT-121": ("unique_id", "item_id", "item_name", "store", "country", "currency"),
    "FCT-122": ("counted_at",),
    "FCT-123": ("on_hand", "on_order"),
    "FCT-124": ("on_hand", "on_order"),
    "FCT-125": ("counted_at",),
    "FCT-126": ("on_hand",),
    "FCT-127": ("counted_at",),
    "FCT-128": ("on_hand", "on_order"),
    "FCT-129": ("on_order",),
    "FCT-141": ("supplier", "lead_time_days"),
    "FCT-142": ("pack_size", "min_order", "unit_cost", "budget"),
    "FCT-143": ("unique_id", "counted_at", "lead_time_days"),
    "FCT-161": ("name",),
    "FCT-162": ("starts_on", "ds"),
    "FCT-163": ("known_at",),
    "FCT-164": ("starts_on", "ends_on"),
    "FCT-165": ("known_at",),
    "FCT-166": ("value",),
    "FCT-167": ("known_at",),
    "FCT-181": ("unique_id", "item_id", "store", "country", "currency"),
    "FCT-182": ("known_at", "starts_at"),
    "FCT-183": ("factor",),
    "FCT-184": ("replaces",),
    "FCT-185": ("known_at", "starts_at"),
    "FCT-186": ("known_at", "starts_at"),
    "FCT-191": ("unique_id", "item_id", "item_name", "store", "country", "currency"),
    "FCT-192": ("first_ds",),
    "FCT-193": ("y_hat", "factor"),
    "FCT-194": ("y_hat", "factor"),
    "FCT-195": ("reason",),
    "FCT-196": ("made_at",),
    "FCT-197": ("made_at",),
    "FCT-198": ("made_at",),
    "FCT-199": ("first_ds", "last_ds"),
}
"""Code of a family's rule -> the canonical columns that it looks at."""


@dataclass(frozen=True)
class Why:
    """Why one row was rejected: ``first``, the reason that explains the others, and the columns it is about."""

    first: str
    others: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def code(self) -> str:
        """``SRC-301`` of ``SRC-301 cannot be read: price``."""
        return self.first.partition(" ")[0]


def why(reasons: Sequence[str]) -> Why:
    """The reasons of a row in order, without those that follow from an earlier one.

    A line that could not be read has no values to judge, and a value that could not be read counts as missing.
    """
    ordered = sorted(reasons, key=lambda reason: not reason.startswith("SRC-"))
    kept: list[str] = []
    unread: set[str] = set()
    for reason in ordered:
        if kept and _UNREADABLE_LINE.match(kept[0]):
            break
        if unread.isdisjoint(about(reason)):
            kept.append(reason)
        names = _UNREAD.match(reason)
        if names:
            unread |= set(about(reason))
    first = kept[0] if kept else ""
    return Why(first, tuple(kept[1:]), about(first))


def about(reason: str) -> tuple[str, ...]:
    """The canonical columns that a reason is about; none for a line or file as a whole."""
    names = _UNREAD.match(reason)
    if names:
        return tuple(name.strip() for name in names.group(1).split(","))
    return ABOUT.get(reason.partition(" ")[0], ())


def kind_of(reason: str) -> str:
    """A reason without the numbers of its one row, to count by."""
    code, _, words = reason.partition(" ")
    return f"{code} {_NUMBERS.sub('', words)}".replace("  ", " ").strip()
