r"""Lines of the access logs of web servers as columns, by built-in functions only.

Format: ``host ident user [dd/Mon/yyyy:HH:mm:ss +zone] "method path protocol" status bytes "referer" "user agent"``, as
written by Apache httpd (mod_log_config, ``combined``) and nginx, and its kin: without the last two fields (``common``),
with the virtual host before it (``vhost_combined``), or with the addresses of ``X-Forwarded-For`` first. Apache writes
a quote inside a field as ``\"``.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, LongType, StringType, StructField, StructType, TimestampType

SCHEMA = StructType(
    [
        StructField("virtual_host", StringType()),
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
        StructField("scheme", StringType()),
    ]
)
NO_AGENT = "-"
"""What ``user_agent`` holds for a request that named none, in a log that has the field."""

_STEPS = ("_unescaped", "_opens", "_rest", "_clock", "_fields", "_time", "_parts", "_hosts", "_counts", "_request")
# Stand-ins for the two escapes while the line is cut at its quotes; servers write control characters as \xhh.
_BACKSLASH = "\x01"
_QUOTE = "\x02"
_MONTHS = "|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|"
_NOT_COMBINED = "SRC-201 not a line of the combined log format"
_CLOCK = r"\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?"
_TIME = rf"^\d{{2}}/[A-Z][a-z]{{2}}/\d{{4}}:{_CLOCK} [+-]\d{{4}}$"
_ISO_TIME = rf"^\d{{4}}-\d{{2}}-\d{{2}}T{_CLOCK}(?:Z|[+-]\d{{2}}:?\d{{2}})$"
# Where the time begins, by its looks: a user may hold a bracket.
_TIME_BEGINS = r"\[(?:\d{1,2}/\w{1,20}/\d{4}:|\d{4}-\d{2}-\d{2}T)"
# Blanks between two fields, not those of a list "a, b". Each pattern below is linear in the length of the line.
_GAP = r"(?<![, ]) ++(?!,)"
_ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]+(?:%\w+)?\]?)"
_IS_ADDRESS = rf'^"?(?:(?:unknown|-), *){{0,20}}{_ADDRESS}(?::\d{{1,5}})?"?(?:$|,)'
_IS_NO_HOST = r'^"?(?:-|unknown)?"?$'
_IS_SERVER = r"^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]):(?:80|443|8080|8443)$"
_HTTP_REQUEST = r"^[A-Z][A-Z-]{0,19} .* HTTP/[0-9.]{1,5}$"
# HTTP/0.9 names no protocol; what names another one is no HTTP request.
_BARE_REQUEST = r"^[A-Z][A-Z-]{0,19} (?:/|https?://)(?!.* [A-Z]{2,10}/[0-9.]{1,5}$)"


def parse(lines: DataFrame) -> DataFrame:
    """``lines`` (``_raw``, ``_reason``) with the columns of ``SCHEMA``; ``_reason`` says why a line was not understood.

    ``remote_host`` is the visitor's: the first known address of a list, without its port. ``virtual_host`` is the host
    that was asked, where the line begins with it, with its port as sent. ``time`` is a UTC timestamp. ``-`` and ``""``
    are null in every field but ``user_agent``, where they are ``-``: a line without that field (the common format) has
    null there, since nothing follows from it. ``method``, ``path`` and ``protocol`` are null when the request is not
    an HTTP one, ``protocol`` also for HTTP/0.9, and ``path`` for CONNECT; ``request`` keeps it as sent. Further fields
    after the agent are passed over. A line that came with a reason is not parsed.
    """
    # Cutting at the quotes is linear in the length of the line; one pattern over all of it can be made to backtrack.
    hidden = F.replace(F.replace(F.col("_raw"), F.lit("\\\\"), F.lit(_BACKSLASH)), F.lit('\\"'), F.lit(_QUOTE))
    cut = lines.withColumn("_unescaped", F.when(F.col("_reason").isNull(), hidden))
    looks = F.regexp_instr("_unescaped", F.lit(_TIME_BEGINS))
    # Each step is a projection of its own: the columns that the next one needs several times are computed once.
    cut = cut.withColumn("_opens", F.when(looks > 0, looks).otherwise(F.instr("_unescaped", "[")))
    cut = cut.withColumn("_rest", F.substr("_unescaped", F.col("_opens") + 1))
    cut = cut.withColumn("_clock", F.substring_index("_rest", "]", 1))
    cut = cut.withColumns(
        {
            "_fields": F.split(F.trim(F.substr("_unescaped", F.lit(1), F.col("_opens") - 1)), _GAP),
            "_time": _timestamp(F.col("_clock")),
            # Without a bracket nothing is cut off, and what is left is no request either.
            "_parts": F.split(F.substr("_rest", F.length("_clock") + 2), '"'),
        }
    )
    cut = cut.withColumns(
        {
            "_hosts": _hosts(F.col("_fields")),
            "_counts": F.split(F.trim(_part(2)), " +"),
            "_request": _field(_part(1)),
        }
    )
    cut = cut.withColumn("_reason", F.coalesce("_reason", _fault()))
    understood = F.col("_reason").isNull()
    parsed = {name: F.when(understood, value) for name, value in _values().items()}
    return cut.withColumns(parsed).drop(*_STEPS)


def _part(position: int) -> Column:
    return F.get(F.col("_parts"), F.lit(position))


def _field(text: Column) -> Column:
    return F.when(~text.isin("-", ""), _plain(text))


def _plain(text: Column) -> Column:
    return F.replace(F.replace(text, F.lit(_QUOTE), F.lit('"')), F.lit(_BACKSLASH), F.lit("\\"))


def _unquoted(text: Column) -> Column:
    return F.regexp_replace(text, '^"|"$', "")


def _hosts(fields: Column) -> Column:
    """How many fields stand before ident: one, or more where a virtual host or forwarded addresses come first.

    A user may hold blanks, so the number of fields does not tell. Ident is ``-`` nearly everywhere and never an
    address; with a name in its place and ``-`` after it, the name is the host.
    """

    def field(position: int) -> Column:
        return F.coalesce(F.get(fields, F.lit(position)), F.lit(""))

    second = (F.size(fields) >= 4) & (field(1) != "-") & (field(1).rlike(_IS_ADDRESS) | (field(2) == "-"))
    third = second & (F.size(fields) >= 5) & field(2).rlike(_IS_ADDRESS)
    return F.when(third, F.lit(3)).when(second, F.lit(2)).otherwise(F.lit(1))


def _timestamp(text: Column) -> Column:
    """``17/May/2015:10:05:03 +0000`` or ISO 8601 with an offset as a timestamp, null when it is none.

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
        F.substr(text, F.lit(13), F.length(text) - 18),
        F.substr(text, F.length(text) - 4, F.lit(3)),
        F.lit(":"),
        F.substr(text, F.length(text) - 1),
    )
    shaped = F.when(text.rlike(_TIME) & (month > 0), iso).when(
        text.rlike(_ISO_TIME), F.regexp_replace(text, r"([+-]\d{2})(\d{2})$", "$1:$2")
    )
    return F.try_to_timestamp(F.replace(shaped, F.lit(","), F.lit(".")))


