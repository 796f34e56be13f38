"""Parses URLs, campaign parameters and referrers with built-in functions that never raise on bad input.

Spark's ``parse_url`` refuses an illegal URL under ANSI, and ``try_parse_url`` is missing on Spark 3.5: the parts are
cut out by the generic syntax of RFC 3986, appendix B, which fits any text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_MAX_VALUE_LENGTH = 2_048
# RFC 3986, appendix B; the groups are scheme, authority, path, query, fragment.
_GENERIC = r"^(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$"
_SCHEME, _AUTHORITY, _PATH, _QUERY, _FRAGMENT = 1, 2, 3, 4, 5

# fmt: off
ASSET_EXTENSIONS = (
    "css", "js", "mjs", "map", "png", "jpg", "jpeg", "gif", "svg", "ico", "webp", "avif", "bmp", "woff", "woff2", "ttf",
    "otf", "eot", "mp3", "mp4", "webm", "ogg", "swf", "json", "wasm",
)
# fmt: on

# The parameter that a network adds to the landing page's address, and the network.
CLICK_IDS = {
    "gclid": "Google",
    "gbraid": "Google",
    "wbraid": "Google",
    "dclid": "DoubleClick",
    "msclkid": "Microsoft",
    "fbclid": "Facebook",
    "ttclid": "TikTok",
    "twclid": "Twitter",
    "li_fat_id": "LinkedIn",
    "yclid": "Yandex",
}
_CAMPAIGN = {
    "mkt_medium": "utm_medium",
    "mkt_source": "utm_source",
    "mkt_campaign": "utm_campaign",
    "mkt_term": "utm_term",
    "mkt_content": "utm_content",
}


@dataclass(frozen=True)
class ReferrerSource:
    """One known sender of visitors: ``medium`` search, social, email, news or code; ``terms`` its search parameters."""

    medium: str
    source: str
    hosts: tuple[str, ...]
    terms: tuple[str, ...] = ()


def url_host(url: Column) -> Column:
    """The host in lower case without user, port and a trailing dot; empty when there is none."""
    without_user = F.regexp_replace(F.regexp_extract(url, _GENERIC, _AUTHORITY), r"^.*@", "")
    return F.lower(F.regexp_replace(without_user, r"\.?(?::[0-9]*)?$", ""))


def query_values(query: Column, names: Sequence[str]) -> list[Column]:
    """For each name the first value of that parameter, decoded: null when absent, perhaps empty.

    Names are compared without regard to case. Percent signs that are not part of an escape are kept. A query is
    only split when it holds one of the names.
    """
    mentioned = query.rlike(f"(?i)(?:^|[&;])(?:{'|'.join(names)})=")
    pairs = F.when(mentioned, F.split(query, "[&;]"))
    return [_decoded(_first_starting(pairs, f"{name}="), len(name) + 2) for name in names]


def _first_starting(pairs: Column, start: str) -> Column:
    # Lambdas are evaluated outside of generated code, which keeps that below the size that the JVM compiles.
    return F.get(F.filter(pairs, lambda pair: F.startswith(F.lower(pair), F.lit(start))), F.lit(0))


def _decoded(pair: Column, position: int) -> Column:
    # url_decode rejects a lone percent sign, so it is escaped as %25 first.
    raw = F.regexp_replace(F.substring(pair, position, _MAX_VALUE_LENGTH), r"%(?![0-9A-Fa-f]{2})", "%25")
    return F.trim(F.url_decode(raw))


def _unless_empty(name: str) -> Column:
    return F.when(F.col(name) != "", F.col(name))


def _sent_or(events: DataFrame, name: str, worked_out: Column) -> Column:
    """What the feed sent under this name, and where it sent nothing what is worked out here."""
    return F.coalesce(F.col(name), worked_out) if name in events.columns else worked_out


def with_page(events: DataFrame) -> DataFrame:
    """``events`` (``page_url``) with ``page_url*``, ``mkt_*`` and ``is_asset``.

    ``page_url`` may be a whole address or a path; what begins with two slashes is a path, as servers and scanners write
    it (RFC 3986 would read a host). ``is_asset`` is true for files that a page pulls in (images, styles,
    scripts, fonts, media), by their extension. ``mkt_clickid`` and ``mkt_network`` come from the click ids of the
    networks, the other ``mkt_*`` from the utm parameters; those that ``events`` already holds stay.
    """
    # With an empty authority before it, the slashes stay in the path.
    url = F.when(F.startswith("page_url", F.lit("//")), F.concat(F.lit("//"), "page_url")).otherwise(F.col("page_url"))
    cut = events.withColumns(
        {
            "page_urlscheme": F.lower(F.regexp_extract(url, _GENERIC, _SCHEME)),
            "page_urlhost": url_host(url),
            "page_urlpath": F.regexp_extract(url, _GENERIC, _PATH),
            "page_urlquery": F.regexp_extract(url, _GENERIC, _QUERY),
            "page_urlfragment": F.regexp_extract(url, _GENERIC, _FRAGMENT),
        }
    )
    parameters = [*_CAMPAIGN.values(), *CLICK_IDS]
    values = dict(zip(parameters, query_values(F.col("page_urlquery"), parameters), strict=True))
    marked = cut.withColumns({f"_{name}": value for name, value in values.items()})
    found = {name: _unless_empty(f"_{name}") for name in parameters}
    networks = [F.when(found[name].isNotNull(), F.lit(network)) for name, network in CLICK_IDS.items()]
    extension = F.lower(F.regexp_extract("page_urlpath", r"\.([A-Za-z0-9]{1,5})$", 1))
    parts = ("page_urlscheme", "page_urlhost", "page_urlquery", "page_urlfragment")
    columns = {
        **{name: _unless_empty(name) for name in parts},
        "page_urlpath": F.when(F.col("page_urlpath") == "", F.lit("/")).otherwise(F.col("page_urlpath")),
        **{column: _sent_or(events, column, found[parameter]) for column, parameter in _CAMPAIGN.items()},
        "mkt_clickid": _sent_or(events, "mkt_clickid", F.coalesce(*(found[name] for name in CLICK_IDS))),
        "mkt_network": _sent_or(events, "mkt_network", F.coalesce(*networks)),
        "is_asset": F.coalesce(extension.isin(*ASSET_EXTENSIONS), F.lit(False)),
    }
    return marked.withColumns(columns).drop(*(f"_{name}" for name in parameters))


def with_referrer(events: DataFrame, sources: Sequence[ReferrerSource], site_hosts: Sequence[str] = ()) -> DataFrame:
    """``events`` (``page_referrer``, ``page_urlhost``) with ``refr_urlhost``, ``refr_urlpath`` and the three below.

    ``refr_medium`` is ``internal`` when the referrer is the page's own host or one of ``site_hosts`` (``www.`` does not
    matter), else the medium of the source that owns the host, else ``unknown``; null without a referrer.
    ``refr_source`` names that source, ``refr_term`` the search term, where the source still sends it. Those that
    ``events`` already holds stay.
    """
    referrer = F.col("page_referrer")
    cut = events.withColumns(
        {
            "_refr_host": url_host(referrer),
            "_refr_path": F.regexp_extract(referrer, _GENERIC, _PATH),
            "_refr_query": F.regexp_extract(referrer, _GENERIC, _QUERY),
        }
    )
    host = _sent_or(events, "refr_urlhost", _unless_empty("_refr_host"))
    named = cut.withColumns(
        {
            "refr_urlhost": host,
            "refr_urlpath": _sent_or(events, "refr_urlpath", _unless_empty("_refr_path")),
            "_bare": F.regexp_replace(F.lower(host), r"^www\.", ""),
        }
    ).drop("_refr_host", "_refr_path")
    bare = F.col("_bare")
    own = bare == F.regexp_replace("page_urlhost", r"^www\.", "")
    listed = bare.isin(*(host.lower().removeprefix("www.") for host in site_hosts)) if site_hosts else F.lit(False)
    looked_up = named.withColumn("_internal", F.coalesce(own, F.lit(False)) | F.coalesce(listed, F.lit(False)))
    keys = (bare, F.regexp_replace(bare, r"^[^.]+\.", ""), F.concat(_brand(bare), F.lit(".*")))
    place = F.coalesce(*(F.try_element_at(_places(sources), key) for key in keys))
    looked_up = looked_up.withColumn("_source", F.when(~F.col("_internal"), place))
    terms = sorted({term for source in sources for term in source.terms})
    searched = looked_up.withColumns(
        {
            f"_term_{term}": F.when(F.col("_source").isNotNull(), value)
            for term, value in zip(terms, query_values(F.col("_refr_query"), terms), strict=True)
        }
    )
    medium = F.coalesce(_looked_up([source.medium for source in sources]), F.lit("unknown"))
    columns = {
        "refr_medium": F.when(F.col("_internal"), F.lit("internal")).when(bare.isNotNull(), medium),
        "refr_source": _looked_up([source.source for source in sources]),
        "refr_term": F.coalesce(
            F.lit(None).cast("string"),
            *(
                F.when(
                    F.col("_source").isin(*_owners(sources, term)) & (F.col(f"_term_{term}") != ""),
                    F.col(f"_term_{term}"),
                )
                for term in terms
            ),
        ),
    }
    return searched.withColumns({name: _sent_or(events, name, value) for name, value in columns.items()}).drop(
        "_bare", "_internal", "_source", "_refr_query", *(f"_term_{term}" for term in terms)
    )


def _owners(sources: Sequence[ReferrerSource], term: str) -> list[int]:
    return [place for place, source in enumerate(sources) if term in source.terms]


def _brand(host: Column) -> Column:
    """The name under any top-level domain: ``google`` of ``images.google.co.uk``."""
    return F.regexp_extract(host, r"(?:^|\.)([a-z0-9-]+)\.(?:(?:com?|org|net|ac|or|ne)\.)?[a-z]{2,}$", 1)


def _looked_up(values: Sequence[str]) -> Column:
    return F.get(F.array(*(F.lit(value) for value in values)).cast("array<string>"), F.col("_source"))


def _places(sources: Sequence[ReferrerSource]) -> Column:
    entries = [(host, place) for place, source in enumerate(sources) for host in source.hosts]
    return F.create_map(*(F.lit(cell) for entry in entries for cell in entry)).cast("map<string,int>")
