"""Csv as people write it: quotes, names, delimiters, blanks, encodings; every line is a row or has a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.sources.files.csv_dialect import Dialect, column_names, header_of, names_in
from common.sources.files.inventory import FileInventory
from common.sources.mapping.model import Source

pytestmark = pytest.mark.unit

Read = Callable[[Path, Source], DataFrame]
Look = Callable[[Path, Source], FileInventory]


def source(more: str = "", columns: str = "item_id: item") -> Source:
    return Source.parse(f"format: csv\n{more}\ncolumns: {{{columns}}}\n", name="tested")


def rows(found: DataFrame, *names: str) -> list[tuple[object, ...]]:
    """Line, the columns, and the code of the reason, in the order of the lines."""
    picked = found.select("_line", *names, found["_reason"].substr(1, 7)).collect()
    return sorted((tuple(row) for row in picked), key=lambda row: (row[0], repr(row)))


def test_doubled_quotes_are_the_default_for_the_header_and_the_rows(inbox: Path, read: Read) -> None:
    (inbox / "sales.csv").write_text(
        '"item ""no""",name\n'
        'A1,"Frying pan 12"" black"\n'
        'A2,"TV 55"", wall mount"\n'
        'A3,"The ""best"" mug"\n'
        'A4,"back\\slash at end\\"\n'
        'A5,""\n'
        'A6,5" cable\n'
        'A7, "with blanks, outside" \n'
        'A8,"two\n'
        'lines"\n'
    )
    assert rows(read(inbox, source()), '`item "no"`', "name") == [
        (2, "A1", 'Frying pan 12" black', None),
        (3, "A2", 'TV 55", wall mount', None),
        (4, "A3", 'The "best" mug', None),
        (5, "A4", "back\\slash at end\\", None),
        (6, "A5", None, None),
        (7, "A6", '5" cable', None),
        (8, "A7", "with blanks, outside", None),
        (9, None, None, "SRC-213"),
        (10, None, None, "SRC-212"),
    ]


def test_an_escaped_quote_is_read_when_the_source_says_how_it_is_escaped(inbox: Path, read: Read) -> None:
    (inbox / "a.csv").write_text('item,"a ""b"\nA1,"TV 55\\", wall"\nA2,"x\\\\"\n'.replace('"a ""b"', '"a \\"b"'))
    escaped = source("options: {escape: '\\'}")
    assert rows(read(inbox, escaped), "item", '`a "b`') == [
        (2, "A1", 'TV 55", wall', None),
        (3, "A2", "x\\", None),
    ]


def test_a_field_may_hold_newlines_when_the_source_says_so(inbox: Path, read: Read) -> None:
    (inbox / "a.csv").write_bytes(
        b'item,"long\r\nname"\r\nA1,"two\r\n\r\nlines, ""quoted"""\r\n\r\nA2,x\r\nA3,"not closed\r\nA4,y\r\n'
    )
    found = rows(read(inbox, source("options: {multiline: true}")), "item", "`long\nname`")
    assert found == [
        (3, "A1", 'two\n\nlines, "quoted"', None),
        (7, "A2", "x", None),
        (8, None, None, "SRC-213"),
        (9, "A4", "y", None),
    ]


def test_a_field_that_opens_behind_a_quote_in_the_middle_of_another_is_seen(inbox: Path, read: Read) -> None:
    (inbox / "a.csv").write_text('item,name\nA1 5",z\nA2 5" cable,x\nA3 5",""\nA4 5","open\nA5,y\nA6 5" x,"open')
    read_as = [
        (2, 'A1 5"', "z", None),
        (3, 'A2 5" cable', "x", None),
        (4, 'A3 5"', None, None),
        (5, None, None, "SRC-213"),
        (6, "A5", "y", None),
        (7, None, None, "SRC-213"),
    ]
    assert rows(read(inbox, source()), "item", "name") == read_as
    (inbox / "a.csv").write_text('item,name\nA1 5" cable,x\nA2 5" cable,"open\nA3,y\n')
    assert rows(read(inbox, source("options: {multiline: true}")), "item", "name") == [
        (2, 'A1 5" cable', "x", None),
        (3, None, None, "SRC-213"),
        (4, "A3", "y", None),
    ]


def test_marks_of_any_kind_are_read(inbox: Path, read: Read) -> None:
    (inbox / "a.csv").write_text("item\u00a6name\nA1\u00a6\u201ca\u00a6b\u201c\nA2\u00a6\u201copen\n")
    assert rows(read(inbox, source("options: {sep: \u00a6, quote: \u201c}")), "item", "name") == [
        (2, "A1", "a\u00a6b", None),
        (3, None, None, "SRC-213"),
    ]
    (inbox / "a.csv").write_text('item,name\nA1,"a"\nA2,"a\\"\nA3,"a ""b"""\n')
    assert rows(read(inbox, source("options: {escape: ''}")), "item", "name") == [
        (2, "A1", "a", None),
        (3, "A2", "a\\", None),
        (4, "A3", '"a ""b"""', None),
    ]