def _fault() -> Column:
    count = F.size("_parts")
    unclosed = (count % 2 == 0) & (count >= 4)
    counts = F.col("_counts")
    counted = (F.size(counts) >= 2) & counts[0].rlike(r"^\d{3}$") & counts[1].rlike(r"^(\d{1,18}|-)$")
    framed = (F.col("_opens") > 1) & (F.size("_fields") >= 3) & (F.trim(_part(0)) == "") & (count >= 3)
    # The time comes last: it is at fault only where everything else is as it should be.
    return (
        F.when(F.col("_unescaped").isNull(), F.lit(None).cast("string"))
        .when(unclosed & framed, F.lit("SRC-202 a quoted field of the log line is not closed"))
        .when(~(framed & counted), _NOT_COMBINED)
        .when(F.col("_time").isNull(), F.lit("SRC-203 the time of the log line cannot be read"))
    )


def _values() -> dict[str, Column]:
    fields, hosts, counts, request = F.col("_fields"), F.col("_hosts"), F.col("_counts"), F.col("_request")
    first = F.get(fields, F.lit(0))
    is_server = (hosts > 1) & ~first.rlike(_IS_NO_HOST) & (~first.rlike(_IS_ADDRESS) | first.rlike(_IS_SERVER))
    clients = F.slice(fields, F.when(is_server, 2).otherwise(1), F.when(is_server, hosts - 1).otherwise(hosts))
    # Functions over arrays are slow, and few lines need them.
    plain = (hosts == 1) & ~first.rlike('[,":]') & ~first.isin("-", "unknown")
    several = F.array_join(F.slice(fields, hosts + 2, F.greatest(F.size(fields), hosts + 2)), " ")
    user = F.when(F.size(fields) == hosts + 2, F.get(fields, hosts + 1)).otherwise(several)
    return {
        "virtual_host": F.when(is_server, _field(_unquoted(first))),
        "remote_host": F.when(plain, _plain(first)).otherwise(_client(clients)),
        "ident": _field(_unquoted(F.get(fields, hosts))),
        "user": F.when(~user.rlike('^[-" ]*$'), _plain(_unquoted(user))),
        "time": F.col("_time"),
        "request": request,
        **request_parts(request),
        "status": counts[0].cast("int"),
        "bytes": F.when(counts[1] != "-", counts[1].cast("bigint")),
        "referer": _field(_part(3)),
        "user_agent": F.when(F.size("_parts") >= 7, F.coalesce(_field(_part(5)), F.lit(NO_AGENT))),
        "scheme": F.lit(None).cast("string"),
    }


def request_parts(request: Column) -> dict[str, Column]:
    """``method``, ``path`` and ``protocol`` of a request line, null when it is not an HTTP one."""
    whole, bare = request.rlike(_HTTP_REQUEST), request.rlike(_BARE_REQUEST)
    method = F.substring_index(request, " ", 1)
    protocol = F.substring_index(request, " ", -1)
    begins = F.length(method) + 2
    path = F.when(whole, F.substr(request, begins, F.length(request) - F.length(protocol) - begins)).when(
        bare, F.substr(request, begins)
    )
    return {
        "method": F.when(whole | bare, method),
        "path": F.when(method != "CONNECT", path),
        "protocol": F.when(whole, protocol),
    }


def _client(fields: Column) -> Column:
    """The first address of the fields that is known, without quotes, brackets and port.

    A proxy gives each connection of a visitor another port.
    """
    each = F.split(F.array_join(F.transform(fields, _unquoted), ","), " *, *")
    known = F.get(F.filter(each, lambda one: ~F.lower(one).isin("", "-", "unknown")), F.lit(0))
    return _plain(portless(known))


def portless(address: Column) -> Column:
    """An address without its port, and without the brackets around one of IPv6."""
    bare = F.regexp_replace(address, r"^([^:]+|\[.*\]):\d{1,5}$", "$1")
    return F.regexp_replace(bare, r"^\[(.*)\]$", "$1")
