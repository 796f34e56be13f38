"""The raw columns of files as far as their first bytes, their footer or the source tell, without Spark."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from common.sources.files.csv_dialect import Dialect, column_names, fault_of_header, header_of, names_in
from common.sources.files.locations import FileOpener, FoundFile
from common.sources.grammar.types import RawKind, parse_schema
from common.sources.mapping.fit import expressions_of

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings
    from common.sources.mapping.model import Source

_HEAD_BYTES = 64 << 10
_MOST_FOOTER_BYTES = 8 << 20
_MOST_FILES = 100


def raw_columns(source: Source, files: Iterable[FoundFile], settings: LakeSettings) -> dict[str, RawKind] | None:
    """The columns that any of the files has, by name; None when nobody can say, because a file is damaged or there are
    too many of them.

    One file is enough where it has every column that the source names.
    """
    if source.format == "access_log":
        from common.sources.rows.access_log import SCHEMA

        return dict.fromkeys(SCHEMA.names, RawKind())
    if source.raw_schema is not None:
        return parse_schema(source.raw_schema)
    read = _header if source.format == "csv" else _footer
    opener = FileOpener(settings)
    wanted = names_in([expression for _, expression in expressions_of(source)])
    found: dict[str, RawKind] = {}
    for count, file in enumerate(files, start=1):
        columns = read(file, source, opener)
        if columns is None or count > _MOST_FILES:
            return None
        found = {**columns, **found}
        if wanted <= {name.lower() for name in found}:
            break
    return found


def _header(file: FoundFile, source: Source, opener: FileOpener) -> dict[str, RawKind] | None:
    dialect = Dialect.of(source.options)
    text = _beginning(file, source, opener)
    header = header_of(iter(text.split("\n")), dialect)
    mapped = names_in([expression for _, expression in expressions_of(source)])
    # What is wrong with a file as a whole is for its inspection to say.
    if not header or fault_of_header(header, dialect, mapped):
        return None
    return dict.fromkeys(column_names(header, dialect), RawKind("string"))


def _beginning(file: FoundFile, source: Source, opener: FileOpener) -> str:
    """The first whole lines of a text file; nothing of one that is packed otherwise than by gzip."""
    with opener.open(file) as stream:
        data = stream.read(_HEAD_BYTES)
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, _HEAD_BYTES)
        except zlib.error:
            return ""
    encoding = {"utf-8": "utf-8-sig"}.get(source.encoding, source.encoding)
    if source.encoding == "utf-8" and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ""
    text = data.decode(encoding, "ignore").removeprefix("\ufeff").replace("\r\n", "\n")
    is_cut = len(data) >= _HEAD_BYTES
    return text[: text.rfind("\n") + 1] if is_cut else text


def _footer(file: FoundFile, _source: Source, opener: FileOpener) -> dict[str, RawKind] | None:
    if file.bytes < 12:
        return None
    from io import BytesIO

    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    with opener.open(file, offset=file.bytes - 8) as stream:
        end = stream.read(8)
    length = int.from_bytes(end[:4], "little")
    if not end.endswith(b"PAR1") or not 0 < length <= min(file.bytes - 8, _MOST_FOOTER_BYTES):
        return None
    with opener.open(file, offset=file.bytes - 8 - length) as stream:
        tail = stream.read(length + 8)
    try:
        schema = pq.read_metadata(BytesIO(b"PAR1" + tail)).schema.to_arrow_schema()
    except (ArrowException, OSError):
        return None
    return {field.name: _kind(field.type) for field in schema}


def _kind(kind: Any) -> RawKind:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        fields = (kind.field(place) for place in range(kind.num_fields))
        return RawKind("struct", fields={field.name: _kind(field.type) for field in fields})
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return RawKind("array", item=_kind(kind.value_type))
    return RawKind(str(kind))
