"""Lines of access logs in the W3C extended format as columns, by built-in functions only.

A line ``#Fields: date time ...`` names the fields of those below it. CloudFront parts them by tabs and encodes what is
not plain in them, percent signs included, as ``%xx``; IIS parts them by blanks, and writes a blank as ``+``. Both give
times in UTC. W3C, "Extended Log File Format" (working draft, 1996); AWS, "Standard logging reference".
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.sources.files.log_kinds import fields_of
from common.sources.rows.access_log import NO_AGENT, SCHEMA, portless

NOT_A_LINE = "SRC-201 not a line of the fields that the log names"
BAD_TIME = "SRC-203 the time of the log line cannot be read"
_TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$"
_CUT = "_cut"
VALUES = {
    "method": ("cs-method",),
    "stem": ("cs-uri-stem",),
    "query": ("cs-uri-query",),
    "status": ("sc-status",),
    "bytes": ("sc-bytes",),
    "referer": ("cs(referer)", "cs-referer"),
    "user_agent": ("cs(user-agent)", "cs-user-agent"),
    "host": ("x-host-header", "cs(host)", "cs-host"),
    "protocol": ("cs-protocol-version", "cs-version"),
    "scheme": ("cs-protocol",),
    "user": ("cs-username",),
    "client": ("c-ip",),
    "forwarded": ("x-forwarded-for", "cs(x-forwarded-for)"),
}
"""Names that a value has in the field list of a log; the first of them that holds something counts."""


def parse(lines: DataFrame, kind: str) -> DataFrame:
    """``lines`` (``_raw``, ``_reason``) with the columns of ``SCHEMA``; ``_reason`` says why a line was not understood.

    ``kind`` is the line that names the fields. Lines that begin with ``#`` are no rows.
    ``remote_host`` is the first forwarded address, else that of the client. ``path`` holds the query, too. What an
    agent or a referrer held before CloudFront encoded it, is in ``user_agent`` and ``referer``.
    """
    names = fields_of(kind)
    rows = lines.where(~F.startswith("_raw", F.lit("#")) | F.col("_reason").isNotNull())
    text = F.when(F.col("_reason").isNull(), F.col("_raw"))
    parts = F.when(F.contains(text, F.lit("\t")), F.split(text, "\t")).otherwise(F.split(F.trim(text), " +"))
    cut = rows.withColumns({_CUT: parts, "_tabs": F.contains("_raw", F.lit("\t"))})
    cut = cut.withColumn("_time", _time(names))
    cut = cut.withColumn("_reason", F.coalesce("_reason", _fault(len(names))))
    parsed = {name: F.when(F.col("_reason").isNull(), value) for name, value in _values(names).items()}
    return cut.withColumns(parsed).drop(_CUT, "_tabs", "_time")


def _raw(names: Sequence[str], wanted: Sequence[str]) -> Column | None:
    texts = [F.get(F.col(_CUT), F.lit(names.index(name))) for name in wanted if name in names]
    return F.coalesce(*(F.when(~text.isin("-", ""), text) for text in texts)) if texts else None


def _time(names: Sequence[str]) -> Column:
    day, clock = _raw(names, ("date",)), _raw(names, ("time",))
    if day is None or clock is None:
        # CloudFront's later logs may have a count in place of both.
        counts = {F.timestamp_seconds: ("timestamp",), F.timestamp_millis: ("timestamp(ms)",)}
        for as_time, name in counts.items():
            if (count := _raw(names, name)) is not None:
                return as_time(_count(count, 13).cast("bigint"))
        return F.lit(None).cast("timestamp")
    text = F.concat(day, F.lit("T"), clock, F.lit("Z"))
    return F.try_to_timestamp(F.when(text.rlike(_TIME), text))


def _fault(size: int) -> Column:
    return (
        F.when(F.col(_CUT).isNull(), F.lit(None).cast("string"))
        .when(F.size(_CUT) != size, F.lit(NOT_A_LINE))
        .when(F.col("_time").isNull(), F.lit(BAD_TIME))
    )


def _values(names: Sequence[str]) -> dict[str, Column]:
    none = F.lit(None).cast("string")
    found = {name: _raw(names, wanted) for name, wanted in VALUES.items()}
    sent = {name: none if value is None else value for name, value in found.items()}
    asked = F.concat(sent["stem"], F.coalesce(F.concat(F.lit("?"), sent["query"]), F.lit("")))
    path = _encoded_once(asked)
    method = F.when(sent["method"].rlike("^[A-Z][A-Z-]{0,19}$"), sent["method"])
    first = F.get(F.filter(F.split(_decoded(sent["forwarded"]), "[ ,]+"), _is_known), F.lit(0))
    agent = none if found["user_agent"] is None else F.coalesce(_decoded(sent["user_agent"]), F.lit(NO_AGENT))
    values = {
        "virtual_host": sent["host"],
        "remote_host": portless(F.coalesce(first, sent["client"])),
        "user": sent["user"],
        "time": F.col("_time"),
        "request": F.nullif(F.concat_ws(" ", method, path, sent["protocol"]), F.lit("")),
        "method": method,
        "path": path,
        "protocol": sent["protocol"],
        "status": _count(sent["status"], 3).cast("int"),
        "bytes": _count(sent["bytes"], 18).cast("bigint"),
        "referer": _encoded_once(sent["referer"]),
        "user_agent": agent,
        "scheme": sent["scheme"],
    }
    return {field.name: values.get(field.name, F.lit(None).cast(field.dataType)) for field in SCHEMA}


def _is_known(address: Column) -> Column:
    return ~F.lower(address).isin("", "-", "unknown")


def _count(text: Column, digits: int) -> Column:
    return F.when(text.rlike(rf"^\d{{1,{digits}}}$"), text)


def _encoded_once(address: Column) -> Column:
    """An address as it was asked: CloudFront encodes the percent signs of one that is encoded already."""
    return F.when(F.col("_tabs"), F.regexp_replace(address, "%25(?=[0-9A-Fa-f]{2})", "%")).otherwise(address)


def _decoded(text: Column) -> Column:
    """A text that is no address as it was sent; of CloudFront some are encoded twice."""
    once = F.regexp_replace(_encoded_once(text), r"%(?![0-9A-Fa-f]{2})", "%25")
    # Only IIS means a blank by a plus.
    plus = F.when(F.col("_tabs"), F.replace(once, F.lit("+"), F.lit("%2B"))).otherwise(once)
    return F.url_decode(plus)