def test_a_line_of_more_fields_than_any_table_has_columns_stops_nothing(inbox: Path, read: Read) -> None:
    (inbox / "a.csv").write_text(f'item,name\nA1{"," * 30_000}x\nA2,"{"," * 30_000}"\nA3,{"x" * 200_000}\n')
    lines = read(inbox, source("options: {maxCharsPerColumn: 1000}"))
    found = rows(lines.withColumn("size", F.length("name")), "item", "size")
    assert found == [(2, None, None, "SRC-212"), (3, "A2", 30_000, None), (4, "A3", 200_000, None)]


def test_a_quote_that_is_never_closed_costs_its_line_however_much_follows(inbox: Path, read: Read) -> None:
    follows = "".join(f"B{number},{'x' * 80}\n" for number in range(100))
    (inbox / "a.csv").write_text(f'item,name\nA1,"open\n{follows}A2,"a\nb"\n')
    found = rows(read(inbox, source("options: {multiline: true}\nmax_line_bytes: 1000")), "item")
    assert found[0] == (2, None, "SRC-213")
    assert [row[1] for row in found[1:]] == [*(f"B{number}" for number in range(100)), "A2"]
    assert [row[0] for row in found] == list(range(2, 104))


def test_a_column_without_a_name_is_called_by_its_place(inbox: Path, read: Read) -> None:
    (inbox / "pandas.csv").write_text(",item,,qty\n0,A1,x,3\n1,A2,,4\n")
    assert rows(read(inbox, source()), "_c0", "item", "_c2", "qty") == [
        (2, "0", "A1", "x", "3", None),
        (3, "1", "A2", None, "4", None),
    ]


def test_a_name_may_hold_any_character(inbox: Path, read: Read) -> None:
    (inbox / "a.csv").write_text("item.id,unit price,size (cm),it`s\nA1,2,3,4\n")
    found = read(inbox, source(columns="item_id: '`item.id`'"))
    assert rows(found, "`item.id`", "unit price", "size (cm)", "it's") == [(2, "A1", "2", "3", "4", None)]


def test_names_that_come_twice_matter_only_when_they_are_mapped(inbox: Path, read: Read, look: Look) -> None:
    (inbox / "a.csv").write_text("item,Note,note,_line\nA1,x,y,z\n")
    assert rows(read(inbox, source()), "item", "Note", "note_2", "_line_2") == [(2, "A1", "x", "y", "z", None)]
    for expression in ("note", "upper(NOTE)", "'`Note`'"):
        (file,) = look(inbox, source(columns=f"item_id: item, item_name: {expression}")).files
        assert file.reason == (
            "SRC-108 the header has columns that differ only in case, or not at all, and are mapped: Note, note"
        )
    assert look(inbox, source(columns="item_id: \"concat(item, 'note')\"")).bad == ()


def test_separators_at_the_end_of_lines_are_no_fields(inbox: Path, read: Read) -> None:
    (inbox / "rows.csv").write_text('item;qty\nA1;1;\nA2;"2";; ;\nA3;3;x\nA4\n;;\n ; \n')
    (inbox / "header.csv").write_text("item;qty;;\nA1;1\nA2;2;;\nA3;;\nA4\nA5;5;;x\n")
    found = read(inbox, source("options: {sep: ';'}"))
    by_file = {name: found.where(found["_file"].endswith(name)) for name in ("rows.csv", "header.csv")}
    assert rows(by_file["rows.csv"], "item", "qty") == [
        (2, "A1", "1", None),
        (3, "A2", "2", None),
        (4, None, None, "SRC-212"),
        (5, None, None, "SRC-212"),
    ]
    assert rows(by_file["header.csv"], "item", "qty", "_c3") == [
        (2, "A1", "1", None, None),
        (3, "A2", "2", None, None),
        (4, "A3", None, None, None),
        (5, None, None, None, "SRC-212"),
        (6, "A5", "5", "x", None),
    ]


def test_headers_are_no_rows_wherever_they_stand(inbox: Path, read: Read, look: Look) -> None:
    (inbox / "only.csv").write_text("item,qty\n")
    (inbox / "bare.csv").write_text("item,qty")
    (inbox / "again.csv").write_bytes(b"\xef\xbb\xbfitem,qty\r\nA1,1\r\n\xef\xbb\xbfitem,qty\r\nA2,2\r\nitem,qty  \r\n")
    # Of files that were joined each may quote its names in its own way.
    (inbox / "joined.csv").write_text('item,qty\nA4,4\n"item", "qty"\nitem,A5\n')
    (inbox / "excel.csv").write_text("sep=,\n\nitem,qty\nA3,3\n")
    assert {file.layout for file in look(inbox, source()).files} == {"item,qty"}
    assert rows(read(inbox, source()), "item", "qty") == [
        (2, "A1", "1", None),
        (2, "A4", "4", None),
        (4, "A2", "2", None),
        (4, "A3", "3", None),
        (4, "item", "A5", None),
    ]


