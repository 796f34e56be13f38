"""The declaration of a source: how raw files are laid out and how they map to canonical columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from common.errors import UsageError
from common.sources.grammar.types import parse_schema
from common.sources.mapping.expressions import checked, with_quoted_names
from common.sources.mapping.faults import sentences, unknown_key
from common.sources.mapping.free_columns import EXTRA_MAPS, FreeColumn, check_names
from common.sources.mapping.options import WIDE, NumberStyle, encoding_of, options_of, zone_of
from common.sources.mapping.patterns import time_pattern
from common.words import did_you_mean
from common.yaml import YamlError, read_yaml


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnMapping(_Strict):
    """One canonical column: a Spark SQL expression over the raw columns, and how its value becomes a timestamp."""

    expr: str = Field(min_length=1, description="Spark SQL expression over the raw columns.")
    timestamp_format: str | None = Field(
        None, description="Pattern of the text that expr returns, e.g. yyyyMMdd HH:mm."
    )
    epoch: Literal["s", "ms", "us", "ns"] | None = Field(
        None, description="expr counts this unit since 1970-01-01 UTC."
    )

    @field_validator("expr")
    @classmethod
    def _safe(cls, text: str) -> str:
        return checked(with_quoted_names(text))

    @field_validator("timestamp_format")
    @classmethod
    def _possible(cls, pattern: str | None) -> str | None:
        if pattern:
            time_pattern(pattern)
        return pattern

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.timestamp_format and self.epoch:
            raise ValueError("give timestamp_format or epoch, not both")
        return self


class Source(_Strict):
    """How the raw files of one feed are read and mapped; conf/sources/<name>.yaml, or a file of one's own."""

    name: str = Field(min_length=1, description="Name of the source; the file's name unless given.")
    description: str = Field("", description="What the feed is, in one sentence.")
    format: Literal["csv", "json", "parquet", "access_log"] = Field(description="Layout of the raw files.")
    options: dict[str, str] = Field(default_factory=dict, description="Reader options, by Spark's names.")
    raw_schema: str | None = Field(None, description="DDL of the raw columns: needed for json and headerless csv.")
    optional: tuple[str, ...] = Field((), description="Raw columns that a file may lack: they are null there.")
    rows_from: str | None = Field(None, min_length=1, description="Array of a record that gives a row per element.")
    parent: dict[str, str] = Field(default_factory=dict, description="Kept with each element: name -> raw column.")
    where: str | None = Field(None, min_length=1, description="SQL over raw columns: only rows for which it is true.")
    columns: dict[str, ColumnMapping] = Field(min_length=1, description="Canonical column -> SQL over raw columns.")
    extra: dict[str, FreeColumn] = Field(default_factory=dict, description="Free column -> SQL over raw columns.")
    ignore_files: tuple[str, ...] = Field(
        ("LICENSE*", "README*", "*.md", "*.crc", "*.sha256", "*.tmp", "*.part"),
        description="Patterns of file names to ignore; names that begin with '_' or '.' are always ignored.",
    )
    on_bad_file: Literal["fail", "skip"] = Field("fail", description="What the run does about a bad file.")
    max_bad_share: float = Field(0.1, ge=0, le=1, description="Largest share of bad files, by number, with skip.")
    max_line_bytes: int = Field(1_048_576, ge=64, le=67_108_864, description="Longest line read as a row, in bytes.")
    max_nesting: int = Field(100, ge=1, le=900, description="Deepest nesting of a JSON line.")
    max_undecodable_share: float = Field(
        0.01, ge=0, le=1, description="Share of undecodable lines above which the whole file is bad."
    )
    encoding: str = Field("utf-8", description="Encoding of text files, e.g. utf-8, latin-1, cp1252.")
    time_zone: str = Field("UTC", description="Zone of raw times without one, e.g. Europe/London.")
    decimal: Literal[".", ","] | None = Field(None, description="Mark before the decimals of numbers in text.")
    thousands: Literal[",", ".", " ", "'", "_"] | None = Field(
        None, description="Mark between groups of digits of numbers in text."
    )

    @field_validator("format", mode="before")
    @classmethod
    def _in_lower_case(cls, name: object) -> object:
        return name.lower() if isinstance(name, str) else name

    @field_validator("columns", "extra", mode="before")
    @classmethod
    def _short_form(cls, columns: object) -> object:
        if not isinstance(columns, Mapping):
            return columns
        return {name: {"expr": value} if isinstance(value, str) else value for name, value in columns.items()}

    @field_validator("extra")
    @classmethod
    def _named(cls, extra: dict[str, FreeColumn]) -> dict[str, FreeColumn]:
        check_names(extra)
        return extra

    @field_validator("parent", mode="before")
    @classmethod
    def _by_name(cls, parent: object) -> object:
        # A list keeps the names; the field of an object has the name of the field.
        return {str(path).rpartition(".")[2]: path for path in parent} if isinstance(parent, list) else parent

    @field_validator("where")
    @classmethod
    def _safe_filter(cls, text: str | None) -> str | None:
        return text if text is None else checked(with_quoted_names(text))

    @field_validator("raw_schema")
    @classmethod
    def _readable_schema(cls, ddl: str | None) -> str | None:
        if ddl is not None:
            parse_schema(ddl)
        return ddl

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        return zone_of(zone)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        return encoding_of(name)

    @model_validator(mode="before")
    @classmethod
    def _known_options(cls, values: Any) -> Any:
        options = values.get("options") if isinstance(values, Mapping) else None
        if isinstance(values, Mapping) and "options" in values and options is None:
            options = {}
        if not isinstance(options, Mapping):
            return values
        return {**values, "options": options_of(str(values.get("format")).lower(), options)}

    @model_validator(mode="after")
    def _parents_of_elements(self) -> Self:
        if self.parent and not self.rows_from:
            raise ValueError("parent keeps fields of the record with each element of rows_from: give that too")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both '{self.decimal}': numbers would mean two things")
        if self.format == "json" and self.raw_schema is None:
            raise ValueError(
                "format json needs raw_schema, the DDL of the raw columns: a guess would differ between days"
            )
        if self.format == "csv" and not self.has_header and self.raw_schema is None:
            raise ValueError("csv without a header needs raw_schema, the DDL of the raw columns")
        if self.format in {"parquet", "access_log"} and self.raw_schema is not None:
            raise ValueError(f"format {self.format} knows its raw columns: leave raw_schema out")
        return self

    @property
    def number_style(self) -> NumberStyle | None:
        """How numbers in text are written; None: as programs write them, 1234.5."""
        if self.decimal is None and self.thousands is None:
            return None
        decimal = self.decimal or ("," if self.thousands == "." else ".")
        return NumberStyle(decimal, self.thousands or "")

    @property
    def mapped_expressions(self) -> list[str]:
        """The expressions of canonical and free columns."""
        return [*(one.expr for one in self.columns.values()), *(one.expr for one in self.extra.values())]

    @property
    def has_header(self) -> bool:
        """Whether each csv file begins with the names of its columns."""
        return self.options.get("header", "true") == "true"

    @property
    def text_encoding(self) -> str:
        """Python's name of the encoding after UTF-16 was turned into UTF-8."""
        return "utf-8" if self.encoding in WIDE else self.encoding

    @property
    def is_text(self) -> bool:
        """Whether the files are lines of text."""
        return self.format != "parquet"

    @classmethod
    def load(cls, name_or_path: str) -> Source:
        """The preset of that name, or the YAML file at that path.

        Raises UsageError SRC-001 (no such source), SRC-002 (unknown key), SRC-003 (a value or an expression is wrong).
        """
        name, text = _text_of(name_or_path)
        return cls.parse(text, name=name, where=name_or_path)

    @classmethod
    def parse(cls, text: str, *, name: str, where: str = "the source file") -> Source:
        """A source from YAML text; errors as ``load``."""
        try:
            values = read_yaml(text, where)
        except YamlError as error:
            raise UsageError("SRC-003", f"{where} is not readable YAML.", cause=f"{error}.") from error
        if not isinstance(values, dict):
            raise UsageError(
                "SRC-003", f"{where} does not contain a mapping.", remedy=f"The keys are {_listed(cls.model_fields)}."
            )
        for key in values:
            if key not in cls.model_fields:
                raise UsageError(
                    "SRC-002",
                    f"{where}: {unknown_key(key, cls.model_fields)}",
                    remedy=f"The keys are {_listed(cls.model_fields)}.",
                )
        try:
            return cls.model_validate({"name": name, **values})
        except ValidationError as error:
            raise UsageError("SRC-003", f"{where}: the source is not valid.", cause=sentences(error)) from error

    def check_columns(self, target: Sequence[str]) -> None:
        """Raises UsageError SRC-005 when a canonical column is not one of ``target``'s, or a free column is one."""
        known = [name for name in target if name not in EXTRA_MAPS]
        for name in self.columns:
            if name not in known:
                raise UsageError(
                    "SRC-005",
                    f"Source {self.name} maps '{name}', but the target has no such column.{did_you_mean(name, known)}",
                    remedy=f"The columns are {_listed(known)}; columns of your own stand under extra.",
                )
        if self.extra and len(known) == len(target):
            raise UsageError(
                "SRC-005", f"Source {self.name} has free columns, but the target takes none.", remedy="Remove extra."
            )
        for name in self.extra:
            if name in target:
                raise UsageError(
                    "SRC-005",
                    f"Source {self.name} has the free column '{name}', but that is a canonical column.",
                    remedy="Map it under columns, or give the free column another name.",
                )


def presets() -> list[str]:
    """Names of the sources that ship with the suite."""
    files = resources.files("conf.sources").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have
        return False


def source_text(body: bytes, where: str) -> str:
    """The text of a source file. Raises UsageError SRC-003 when it is none."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            "SRC-003", f"{where} is not readable YAML.", cause="It is not UTF-8 text.", remedy="Save it as UTF-8."
        ) from error


def _text_of(name_or_path: str) -> tuple[str, str]:
    if name_or_path.lower().endswith((".yaml", ".yml")):
        path = Path(name_or_path)
        if not _is_file(path):
            raise UsageError(
                "SRC-001", f"There is no source file {name_or_path}.", remedy="Check the path of --source."
            )
        return path.stem, source_text(path.read_bytes(), name_or_path)
    if name_or_path not in presets():
        raise UsageError(
            "SRC-001",
            f"There is no source '{name_or_path}'.{did_you_mean(name_or_path, presets())}",
            remedy=f"Give one of {_listed(presets())}, or the path of a .yaml file of your own (docs/sources.md).",
        )
    return name_or_path, (resources.files("conf.sources") / f"{name_or_path}.yaml").read_text(encoding="utf-8")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
