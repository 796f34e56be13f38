"""What kind of files a sample holds, and its raw columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pyarrow import ArrowException

from common.config.lake_settings import LakeSettings
from common.errors import ContractError
from common.sources.files.locations import FileOpener
from common.sources.files.log_kinds import BALANCER, fields_of, kind_of
from deploy.feeds.records import opened
from deploy.suggestions.columns import RawColumn, columns_of
from deploy.suggestions.dialects import Dialect, dialect_of
from deploy.suggestions.samples import Encoding, FileSample, encoding_of, text_of_sample
from deploy.suggestions.shapes import JsonShape, json_columns, json_shape, parquet_columns, raw_schema

_LOG_TIME = re.compile(r'\[\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}\] "')
_FORMS = {
    "lines": "one JSON object per line",
    "objects": "JSON objects one after another",
    "array": "one JSON array of objects",
    "wrapped": "a JSON object that holds the records in a list",
}


@dataclass(frozen=True)
class Layout:
    """How the files are written: the keys of the source that say so, the raw columns, and what is not certain.

    ``described`` says it in words. ``keys`` are YAML keys with their plain values. ``shape`` is that of JSON records.
    """

    format: str
    described: str
    columns: list[RawColumn]
    keys: dict[str, object] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    shape: JsonShape | None = None


def layout_of(samples: Sequence[FileSample], settings: LakeSettings) -> Layout:
    """The layout of the sampled files, which must be of one kind. Raises ContractError FED-004 when they are not."""
    kinds = {sample.is_parquet for sample in samples}
    if len(kinds) > 1:
        raise _mixed("parquet", "text")
    if samples[0].is_parquet:
        return Layout("parquet", "parquet", _parquet_columns(samples[0], settings))
    encodings = [encoding_of(sample.data) for sample in samples]
    # Plain ASCII is UTF-8 too: the file with other signs in it decides.
    encoding = next((one for one in encodings if one.name != "utf-8"), encodings[0])
    texts = [text_of_sample(sample, encoding) for sample in samples]
    layouts = [_of_text(text, encoding) for text in texts]
    first = layouts[0]
    different = next((one for one in layouts[1:] if one.format != first.format), None)
    if different:
        raise _mixed(first.format, different.format)
    return _merged(layouts)


def _parquet_columns(sample: FileSample, settings: LakeSettings) -> list[RawColumn]:
    try:
        with opened(sample.file, FileOpener(settings)) as stream:
            return parquet_columns(stream)
    except (ArrowException, OSError) as error:
        raise ContractError(
            "FED-002",
            f"{sample.file.name} is damaged: it cannot be read as parquet.",
            remedy="Get it delivered again.",
        ) from error


def _mixed(one: str, other: str) -> ContractError:
    return ContractError(
        "FED-004",
        f"The files are of different kinds: {one} and {other}.",
        remedy="Give --input for one kind at a time, and a source for each.",
    )


def _of_text(text: str, encoding: Encoding) -> Layout:
    keys: dict[str, object] = {} if encoding.name == "utf-8" else {"encoding": encoding.name}
    doubts = (f"encoding {encoding.name}: {encoding.note}",) if encoding.note else ()
    lines = [line for line in text.split("\n") if line.strip()]
    kind = kind_of(lines)
    if kind:
        w3c = "an access log of CloudFront" if "x-edge-location" in fields_of(kind) else "an access log of IIS"
        return Layout("access_log", "an access log of a load balancer" if kind == BALANCER else w3c, [], keys, doubts)
    if lines and sum(bool(_LOG_TIME.search(line)) for line in lines) > 0.5 * len(lines):
        return Layout("access_log", "an access log (NCSA)", [], keys, doubts)
    if text.lstrip()[:1] in {"{", "["}:
        shape = json_shape(text)
        if shape is not None:
            keys["raw_schema"] = raw_schema(shape)
            note = f" '{shape.field}'" if shape.field else ""
            return Layout("json", f"{_FORMS[shape.form]}{note}", json_columns(shape), keys, doubts, shape)
    return _of_csv(dialect_of(text), keys, doubts)


def _of_csv(dialect: Dialect, keys: dict[str, object], doubts: tuple[str, ...]) -> Layout:
    columns = columns_of(dialect.names, dialect.rows)
    if dialect.options:
        keys["options"] = dialect.options
    if not dialect.has_header:
        keys["raw_schema"] = ", ".join(f"{name} string" for name in dialect.names)
        doubts = (*doubts, "the first line looks like data, not like a header: the columns are named _c0, _c1, ...")
    name = {"\t": "tab", " ": "blank"}.get(dialect.separator, dialect.separator)
    described = f"csv, separated by '{name}', {'with' if dialect.has_header else 'without'} a header"
    return Layout("csv", described, columns, keys, (*doubts, *dialect.notes))


def _merged(layouts: Sequence[Layout]) -> Layout:
    """The first layout with the values of all of them, and the columns that only later files have."""
    first = layouts[0]
    values: dict[str, list[str | None]] = {}
    kinds: dict[str, str] = {}
    for layout in layouts:
        for column in layout.columns:
            values.setdefault(column.name, []).extend(column.values)
            kinds.setdefault(column.name, column.kind)
    columns = [RawColumn(name, tuple(found), kinds[name]) for name, found in values.items()]
    doubts = list(dict.fromkeys(doubt for layout in layouts for doubt in layout.doubts))
    for layout in layouts[1:]:
        for key in ("options", "raw_schema"):
            if layout.keys.get(key) != first.keys.get(key) and not (key == "raw_schema" and first.format == "json"):
                doubts.append(f"the files differ in their {key}: this is that of the first one")
    if first.format == "json":
        longest = max((str(layout.keys["raw_schema"]) for layout in layouts), key=len)
        keys = {**first.keys, "raw_schema": longest}
        return Layout(first.format, first.described, columns, keys, tuple(doubts), first.shape)
    return Layout(first.format, first.described, columns, first.keys, tuple(dict.fromkeys(doubts)))