def test_comments_are_no_rows(inbox: Path, read: Read) -> None:
    (inbox / "a.csv").write_text("# made by us\nitem,qty\n# more\nA1,1\n")
    assert rows(read(inbox, source("options: {comment: '#'}")), "item") == [(4, "A1", None)]


def test_files_with_other_headers_other_cases_and_other_lengths_are_read_together(inbox: Path, read: Read) -> None:
    (inbox / "a.csv").write_bytes(
        '\ufeff"Item";"Qty";"Sold"\r\n"A1";"3";"2024-05-06"\r\n\r\n"A2";"4";"2024-05-07"\r\n'.encode()
    )
    (inbox / "b.csv").write_text("sold;ITEM ;qty;extra\n2024-05-08;A3;5;x\n2024-05-08;A4;6\n2024-05-08;A5;7;y;z\n")
    found = read(inbox, source("options: {sep: ';'}"))
    assert rows(found, "item", "qty", "sold", "extra") == [
        (2, "A1", "3", "2024-05-06", None, None),
        (2, "A3", "5", "2024-05-08", "x", None),
        (3, None, None, None, None, "SRC-212"),
        (4, "A2", "4", "2024-05-07", None, None),
        (4, None, None, None, None, "SRC-212"),
    ]


@pytest.mark.parametrize(
    "options",
    ["sep: '|'", "delimiter: '|'", "separator: pipe", "Sep: '|', header: True"],
)
def test_the_separator_is_given_as_people_call_it(options: str) -> None:
    assert source(f"options: {{{options}}}").options["sep"] == "|"


@pytest.mark.parametrize("written", ["\\t", "'\\t'", '"\\t"', "tab"])
def test_a_tab_is_written_in_any_way(written: str) -> None:
    assert source(f"options: {{sep: {written}}}").options["sep"] == "\t"


ENCODINGS = {
    "UTF-8": "utf-8",
    "utf8": "utf-8",
    "utf-8-sig": "utf-8",
    "US-ASCII": "utf-8",
    "cp1252": "windows-1252",
    "Windows-1252": "windows-1252",
    "iso-8859-1": "latin-1",
    "ISO8859-1": "latin-1",
    "latin1": "latin-1",
    "utf-16le": "utf-16-le",
    "UTF16": "utf-16",
    "iso-8859-15": "iso8859-15",
    "Shift_JIS": "shift_jis",
}


@pytest.mark.parametrize(("written", "meant"), ENCODINGS.items(), ids=list(ENCODINGS))
def test_an_encoding_is_named_as_people_write_it(written: str, meant: str) -> None:
    assert source(f"encoding: {written}").encoding == meant


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1250", "cp1252", "iso8859-15", "shift_jis"])
def test_text_of_each_kind_of_encoding_is_read(inbox: Path, read: Read, encoding: str) -> None:
    word = {"shift_jis": "表予", "cp1250": "łódź"}.get(encoding, "Zoë €")
    (inbox / "a.csv").write_bytes(f"item,name\r\nA1,{word}\r\n".encode(encoding))
    assert rows(read(inbox, source(f"encoding: {encoding}")), "item", "name") == [(2, "A1", word, None)]


OPEN = {
    '1,"a': True,
    '1,"a"': False,
    '1,5" cable': False,
    '"x,"': False,
    '"a""': True,
    '"a"" b","c""d"': False,
    '"a", "b': True,
    '5" x,"open': True,
    '5",x,"open': True,
    '"a"x"y,"b': True,
    '"a"x"y,b': False,
    '"': True,
    "": False,
}


@pytest.mark.parametrize(("line", "is_open"), OPEN.items(), ids=list(OPEN))
def test_a_field_is_open_when_its_quote_is_not_closed(line: str, is_open: bool) -> None:
    assert Dialect().ends_open(line) is is_open


def test_a_header_is_read_with_the_marks_of_its_rows() -> None:
    assert column_names('\u00e4, "b ""x""",,B,b,', Dialect()) == ["ä", 'b "x"', "_c2", "B", "b_2", "_c5"]
    assert column_names('a||"b||c"||d', Dialect(separator="||")) == ["a", "b||c", "d"]
    assert column_names('a|"b', Dialect(separator="|", quote="", escape="")) == ["a", '"b']
    assert header_of(iter(["", "sep=;", 'a;"b', 'c"', "1;2"]), Dialect(separator=";", multiline=True)) == 'a;"b\nc"'


def test_fields_are_those_that_the_reader_of_the_rows_makes() -> None:
    # A no-break space is text, and so is a backslash before anything but a mark.
    assert Dialect().fields("\u00a0a , b\t,c") == ["\u00a0a", "b", "c"]
    assert Dialect(escape="\\").fields(r'"a\nb","12\" x","c\\d"') == [r"a\nb", '12" x', r"c\d"]
    assert [len(field) for field in Dialect().fields(f'"{"x, " * 60_000}",1')] == [179_999, 1]


def test_the_names_in_an_expression_are_its_words_outside_of_text() -> None:
    assert names_in(["concat('note', `My col`, \"x\", Id)"]) == {"concat", "my col", "id"}
