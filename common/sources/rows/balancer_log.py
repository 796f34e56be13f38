"""Lines of the access logs of AWS load balancers as columns, by built-in functions only.

``type time elb client:port target:port 3 durations elb_status target_status received_bytes sent_bytes "request"
"user_agent"`` and more, which differs between the years and is passed over: AWS, "Access logs for your Application Load
Balancer". A Classic Load Balancer writes no type. A quote inside a field is written as ``\\"`` or ``\\x22``.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.sources.rows.access_log import NO_AGENT, SCHEMA, request_parts

NOT_A_LINE = "SRC-201 not a line of the log of a load balancer"
BAD_TIME = "SRC-203 the time of the log line cannot be read"
UNCLOSED = "SRC-202 a quoted field of the log line is not closed"
_TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$"
_QUOTE = "\x02"
_HEAD = 12
_STEPS = ("_parts", "_head", "_time", "_request")


def parse(lines: DataFrame) -> DataFrame:
    """``lines`` (``_raw``, ``_reason``) with the columns of ``SCHEMA``; ``_reason`` says why a line was not understood.

    ``time`` is when the balancer answered. ``path`` is the whole address that was asked, as the balancer writes it;
    ``virtual_host`` its host and port, ``scheme`` its scheme. ``status`` and ``bytes`` are those of the answer to the
    client; a status of ``-`` is null: there was no answer.
    """
    hidden = F.replace(F.replace("_raw", F.lit('\\"'), F.lit(_QUOTE)), F.lit("\\x22"), F.lit(_QUOTE))
    cut = lines.withColumn("_parts", F.split(F.when(F.col("_reason").isNull(), hidden), '"'))
    head = F.split(F.trim(F.get(F.col("_parts"), F.lit(0))), " +")
    # A classic one has no type: one is put before it, so that each field has its place.
    cut = cut.withColumn("_head", F.when(F.size(head) == _HEAD - 1, F.concat(F.array(F.lit("")), head)).otherwise(head))
    cut = cut.withColumns({"_time": _timestamp(_head(1)), "_request": _field(_part(1))})
    cut = cut.withColumn("_reason", F.coalesce("_reason", _fault()))
    parsed = {name: F.when(F.col("_reason").isNull(), value) for name, value in _values().items()}
    return cut.withColumns(parsed).drop(*_STEPS)


def _head(place: int) -> Column:
    return F.get(F.col("_head"), F.lit(place))


def _part(place: int) -> Column:
    return F.get(F.col("_parts"), F.lit(place))


def _field(text: Column) -> Column:
    return F.when(~text.isin("-", ""), F.replace(text, F.lit(_QUOTE), F.lit('"')))


def _timestamp(text: Column) -> Column:
    return F.try_to_timestamp(F.when(text.rlike(_TIME), text))


def _fault() -> Column:
    framed = (F.size("_head") == _HEAD) & _head(8).rlike(r"^(\d{3}|-)$") & _head(11).rlike(r"^(\d{1,18}|-)$")
    return (
        F.when(F.col("_parts").isNull(), F.lit(None).cast("string"))
        .when(~framed | (F.size("_parts") < 2), F.lit(NOT_A_LINE))
        .when(F.size("_parts") % 2 == 0, F.lit(UNCLOSED))
        .when(F.col("_time").isNull(), F.lit(BAD_TIME))
    )


def _values() -> dict[str, Column]:
    request = F.col("_request")
    address = F.regexp_extract(request, r"^\S+ ([a-z]+)://([^/? ]+)", 2)
    scheme = F.regexp_extract(request, r"^\S+ ([a-z]+)://", 1)
    values = {
        "virtual_host": F.when(address != "", address),
        "remote_host": F.regexp_replace(F.when(_head(3) != "-", _head(3)), r"^\[|\]?:\d{1,5}$", ""),
        "time": F.col("_time"),
        "request": request,
        **request_parts(request),
        "status": F.when(_head(8) != "-", _head(8)).cast("int"),
        "bytes": F.when(_head(11) != "-", _head(11)).cast("bigint"),
        "user_agent": F.when(F.size("_parts") >= 5, F.coalesce(_field(_part(3)), F.lit(NO_AGENT))),
        "scheme": F.when(scheme != "", scheme),
    }
    return {field.name: values.get(field.name, F.lit(None).cast(field.dataType)) for field in SCHEMA}
