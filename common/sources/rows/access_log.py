r"""Lines of the NCSA combined (or common) log format as columns, by built-in functions only.

Format: ``host ident user [dd/Mon/yyyy:HH:mm:ss +zone] "method path protocol" status bytes "referer" "user agent"``, as
written by Apache httpd (mod_log_config, ``combined``) and nginx. Apache writes a quote inside a field as ``\"``.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, LongType, StringType, StructField, StructType, TimestampType

SCHEMA = StructType(
    [
        StructField("remote_host", StringType()),
        StructField("ident", StringType()),
        StructField("user", StringType()),
        StructField("time", TimestampType()),
        StructField("request", StringType()),
        StructField("method", StringType()),
        StructField("path", StringType()),
        StructField("protocol", StringType()),
        StructField("status", IntegerType()),
        StructField("bytes", LongType()),
        StructField("referer", StringType()),
        StructField("user_agent", StringType()),
    ]
)

# Stand-ins for the two escapes while the line is cut at its quotes; servers write control characters as \xhh.
_BACKSLASH = "\x01"
_QUOTE = "\x02"
_MONTHS = "|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|"
_NOT_COMBINED = "SRC-201 not a line of the combined log format"
_HTTP_REQUEST = r"^[A-Z]{1,20} .* HTTP/[0-9.]{1,5}$"


def parse(lines: DataFrame) -> DataFrame:
    """``lines`` (``_raw``, ``_reason``) with the columns of ``SCHEMA``; ``_reason`` says why a line was not understood.

    ``time`` is a UTC timestamp; ``-`` is null in every field. ``method``, ``path`` and ``protocol`` are null when the
    request is not an HTTP one; ``request`` keeps it as sent. The common format has neither ``referer`` nor
    ``user_agent``; further quoted fields after them are passed over. A line that came with a reason is not parsed.
    """
    # Cutting at the quotes is linear in the length of the line; one pattern over all of it can be made to backtrack.
    hidden = F.replace(F.replace(F.col("_raw"), F.lit("\\\\"), F.lit(_BACKSLASH)), F.lit('\\"'), F.lit(_QUOTE))
    cut = lines.withColumn("_parts", F.when(F.col("_reason").isNull(), F.split(hidden, '"')))
    cut = cut.withColumns(
        {
            "_who": F.split(F.substring_index(_part(0), " [", 1), " ", 3),
            "_time": _timestamp(F.substring_index(F.substring_index(_part(0), "[", -1), "]", 1)),
            "_counts": F.split(F.trim(_part(2)), " "),
            "_request": _field(_part(1)),
        }
    )
    cut = cut.withColumn("_reason", F.coalesce("_reason", _fault()))
    understood = F.col("_reason").isNull()
    parsed = {name: F.when(understood, value) for name, value in _values().items()}
    return cut.withColumns(parsed).drop("_parts", "_who", "_time", "_counts", "_request")


def _part(position: int) -> Column:
    return F.get(F.col("_parts"), F.lit(position))


def _field(text: Column) -> Column:
    plain = F.replace(F.replace(text, F.lit(_QUOTE), F.lit('"')), F.lit(_BACKSLASH), F.lit("\\"))
    return F.when(~text.isin("-", ""), plain)


def _timestamp(text: Column) -> Column:
    """``17/May/2015:10:05:03 +0000`` as a timestamp, null when it is none.

    Rewritten to ISO 8601 and cast, since date patterns follow ``spark.sql.legacy.timeParserPolicy``.
    """
    month = F.position(F.concat(F.lit("|"), F.substring(text, 4, 3), F.lit("|")), F.lit(_MONTHS))
    iso = F.concat(
        F.substring(text, 8, 4),
        F.lit("-"),
        F.lpad(((month + 3) / 4).cast("int").cast("string"), 2, "0"),
        F.lit("-"),
        F.substring(text, 1, 2),
        F.lit("T"),
        F.substring(text, 13, 8),
        F.substring(text, 22, 3),
        F.lit(":"),
        F.substring(text, 25, 2),
    )
    shaped = text.rlike(r"^\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}$") & (month > 0)
    return F.try_to_timestamp(F.when(shaped, iso))


def _fault() -> Column:
    count = F.size("_parts")
    unclosed = (count % 2 == 0) & (count >= 4)
    counts = F.col("_counts")
    return (
        F.when(F.size("_parts") < 0, F.lit(None).cast("string"))
        .when(unclosed, F.lit("SRC-202 a quoted field of the log line is not closed"))
        .when((count < 3) | (F.size("_who") != 3) | (F.get("_who", F.lit(0)) == ""), _NOT_COMBINED)
        .when(F.col("_time").isNull(), F.lit("SRC-203 the time of the log line cannot be read"))
        .when(
            ~(F.size(counts) == 2) | ~counts[0].rlike(r"^\d{3}$") | ~counts[1].rlike(r"^(\d{1,18}|-)$"), _NOT_COMBINED
        )
    )


def _values() -> dict[str, Column]:
    request = F.col("_request")
    http = request.rlike(_HTTP_REQUEST)
    method = F.substring_index(request, " ", 1)
    protocol = F.substring_index(request, " ", -1)
    path = F.substr(request, F.length(method) + 2, F.length(request) - F.length(method) - F.length(protocol) - 2)
    counts = F.col("_counts")
    return {
        "remote_host": _field(F.get("_who", F.lit(0))),
        "ident": _field(F.get("_who", F.lit(1))),
        "user": _field(F.get("_who", F.lit(2))),
        "time": F.col("_time"),
        "request": request,
        "method": F.when(http, method),
        "path": F.when(http, path),
        "protocol": F.when(http, protocol),
        "status": counts[0].cast("int"),
        "bytes": F.when(counts[1] != "-", counts[1].cast("bigint")),
        "referer": _field(_part(3)),
        "user_agent": _field(_part(5)),
    }
