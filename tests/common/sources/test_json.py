"""JSON in any layout: each object is a row with its line, and no text is dropped."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from pyspark.sql import DataFrame

from common.sources.files.inventory import FileInventory
from common.sources.mapping.model import Source
from common.sources.rows.batches import Rows
from common.sources.rows.blocks import block_rows
from common.sources.rows.json_records import json_records

pytestmark = pytest.mark.unit

Read = Callable[[Path, Source], DataFrame]
Look = Callable[[Path, Source], FileInventory]
SOURCE = Source.parse(
    "format: json\nraw_schema: id string, items array<struct<sku:string>>\nmax_line_bytes: 200\nmax_nesting: 5\n"
    "columns: {event_id: id}\n",
    name="tested",
)
BROKEN = "SRC-211"


def plain(rows: Iterator[Rows]) -> list[tuple[int, str, str | None]]:
    return [
        (line, text, reason and reason[:7])
        for part in rows
        for line, text, reason in zip(
            part.lines.to_pylist(), part.texts.to_pylist(), part.reasons.to_pylist(), strict=True
        )
    ]


def lines(text: str, source: Source = SOURCE) -> list[tuple[int, str, str | None]]:
    """What is read of a text line by line."""
    return plain(iter([block_rows(text.encode(), 1, source)]))


def whole(text: str, source: Source = SOURCE, piece: int = 7) -> list[tuple[int, str, str | None]]:
    """What is read of a text from its beginning to its end, in pieces of a few bytes."""
    data = text.encode()
    return plain(json_records((data[start : start + piece] for start in range(0, len(data), piece)), source))


def test_several_objects_on_a_line_are_as_many_rows() -> None:
    assert lines('{"id":"1"}{"id":"2"} {"id":"}{"}\n{"id":"4"}\n') == [
        (1, '{"id":"1"}', None),
        (1, '{"id":"2"}', None),
        (1, '{"id":"}{"}', None),
        (2, '{"id":"4"}', None),
    ]


@pytest.mark.parametrize(
    "line",
    [
        '{"id":"1"} trailing words',
        '{"id":"1"}{"id":"2"}, more',
        'before {"id":"1"}',
        '{"id":"1"},',
        '{"id":"1"}}',
        '{"id":"cut',
        '{"id":"1","x":{"y":',
        "[1, 2]",
        '[{"id":"1"}, 2]',
        "null",
        '"text"',
        "[]",
    ],
)
def test_a_line_that_holds_anything_but_objects_is_one_row_with_a_reason(line: str) -> None:
    assert lines(f'{{"id":"0"}}\n{line}\n{{"id":"9"}}\n') == [
        (1, '{"id":"0"}', None),
        (2, line, BROKEN),
        (3, '{"id":"9"}', None),
    ]


def test_marks_keys_and_escapes_that_are_odd_belong_to_their_record(inbox: Path, read: Read) -> None:
    sent = {
        '\ufeff{"id":"mark"}': "mark",
        '{"id":"a\u2028b"}': "a\u2028b",
        '{"id":"first","id":"last"}': "last",
        '{"id":12345678901234567890}': "12345678901234567890",
        '{"id":"\\ud83d\\ude00"}': "\U0001f600",
        '{"id":"a\\u0000b"}': "a\x00b",
        '{"id":{"href":"/"}}': '{"href":"/"}',
        '{"id":"\\x22"}': BROKEN,
        '{"id":"cut': BROKEN,
        '{"id":"end"}': "end",
    }
    (inbox / "a.json").write_text("\n".join(sent) + "\n", encoding="utf-8")
    rows = read(inbox, SOURCE).orderBy("_line").collect()
    assert [row["_reason"][:7] if row["_reason"] else row["id"] for row in rows] == list(sent.values())


def test_an_array_or_a_holder_of_records_on_a_line_is_as_many_rows_as_it_has_objects() -> None:
    assert lines('[{"id":"1"}, {"id":"2"}]\n{"Records": [{"id":"3"},{"id":"4"}]}\n{"Records":[]}\n') == [
        (1, '{"id":"1"}', None),
        (1, '{"id":"2"}', None),
        (2, '{"id":"3"}', None),
        (2, '{"id":"4"}', None),
    ]


def test_an_array_that_the_source_knows_stays_in_its_object() -> None:
    kept = ['{"items":[{"sku":"a"}]}', '{"others":[{"sku":"a"}],"id":"1"}', '{"others":[1]}']
    assert lines("\n".join(kept)) == [(1, kept[0], None), (2, kept[1], None), (3, kept[2], None)]
    assert whole("\n".join(kept)) == lines("\n".join(kept))


PRETTY = {
    "an array over lines": (
        '[\n  {"id": "1"},\n  {\n    "id": "2"\n  }\n]\n',
        [(2, '{"id": "1"}', None), (3, '{\n    "id": "2"\n  }', None)],
    ),
    "an array on one line": ('[{"id":"1"},{"id":"2"}]', [(1, '{"id":"1"}', None), (1, '{"id":"2"}', None)]),
    "objects over lines": (
        '\n{\n"id": "1"\n}\n{"id":\n"2"}{"id": "3"}',
        [(2, '{\n"id": "1"\n}', None), (5, '{"id":\n"2"}', None), (6, '{"id": "3"}', None)],
    ),
    "records under a key": (
        '{\n"Records": [\n{"id":"1"},\n{"id":"2"}\n]\n}\n',
        [(3, '{"id":"1"}', None), (4, '{"id":"2"}', None)],
    ),
    "several arrays": ('[{"id":"1"}]\n[{"id":"2"}]\n', [(1, '{"id":"1"}', None), (2, '{"id":"2"}', None)]),
    "an empty array": ("[\n]\n", []),
    "text after an array": ('[{"id":"1"}]\nwords\n', [(1, '{"id":"1"}', None), (2, "words", BROKEN)]),
    "numbers in an array": ('[{"id":"1"}, 2, 3]', [(1, '{"id":"1"}', None), (1, "2, 3", BROKEN)]),
    "an array within an array": ('[[{"id":"1"}]]', [(1, '[{"id":"1"}]', BROKEN)]),
    "an array that is not closed": (
        '[{"id":"1"},\n{"id":"2"},\n{"id":',
        [
            (1, '{"id":"1"}', None),
            (2, '{"id":"2"}', None),
            (3, '{"id":', BROKEN),
        ],
    ),
    "a first line that is cut": (
        '{"id":\n{"id":"2"}\n{"id":"3"}\n',
        [(1, '{"id":', BROKEN), (2, '{"id":"2"}', None), (3, '{"id":"3"}', None)],
    ),
    "a string that is cut": (
        '[{"id":"1"},\n{"id":"2\n,{"id":"3"}]',
        [(1, '{"id":"1"}', None), (2, '{"id":"2', BROKEN), (3, '{"id":"3"}', None)],
    ),
    "a bracket that closes nothing": (
        '[{"id":"1"}}, {"id":"2"}]',
        [
            (1, '{"id":"1"}', None),
            (1, "}", BROKEN),
            (1, '{"id":"2"}', None),
        ],
    ),
    "keys after the records": (
        '{"Records":[{"id":"' + "1" * 150 + '"},{"id":"' + "2" * 150 + '"}], "next": {"a": 1}}\n{"id":"3"}',
        [
            (1, '{"id":"' + "1" * 150 + '"}', None),
            (1, '{"id":"' + "2" * 150 + '"}', None),
            (2, '{"id":"3"}', None),
        ],
    ),
    "keys before and after the records": (
        '{"count": 2, "page": {"next": null}, "data": [{"id":"1"},\n{"id":"2"}], "more": [1, {"a": 2}]}\n{"id":"3"}',
        [(1, '{"id":"1"}', None), (2, '{"id":"2"}', None), (3, '{"id":"3"}', None)],
    ),
    "a column after the records": (
        '{"data": [{"id":"1"}], "id": "2"}',
        [(1, '{"data": [{"id":"1"}], "id": "2"}', None)],
    ),
}


@pytest.mark.parametrize("piece", [1, 7, 1000])
@pytest.mark.parametrize("case", PRETTY)
def test_objects_are_found_wherever_they_begin_and_end(case: str, piece: int) -> None:
    text, expected = PRETTY[case]
    assert whole(text, piece=piece) == expected


def test_an_object_over_the_limit_is_one_row_and_what_follows_is_read() -> None:
    long = '{"id":"' + 'x\\"{' * 100 + '",\n"more":[{}]}'
    sha256 = hashlib.sha256(long.encode()).hexdigest()
    for piece in (1, 3, 64, 5000):
        data = f'[{long},\n{{"id":"2"}}]'.encode()
        pieces = (data[start : start + piece] for start in range(0, len(data), piece))
        first, second = (
            row
            for part in json_records(pieces, SOURCE)
            for row in zip(part.lines.to_pylist(), part.texts.to_pylist(), part.reasons.to_pylist(), strict=True)
        )
        words = f"SRC-221 an object of {len(long)} bytes, over the limit of 200; sha256 {sha256}"
        assert first == (1, long, words)
        assert second == (3, '{"id":"2"}', None)


def test_nesting_and_bytes_that_cannot_be_decoded_are_faults_of_one_object() -> None:
    deep = '{"x":' + "[" * 6 + "]" * 6 + "}"
    assert whole(f'[{deep},{{"id":"2"}}]') == [(1, deep, "SRC-223"), (1, '{"id":"2"}', None)]
    found = plain(json_records([b'[{"id":"Zo\xeb"},', b'{"id":"2"}]'], SOURCE))
    assert found == [(1, '{"id":"Zo\ufffd"}', "SRC-222"), (1, '{"id":"2"}', None)]


VALUES = st.recursive(
    st.none() | st.integers() | st.text('{}[]",\\:aä\n', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.fixed_dictionaries({"id": VALUES}), min_size=1, max_size=5)


@settings_of_hypothesis(max_examples=200, deadline=None)
@given(objects=OBJECTS, indent=st.sampled_from([None, 0, 2]), piece=st.integers(1, 50), shape=st.integers(0, 3))
def test_any_objects_come_back_whatever_their_layout(
    objects: list[dict[str, object]], indent: int | None, piece: int, shape: int
) -> None:
    roomy = SOURCE.model_copy(update={"max_line_bytes": 100_000, "max_nesting": 100})
    texts = [json.dumps(one, indent=indent, ensure_ascii=False) for one in objects]
    if shape == 0:
        text = "\n".join(texts)
    elif shape == 1:
        text = "".join(texts)
    elif shape == 2:
        text = json.dumps(objects, indent=indent, ensure_ascii=False)
    else:
        text = json.dumps({"Records": objects}, indent=indent, ensure_ascii=False)
    found = whole(text, roomy, piece)
    assert [json.loads(raw) for _, raw, _ in found] == objects
    assert {reason for _, _, reason in found} == {None}


def test_files_of_all_layouts_are_read_together(inbox: Path, read: Read, look: Look) -> None:
    (inbox / "lines.json").write_text('{"id":"1"}\r\n\r\n{"id":"2"}{"id":"3"}\n{"id":"4"} words\n')
    (inbox / "array.json.gz").write_bytes(gzip.compress(b'\xef\xbb\xbf[{"id":"5"},\n{"id":"6"}]'))
    (inbox / "pretty.json").write_text('{\n  "id": "7"\n}\n')
    (inbox / "plain.json").write_text('{"id":"8"}\n{"id":"9"}')
    (inbox / "one line.json").write_text("[" + ",".join(f'{{"id":"{number}"}}' for number in range(10, 100)) + "]")
    files = {
        Path(file.path).name: (file.plain, file.spans_lines, file.range_lines) for file in look(inbox, SOURCE).files
    }
    assert files == {
        "lines.json": (False, False, (1,)),
        "array.json.gz": (False, True, ()),
        "pretty.json": (False, True, ()),
        "plain.json": (True, False, (1,)),
        "one line.json": (False, True, ()),
    }
    found = read(inbox, SOURCE).select("id", "_line", "_reason").collect()
    good = sorted((int(row["id"]), row["_line"]) for row in found if row["_reason"] is None)
    assert good[:9] == [(1, 1), (2, 3), (3, 3), (5, 1), (6, 2), (7, 1), (8, 1), (9, 2), (10, 1)]
    assert len(good) == 98
    (bad,) = (row for row in found if row["_reason"] is not None)
    assert (bad["_line"], bad["_reason"]) == (4, "SRC-211 text that belongs to no JSON object")
