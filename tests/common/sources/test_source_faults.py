"""Every fault of a source file is a sentence with the key, what is wrong and what is meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import UsageError
from common.sources.mapping.model import Source

pytestmark = pytest.mark.unit

CAUSES = {
    "columns: {a: b}": "format is missing: it is one of csv, json, parquet, access_log.",
    "format: jsonl\ncolumns: {a: b}": "format is 'jsonl': it is one of csv, json, parquet, access_log. Write json.",
    "format: csv": "columns is missing: it maps canonical columns to expressions over the raw columns.",
    "format: csv\ncolumns: {}": "columns is empty: map at least one canonical column.",
    "format: csv\ncolumns: [a]": "columns is a list: it maps canonical columns to expressions, one per line.",
    "format: csv\ncolumns: {a: }": "columns: 'a' has no expression.",
    "format: csv\ncolumns: {a: 42}": "columns: 'a' is 42, not an expression: write \"42\" for the constant.",
    "format: csv\ncolumns: {a: {expr: x, format: yyyy}}": (
        "columns: 'a' has an unknown key 'format': it is called timestamp_format."
    ),
    "format: csv\ncolumns: {a: {timestamp_format: yyyy}}": (
        "columns: 'a' has no expr, the expression over the raw columns."
    ),
    "format: csv\ncolumns: {a: b}\nextra: {c: 7}": (
        "extra: 'c' is 7, not an expression: write \"7\" for the constant."
    ),
    "format: csv\ncolumns: {a: b}\nextra: {c: {expr: x, type: text}}": (
        "extra: 'c': type is 'text': it is 'number' or 'category'."
    ),
    "format: csv\ncolumns: {a: b}\nextra: {c: {expr: x, timestamp_format: yyyy}}": (
        "extra: 'c' has timestamp_format, but a time is neither a number nor a category: take a part of it in expr."
    ),
    "format: csv\ncolumns: {a: b}\nextra: {Tier-1: x}": (
        "extra: 'Tier-1' cannot name a column: use small letters, digits and _, a letter first, 60 at most."
    ),
    "format: csv\ncolumns: {on: x}": (
        "columns: the name true is no text: YAML reads yes, no, on and off as true and false: put it in quotes."
    ),
    "format: csv\ncolumns: {1: x}": "columns: the name 1 is no text: put it in quotes.",
    "format: csv\ncolumns: {a: concat(b, c)}": (
        "columns: 'a': a '(' is not closed: concat(b; columns: 'c)' has no expression: in {} a comma ends a value, "
        "so put an expression with commas in quotes."
    ),
    "format: csv\ncolumns: {a: b}\nmax_bad_share: 2": "max_bad_share is 2: it is at most 1.",
    "format: csv\ncolumns: {a: b}\nmax_line_bytes: lots": "max_line_bytes is 'lots': it is a whole number.",
    "format: csv\ncolumns: {a: b}\non_bad_file: stop": "on_bad_file is 'stop': it is 'fail' or 'skip'.",
    "format: csv\ncolumns: {a: b}\nignore_files: x": "ignore_files is 'x': it is a list.",
    "format: csv\ncolumns: {a: b}\nraw_schema: [a]": (
        'raw_schema is a list: it is one text of names and types, e.g. "id string, price double".'
    ),
    "format: csv\ncolumns: {a: b}\nencoding: utf9": (
        "encoding: 'utf9' is not an encoding that can be read. Did you mean 'utf-8'? "
        "Common ones are utf-8, utf-16, latin-1 and windows-1252."
    ),
    "format: csv\ncolumns: {a: b}\ntime_zone: Berlin": (
        "time_zone: 'Berlin' is not an IANA time zone: write Europe/Berlin."
    ),
    # What Python's own folders of zones hold beside them.
    "format: csv\ncolumns: {a: b}\ntime_zone: Europe": (
        "time_zone: 'Europe' is not an IANA time zone: write for example Europe/London."
    ),
    "format: csv\ncolumns: {a: b}\ntime_zone: posix/Europe/Paris": (
        "time_zone: 'posix/Europe/Paris' is not an IANA time zone: write Europe/Paris."
    ),
    "format: csv\ncolumns: {a: b}\noptions: {delimiter: ';', sep: ','}": (
        "options: 'delimiter' and 'sep' are the same: leave one of them out."
    ),
    "format: csv\ncolumns: {a: b}\noptions: {encoding: utf-8}": (
        "options: 'encoding' is not an option: write encoding as a key of the source itself."
    ),
    "format: csv\ncolumns: {a: b}\noptions: {quote: ab}": (
        "options: 'quote' is one character, or '' for none, not 'ab'."
    ),
    "format: csv\ncolumns: {a: b}\noptions: {header: maybe}": "options: 'header' is true or false, not 'maybe'.",
    "format: csv\ncolumns: {a: b}\noptions: {sep: '\"'}": "options: sep and quote are both '\"'.",
    "format: csv\ncolumns: {a: b *}": "columns: 'a': something is missing after '*': b *.",
    "format: csv\ncolumns: {a: Bon Nr}": (
        "columns: 'a': 'Nr' cannot stand after 'Bon': a name with blanks or signs needs back quotes: Bon Nr."
    ),
    "format: csv\ncolumns: {a: b}\nwhere: (b > 1": "where: a '(' is not closed: (b > 1.",
    "format: json\ncolumns: {a: b}\nraw_schema: b text": (
        "raw_schema: 'text' is not a type of Spark SQL. Write string."
    ),
    "format: parquet\ncolumns: {a: b}\noptions: {sep: x}": (
        "options: format parquet has no options, so 'sep' cannot be one."
    ),
}


@pytest.mark.parametrize("text", CAUSES, ids=[text.replace("\n", " ") for text in CAUSES])
def test_a_fault_is_said_in_the_words_of_the_source(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        Source.parse(text, name="tested", where="my.yaml")
    assert refused.value.code == "SRC-003"
    assert str(refused.value) == f"SRC-003: my.yaml: the source is not valid.\nCause: {CAUSES[text]}"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("delimiter", "unknown key 'delimiter': csv has it among its options, options: {sep: ...}."),
        ("timezone", "unknown key 'timezone'. It is called time_zone."),
        ("colums", "unknown key 'colums'. Did you mean 'columns'?"),
    ],
)
def test_an_unknown_key_is_met_with_the_one_that_is_meant(key: str, words: str) -> None:
    with pytest.raises(UsageError, match="SRC-002") as refused:
        Source.parse(f"format: csv\ncolumns: {{a: b}}\n{key}: x", name="tested", where="my.yaml")
    assert words in str(refused.value)


def test_options_may_be_empty_and_a_format_in_capitals() -> None:
    assert Source.parse("format: CSV\noptions:\ncolumns: {a: b}", name="tested").format == "csv"


def test_a_source_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_bytes("description: Möbel\n".encode("latin-1"))
    with pytest.raises(UsageError, match="SRC-003") as refused:
        Source.load(str(tmp_path / "shop.yaml"))
    assert "It is not UTF-8 text." in str(refused.value)


NOT_YAML = {
    "columns:\n\ta: b": "my.yaml:2 is not valid YAML: a tab cannot indent a line: use blanks.",
    "columns: {a: `b c`}": "my.yaml:1 is not valid YAML: a value that begins with ` needs quotes around it.",
    "columns:\n  a: 'x' || b": "my.yaml:2 is not valid YAML: what stands behind a value in quotes must be inside them.",
    "raw_schema: a struct<b: int>": (
        "my.yaml:1 is not valid YAML: a value with a colon and a blank in it needs quotes around it."
    ),
    "columns: {a: b, a: c}": "my.yaml:1 is not valid YAML: the key 'a' appears twice.",
    "[a]: b": "my.yaml:1 is not valid YAML: a key is a list or a mapping.",
    "description: 2024-13-45": (
        "my.yaml:1 is not valid YAML: '2024-13-45' looks like a number or a date and is neither: put it in quotes."
    ),
    "a\x00b": "my.yaml:1 is not valid YAML: it holds a character that is not allowed.",
}


@pytest.mark.parametrize("text", NOT_YAML)
def test_what_is_no_yaml_is_said_in_the_words_of_somebody_who_writes_it(text: str) -> None:
    with pytest.raises(UsageError, match="SRC-003") as refused:
        Source.parse(text, name="tested", where="my.yaml")
    assert refused.value.cause == NOT_YAML[text]


WHOLE = """format: csv
options: {sep: ";", header: true}
time_zone: Europe/Berlin
decimal: ","
where: amount > 0
columns:
  event_id: "`Bon Nr`"
  price: {expr: "try_cast(amount as double)"}
  collector_tstamp: {expr: at, timestamp_format: "dd.MM.yyyy HH:mm"}
"""
PIECES = [
    "\t",
    ":",
    "-",
    "{",
    "]",
    '"',
    "'",
    "`",
    "#",
    "&x ",
    "*x ",
    "!!int ",
    "? ",
    "~",
    "1",
    "\x00",
    "\u2028",
    "---\n",
]


@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 12), st.sampled_from(["", *PIECES]) | st.text(max_size=3)),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_is_done_to_a_source_it_is_read_or_refused_with_a_code(changes: list[tuple[int, int, str]]) -> None:
    text = WHOLE
    for place, length, piece in changes:
        text = text[:place] + piece + text[place + length :]
    refused = refusal_of(text)
    if refused is not None:
        said = f"{refused.message} {refused.cause} {refused.remedy}"
        assert (refused.code in {"SRC-002", "SRC-003"}, refused.exit_code) == (True, 2)
        assert not re.search(r"pydantic|Input should|Value error|[a-z]Error|NoneType|<class", said)


def refusal_of(text: str) -> UsageError | None:
    try:
        Source.parse(text, name="tested", where="my.yaml")
    except UsageError as refused:
        return refused
    return None
