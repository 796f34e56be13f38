"""Lines of access logs as columns, without Spark; the rules are those of the logs in common.sources.rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, unquote_plus

from common.sources.files.log_kinds import BALANCER, fields_of
from common.sources.rows import balancer_log, w3c_log

LOG_COLUMNS = (
    *("virtual_host", "remote_host", "ident", "user", "time", "request", "method", "path", "protocol"),
    *("status", "bytes", "referer", "user_agent", "scheme"),
)
NOT_A_LOG_LINE = "SRC-201 not a line of the combined log format"
UNCLOSED = "SRC-202 a quoted field of the log line is not closed"
BAD_TIME = "SRC-203 the time of the log line cannot be read"
_BACKSLASH, _QUOTE = "\x01", "\x02"
_CLOCK = r"\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?"
_TIME = re.compile(rf"(\d{{2}}/[A-Z][a-z]{{2}}/\d{{4}}):({_CLOCK}) ([+-]\d{{4}})", re.ASCII)
_ISO_TIME = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}T{_CLOCK}(?:Z|[+-]\d{{2}}:?\d{{2}})", re.ASCII)
_TIME_BEGINS = re.compile(r"\[(?:\d{1,2}/\w{1,20}/\d{4}:|\d{4}-\d{2}-\d{2}T)", re.ASCII)
_GAP = re.compile(r"(?<![, ]) +(?![ ,])")
_ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]+(?:%\w+)?\]?)"
_IS_ADDRESS = re.compile(rf'"?(?:(?:unknown|-), *){{0,20}}{_ADDRESS}(?::\d{{1,5}})?"?(?:$|,)', re.ASCII)
_IS_NO_HOST = re.compile(r'"?(?:-|unknown)?"?$')
_IS_SERVER = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]):(?:80|443|8080|8443)$")
_HTTP_REQUEST = re.compile(r"([A-Z][A-Z-]{0,19}) (.*) (HTTP/[0-9.]{1,5})", re.DOTALL)
_BARE_REQUEST = re.compile(r"([A-Z][A-Z-]{0,19}) ((?:/|https?://)(?!.* [A-Z]{2,10}/[0-9.]{1,5}$).*)", re.DOTALL)
_UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z", re.ASCII)
_STATUS, _SIZE = re.compile(r"\d{3}|-", re.ASCII), re.compile(r"\d{1,18}|-", re.ASCII)
_COUNTS = re.compile(r"\d{3} +(?:\d{1,18}|-)(?: |$)", re.ASCII)


def log_values(text: str) -> tuple[dict[str, Any], str]:
    """The fields of one line, or none of them and the reason (SRC-201 to SRC-203)."""
    hidden = text.replace("\\\\", _BACKSLASH).replace('\\"', _QUOTE)
    begins = _TIME_BEGINS.search(hidden)
    opens = begins.start() if begins else hidden.find("[")
    clock, _, rest = hidden[opens + 1 :].partition("]")
    fields = _GAP.split(hidden[: max(opens, 0)].strip(" "))
    parts = rest.split('"')
    framed = opens > 0 and len(fields) >= 3 and not parts[0].strip(" ") and len(parts) >= 3
    if framed and len(parts) % 2 == 0 and len(parts) >= 4:
        return {}, UNCLOSED
    if not framed or not _COUNTS.match(parts[2].strip(" ")):
        return {}, NOT_A_LOG_LINE
    moment = _moment(clock)
    if moment is None:
        return {}, BAD_TIME
    return {**_who(fields), "time": moment, **_what(parts)}, ""


def _moment(text: str) -> datetime | None:
    match = _TIME.fullmatch(text)
    try:
        if match:
            day = datetime.strptime(match[1], "%d/%b/%Y").date()  # noqa: DTZ007 - the offset follows
            return datetime.fromisoformat(f"{day}T{match[2].replace(',', '.')}{match[3]}").astimezone(UTC)
        return datetime.fromisoformat(text.replace(",", ".")).astimezone(UTC) if _ISO_TIME.fullmatch(text) else None
    except ValueError:
        return None


def _who(fields: Sequence[str]) -> dict[str, Any]:
    hosts = _hosts(fields)
    first = fields[0]
    is_address = bool(_IS_ADDRESS.match(first))
    is_server = hosts > 1 and not _IS_NO_HOST.match(first) and (not is_address or bool(_IS_SERVER.match(first)))
    user = " ".join(fields[hosts + 1 :])
    return {
        "virtual_host": _field(_unquoted(first)) if is_server else None,
        "remote_host": _client(fields[1:hosts] if is_server else fields[:hosts]),
        "ident": _field(_unquoted(fields[hosts])),
        "user": None if re.fullmatch(r'[-" ]*', user) else _plain(_unquoted(user)),
    }


def _hosts(fields: Sequence[str]) -> int:
    def field(place: int) -> str:
        return fields[place] if place < len(fields) else ""

    second = len(fields) >= 4 and field(1) != "-" and (bool(_IS_ADDRESS.match(field(1))) or field(2) == "-")
    if second and len(fields) >= 5 and _IS_ADDRESS.match(field(2)):
        return 3
    return 2 if second else 1


def _client(fields: Sequence[str]) -> str | None:
    each = re.split(" *, *", ",".join(map(_unquoted, fields)))
    known = next((one for one in each if one.lower() not in {"", "-", "unknown"}), None)
    if known is None:
        return None
    return _plain(_portless(known))


def _portless(address: str) -> str:
    return re.sub(r"^\[(.*)\]$", r"\1", re.sub(r"^([^:]+|\[.*\]):\d{1,5}$", r"\1", address))


def _what(parts: Sequence[str]) -> dict[str, Any]:
    status, size = parts[2].split()[:2]
    agent = _field(parts[5]) if len(parts) >= 7 else None
    return {
        **_asked(_field(parts[1])),
        "status": int(status),
        "bytes": None if size == "-" else int(size),
        "referer": _field(parts[3]) if len(parts) > 3 else None,
        "user_agent": (agent or "-") if len(parts) >= 7 else None,
        "scheme": None,
    }


def _asked(request: str | None) -> dict[str, Any]:
    whole = _HTTP_REQUEST.fullmatch(request or "")
    bare = None if whole else _BARE_REQUEST.fullmatch(request or "")
    found = whole or bare
    return {
        "request": request,
        "method": found[1] if found else None,
        "path": found[2] if found and found[1] != "CONNECT" else None,
        "protocol": whole[3] if whole else None,
    }


def _field(text: str) -> str | None:
    return None if text in ("-", "") else _plain(text)


def _plain(text: str) -> str:
    return text.replace(_QUOTE, '"').replace(_BACKSLASH, "\\")


def _unquoted(text: str) -> str:
    return text.removeprefix('"').removesuffix('"')


def values_of_kind(text: str, kind: str) -> tuple[dict[str, Any], str] | None:
    """The fields of one line of a log of that kind (common.sources.files.log_kinds), or none and the reason.

    None for a line that is no row.
    """
    if kind == BALANCER:
        return _of_balancer(text)
    return _of_fields(text, kind) if kind else log_values(text)


def _of_balancer(text: str) -> tuple[dict[str, Any], str]:
    parts = text.replace('\\"', _QUOTE).replace("\\x22", _QUOTE).split('"')
    head = parts[0].split()
    head = ["", *head] if len(head) == 11 else head
    if len(head) != 12 or len(parts) < 2 or not _STATUS.fullmatch(head[8]) or not _SIZE.fullmatch(head[11]):
        return {}, balancer_log.NOT_A_LINE
    if len(parts) % 2 == 0:
        return {}, balancer_log.UNCLOSED
    moment = _iso(head[1])
    if moment is None:
        return {}, balancer_log.BAD_TIME
    request = _field(parts[1])
    address = re.match(r"\S+ ([a-z]+)://([^/? ]+)", request or "")
    agent = _field(parts[3]) if len(parts) >= 5 else None
    return {
        **dict.fromkeys(LOG_COLUMNS),
        "virtual_host": address[2] if address else None,
        "remote_host": re.sub(r"^\[|\]?:\d{1,5}$", "", head[3]) if head[3] != "-" else None,
        "time": moment,
        **_asked(request),
        "status": None if head[8] == "-" else int(head[8]),
        "bytes": None if head[11] == "-" else int(head[11]),
        "user_agent": (agent or "-") if len(parts) >= 5 else None,
        "scheme": address[1] if address else None,
    }, ""


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text[:26].rstrip("Z")).replace(tzinfo=UTC) if _UTC.fullmatch(text) else None
    except ValueError:
        return None


def _of_fields(text: str, kind: str) -> tuple[dict[str, Any], str] | None:
    if text.startswith("#"):
        return None
    names, tabs = fields_of(kind), "\t" in text
    parts = text.split("\t") if tabs else text.split()
    if len(parts) != len(names):
        return {}, w3c_log.NOT_A_LINE
    given = {name: value for name, value in zip(names, parts, strict=True) if value not in ("-", "")}
    found = {
        name: next((given[one] for one in wanted if one in given), None) for name, wanted in w3c_log.VALUES.items()
    }
    moment = _iso(f"{given.get('date')}T{given.get('time')}Z")
    if moment is None and (count := given.get("timestamp(ms)") or given.get("timestamp", "")).isdecimal():
        moment = datetime.fromtimestamp(int(count) / (1000 if "timestamp(ms)" in given else 1), UTC)
    if moment is None:
        return {}, w3c_log.BAD_TIME
    query = f"?{found['query']}" if found["query"] else ""
    path = _once(found["stem"] + query, tabs) if found["stem"] else None
    method = found["method"] if re.fullmatch("[A-Z][A-Z-]{0,19}", found["method"] or "") else None
    forwarded = re.split("[ ,]+", _decoded(found["forwarded"], tabs) or "")
    known = next((one for one in forwarded if one.lower() not in {"", "-", "unknown"}), found["client"])
    has_agent = not set(names).isdisjoint(w3c_log.VALUES["user_agent"])
    return {
        **dict.fromkeys(LOG_COLUMNS),
        "virtual_host": found["host"],
        "remote_host": None if known is None else _portless(known),
        "user": found["user"],
        "time": moment,
        "request": " ".join(filter(None, (method, path, found["protocol"]))) or None,
        "method": method,
        "path": path,
        "protocol": found["protocol"],
        "status": _count(found["status"], 3),
        "bytes": _count(found["bytes"], 18),
        "referer": _once(found["referer"], tabs),
        "user_agent": (_decoded(found["user_agent"], tabs) or "-") if has_agent else None,
        "scheme": found["scheme"],
    }, ""


def _count(text: str | None, digits: int) -> int | None:
    return int(text) if text and re.fullmatch(rf"\d{{1,{digits}}}", text, re.ASCII) else None


def _once(text: str | None, tabs: bool) -> str | None:
    return text if text is None or not tabs else re.sub("%25(?=[0-9A-Fa-f]{2})", "%", text)


def _decoded(text: str | None, tabs: bool) -> str | None:
    once = _once(text, tabs)
    return once if once is None else unquote(once) if tabs else unquote_plus(once)
