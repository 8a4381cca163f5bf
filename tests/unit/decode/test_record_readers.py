"""What each reader makes of each layout and of each kind of damage: always the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from logs import Head, chunks, compact, document, document_of, read, record
from trailstream.decode.cloudtrail import RecordReader, batch_of_one
from trailstream.model.limits import KIB, ReaderChoice, ReadLimits

both_readers = pytest.mark.parametrize("choice", ["auto", "ijson"])
MANY = [record(number, requestParameters={"padding": "x" * 700}) for number in range(200)]
"""About 200 KB: several cuts, and several batches."""


def end_of(text: bytes, choice: ReaderChoice, **options: Any) -> tuple[int, Any, Any]:
    reading = read(text, choice, **options)
    return len(reading.records), reading.first_damage, reading.fault


@both_readers
@pytest.mark.parametrize("chunk_bytes", [100, 4096, 10**9])
def test_a_log_as_cloudtrail_writes_it(choice: ReaderChoice, chunk_bytes: int) -> None:
    reading = read(document(MANY), choice, chunk_bytes=chunk_bytes)
    assert reading.records == MANY
    assert reading.indexes == list(range(200))
    assert reading.counted == 200
    assert reading.reader == ("fast" if choice == "auto" else "ijson")
    assert [head.eventName for head in reading.heads] == ["GetObject"] * 200
    assert (reading.damaged, reading.first_damage, reading.fault) == (0, None, None)


def test_the_fast_reader_gives_each_record_verbatim() -> None:
    raws = [b'{"eventVersion":"1.08","a" : "\\u003d\\/" , "n":1.50,"a":"%d"}' % number for number in range(500)]
    reading = read(document_of(raws))
    assert reading.raws == raws
    assert reading.reader == "fast"
    assert read(document_of(raws), "ijson").raws == [None] * 500


@both_readers
def test_a_head_tells_absent_from_null_and_holds_any_value(choice: ReaderChoice) -> None:
    values: list[Any] = [None, True, 1, 2**70, 1.5, "text", ["list"], {"type": "Root"}, {"type": None}, {"other": 1}]
    records = [record()] + [{**record(), "userIdentity": value, "count": value} for value in values]
    del records[0]["userIdentity"]
    heads = read(document(records), choice).heads
    assert heads[0].userIdentity is msgspec.UNSET
    assert heads[0].count is msgspec.UNSET
    assert [head.count for head in heads[1:]] == values
    assert [head.userIdentity for head in heads[1:8]] == values[:7]
    assert [head.userIdentity.type for head in heads[8:]] == ["Root", None, msgspec.UNSET]


@both_readers
@pytest.mark.parametrize(
    "text",
    [
        b' { "Records" : [ %b ] } \r\n\t',
        b'{"Records":[%b],"after":{"Records":[1,{"a":[]}]}}',
        b'{"before":[[{"Records":[{"eventVersion":"0"}]}],"Records"],"Records":[%b]}',
        b'{"Records":"no","Records":[%b],"Records":null}',
        b'\xef\xbb\xbf{"Records":[%b]}',
        b'{"Records":[%b]  }   ',
        b'{"Rec\\u006frds":[%b]}',
    ],
)
def test_other_layouts_of_a_document(text: bytes, choice: ReaderChoice) -> None:
    records = MANY[:50]
    assert read(text % b" , ".join(map(compact, records)), choice).records == records
    assert read(text % b",".join(map(compact, records)), choice, chunk_bytes=1).records == records


@both_readers
def test_both_arrays_are_read_where_records_stands_twice(choice: ReaderChoice) -> None:
    text = b'{"Records":[%b],"x":0,"Records":[%b]}' % (compact(MANY[0]), compact(MANY[1]))
    assert read(text, choice).records == MANY[:2]


@both_readers
def test_an_empty_log_is_no_fault(choice: ReaderChoice) -> None:
    assert end_of(b'{"Records":[]}', choice) == (0, None, None)


@both_readers
@pytest.mark.parametrize(
    "text",
    [
        b"", b" \n ", b"{}", b'{"records":[]}', b'{"Records":null}', b'{"Records":{}}', b'{"a":{"Records":[]}}',
        b"[]", b"null", b'"Records"', b"5 ", b'[{"Records":[]}]', b'{"digestStartTime":"2023-07-10T12:40:00Z"}',
    ],
)  # fmt: skip
def test_a_document_without_records_is_refused(text: bytes, choice: ReaderChoice) -> None:
    assert end_of(text, choice) == (0, None, ("no_records", None))


@both_readers
@pytest.mark.parametrize("place", [0, 1, 100, 199])
@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"null", "not_a_record"),
        (b'"text"', "not_a_record"),
        (b"17", "not_a_record"),
        (b'[{"eventVersion":"1.08"},{"eventVersion":"1.08"}]', "not_a_record"),
        (b'{"eventVersion":"1.08","unread":1e400}', "number_overflow"),
        (b'{"eventVersion":"1.08","count":-1E+400}', "number_overflow"),
        (b'{"eventVersion":"1.08","unread":1e99999999999999999999}', "number_overflow"),
        (b'{"eventVersion":"1.08","unread":[%b.0]}' % (b"9" * 400), "number_overflow"),
        (b'{"eventVersion":"1.08","unread":%b%b}' % (b"[" * 200, b"]" * 200), "record_too_deep"),
        (b'{"eventVersion":"1.08","count":%b0%b}' % (b'{"a":' * 5000, b"}" * 5000), "record_too_deep"),
        (b'{"eventVersion":"1.08","unread":%b%b}' % (b"[" * 100_000, b"]" * 100_000), "record_too_deep"),
    ],
    ids=lambda value: value[:40].decode() if isinstance(value, bytes) else value,
)
def test_an_unusable_record_is_noted_and_reading_goes_on(
    bad: bytes, code: str, place: int, choice: ReaderChoice
) -> None:
    raws = list(map(compact, MANY))
    raws[place] = bad
    reading = read(document_of(raws), choice)
    assert reading.records == MANY[:place] + MANY[place + 1 :]
    assert reading.indexes == [number for number in range(200) if number != place]
    assert (reading.damaged, reading.first_damage, reading.fault) == (1, (code, place), None)


@both_readers
def test_the_first_of_several_unusable_records_is_kept(choice: ReaderChoice) -> None:
    text = document_of([compact(MANY[0]), b"1", b'{"a":1e999}', compact(MANY[1]), b"[]"])
    reading = read(text, choice)
    assert (reading.records, reading.damaged, reading.first_damage) == (MANY[:2], 3, ("not_a_record", 1))


@both_readers
def test_the_depth_limit_is_exact(choice: ReaderChoice) -> None:
    limits = ReadLimits(max_depth=10)
    at_limit = b'{"eventVersion":"1.08","in":"[[[[[[[[[[[[","a":%b%b}' % (b"[" * 9, b"]" * 9)
    beyond = b'{"eventVersion":"1.08","a":%b%b}' % (b'{"a":[' * 5, b"]}" * 5)
    assert end_of(document_of([at_limit] * 20), choice, limits=limits) == (20, None, None)
    assert end_of(document_of([at_limit, beyond]), choice, limits=limits) == (1, ("record_too_deep", 1), None)
    assert read(document_of([at_limit] * 20), choice, limits=limits).reader == ("fast" if choice == "auto" else "ijson")


@both_readers
@pytest.mark.parametrize("limit", [4 * KIB, 64 * KIB, 600 * KIB])
def test_a_record_over_the_size_limit_is_noted_and_reading_goes_on(limit: int, choice: ReaderChoice) -> None:
    limits = ReadLimits(max_record_bytes=limit)
    within = record(1, list=["x" * 90] * ((limit - 1000) // 100))
    beyond = record(2, list=["x" * 90] * (limit // 93 + 3 * 32 * KIB // 93))
    text = document([MANY[0], within, beyond, MANY[1]])
    reading = read(text, choice, limits=limits)
    assert reading.records == [MANY[0], within, MANY[1]]
    assert (reading.indexes, reading.first_damage, reading.fault) == ([0, 1, 3], ("record_too_large", 2), None)


@both_readers
def test_one_value_over_the_size_limit_ends_reading(choice: ReaderChoice) -> None:
    text = document([MANY[0], record(1, text="x" * 6_000_000), MANY[1]])
    assert end_of(text, choice) == (1, None, ("record_too_large", 1))


@both_readers
def test_integers_are_exact_up_to_what_python_reads(choice: ReaderChoice) -> None:
    exact = [2**63, 2**64, -(2**64) - 1, 10**400]
    reading = read(document([record(number, count=value) for number, value in enumerate(exact)]), choice)
    assert [one["count"] for one in reading.records] == exact
    assert [head.count for head in reading.heads] == exact
    assert all(type(one["count"]) is int for one in reading.records)


@both_readers
def test_an_integer_of_more_digits_than_python_reads_ends_reading(choice: ReaderChoice) -> None:
    bad = b'{"eventVersion":"1.08","unread":%b}' % (b"9" * 5000)
    text = document_of([compact(MANY[0]), bad, compact(MANY[1])])
    assert end_of(text, choice) == (1, None, ("number_overflow", 1))


@both_readers
def test_a_lone_surrogate_reads_as_the_replacement_character(choice: ReaderChoice) -> None:
    raw = rb'{"eventVersion":"1.08","a":"\ud800","\udc00":"\ud83d\ude00 \\ud800 \uD83D\uD83D\uDE00?","count":"\udFFF"}'
    reading = read(document_of([raw]), choice, chunk_bytes=1)
    assert reading.records == [
        {"eventVersion": "1.08", "a": "\ufffd", "\ufffd": "\U0001f600 \\ud800 \ufffd\U0001f600?", "count": "\ufffd"}
    ]
    assert reading.heads[0].count == "\ufffd"


@pytest.mark.parametrize("chunk_bytes", [100, 5000, 10**9])
def test_the_fast_reader_takes_lone_surrogates_and_keeps_the_text_of_all_else(chunk_bytes: int) -> None:
    raws = [compact(one).replace(b'"GetObject"', rb'"\\\ud83d\ud83d\ude00"') for one in MANY]
    raws[100] = b'{"n":18446744073709551616,' + raws[100][1:]
    reading = read(document_of(raws), chunk_bytes=chunk_bytes)
    assert reading.reader == "fast"
    assert {one["eventName"] for one in reading.records} == {"\\\ufffd\U0001f600"}
    assert reading.records[100]["n"] == 2**64
    assert reading.raws == [raw.replace(rb"\ud83d\ud83d", rb"\ufffd\ud83d") for raw in raws]


@both_readers
def test_the_last_of_duplicate_keys_wins(choice: ReaderChoice) -> None:
    reading = read(document_of([b'{"eventVersion":"1.08","count":{"a":1},"b":1,"count":2,"b":[]}']), choice)
    assert reading.records == [{"eventVersion": "1.08", "count": 2, "b": []}]
    assert reading.heads[0].count == 2


@both_readers
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (b'{"eventVersion":"1.08","a":tru}', "malformed_json"),
        (b'{"eventVersion":"1.08","a":NaN}', "malformed_json"),
        (b'{"eventVersion":"1.08","a":01}', "malformed_json"),
        (b'{"eventVersion":"1.08","a":"\t"}', "malformed_json"),
        (b'{"eventVersion":"1.08","a":"\\x"}', "malformed_json"),
        (b'{"eventVersion":"1.08","a":1,}', "malformed_json"),
        (b'{"eventVersion":"1.08" "a":1}', "malformed_json"),
        (b'{"eventVersion":"1.08"}]', "malformed_json"),
        (b'{"eventVersion":"1.08","a":"\xff"}', "invalid_utf8"),
        (b'{"eventVersion":"1.08","a":"\xed\xa0\x80"}', "invalid_utf8"),
        (b'{"eventVersion":"1.08","a":"\xc0\x80"}', "invalid_utf8"),
        (b'{"eventVersion":"1.08","\xf0\x9f":1}', "invalid_utf8"),
    ],
)
@pytest.mark.parametrize("chunk_bytes", [1, 5000, 10**9])
def test_a_fault_ends_reading_at_its_record(fault: bytes, code: str, chunk_bytes: int, choice: ReaderChoice) -> None:
    raws = list(map(compact, MANY[:60]))
    raws[40] = fault
    reading = read(document_of(raws), choice, chunk_bytes=chunk_bytes)
    index = 41 if fault.endswith(b"]") else 40
    assert reading.records[:40] == MANY[:40]
    assert len(reading.records) == index
    assert reading.fault == (code, None if fault.endswith(b"]") else index)


@both_readers
@pytest.mark.parametrize("kept", [1, 11, 12, 20, 27, 28, 29, 5000, 30_000, -1, -2, -3])
def test_a_cut_document_is_told_with_the_record_that_it_was_cut_in(kept: int, choice: ReaderChoice) -> None:
    text = document(MANY[:50])[:kept]
    reading = read(text, choice)
    records = text.count(b"}},{") + (1 if kept in (-1, -2) else 0)
    assert reading.records == MANY[:records]
    assert reading.fault is not None
    assert reading.fault[0] == "truncated_json"
    assert reading.fault[1] == (None if kept in (1, 11, -1) else records)


@both_readers
@pytest.mark.parametrize("trailing", [b"x", b"{}", b"]", b"\x00", b'\n{"Records":[]}'])
def test_text_after_the_document_is_refused_after_its_records(trailing: bytes, choice: ReaderChoice) -> None:
    assert end_of(document(MANY[:3]) + trailing, choice) == (3, None, ("malformed_json", None))


@both_readers
def test_the_boundary_inside_a_nested_array_cuts_nothing(choice: ReaderChoice) -> None:
    nested = [{"eventVersion": "1.08", "n": number} for number in range(3000)]
    records = [
        record(number, requestParameters={"events": nested, "text": '},{"eventVersion":'}) for number in range(3)
    ]
    reading = read(document([*MANY[:5], *records, *MANY[5:]]), choice)
    assert reading.records == [*MANY[:5], *records, *MANY[5:]]
    assert reading.reader == ("fast" if choice == "auto" else "ijson")


def test_nothing_is_yielded_twice_when_the_fast_reader_gives_up() -> None:
    raws = [*map(compact, MANY[:150]), b'{"unusable":1e400}', *map(compact, MANY[150:])]
    reading = read(document_of(raws))
    assert reading.records == MANY
    assert reading.indexes == [*range(150), *range(151, 201)]
    assert reading.first_damage == ("number_overflow", 150)
    assert reading.reader == "ijson"
    assert reading.raws[0] is not None
    assert reading.raws[-1] is None


def test_batches_are_bounded_by_what_is_fed() -> None:
    reader = RecordReader("auto", Head, ReadLimits())
    text = document(MANY * 20)
    batches = [batch for chunk in chunks(text, 128 * KIB) for batch in reader.feed(chunk)] + list(reader.close())
    assert sum(len(batch.heads) for batch in batches) == reader.records == 20 * len(MANY)
    assert (
        max(sum(len(batch.raw(position) or b"") for position in range(len(batch.heads))) for batch in batches)
        <= (128 + 16) * KIB
    )


def test_a_record_that_came_alone_is_a_batch() -> None:
    batch = batch_of_one(record(7), Head)
    assert (list(batch.indexes), batch.raw(0), batch.value(0)) == ([0], None, record(7))
    assert batch.heads[0].eventName == "GetObject"


def event(of: Any) -> dict[str, Any]:
    return {"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": of}


@both_readers
@pytest.mark.parametrize(
    "text",
    [
        b'{"Records":[%b,%b]}',
        b"[%b,%b]",
        b"[%b]\n[%b]\n",
        b"%b\n%b\n",
        b"%b\n%b",
        b'{"Records":[%b]}\n{"Records":[%b]}',
        b'{"x":[{"y":{}}],"Records":[%b],"z":1}%b',
    ],
)
def test_any_layout_is_read_where_it_is_asked_for(text: bytes, choice: ReaderChoice) -> None:
    for chunk_bytes in (1, 10**9):
        reading = read(text % (compact(MANY[0]), compact(MANY[1])), choice, layout="any", chunk_bytes=chunk_bytes)
        assert (reading.records, reading.indexes, reading.fault) == (MANY[:2], [0, 1], None)


@both_readers
def test_an_event_around_a_record_is_taken_off(choice: ReaderChoice) -> None:
    texts = [compact(event(MANY[0])), compact([event(MANY[1]), MANY[2]]), compact(event(MANY[3]))]
    assert read(b"\n".join(texts), choice, layout="any").records == MANY[:4]


@both_readers
def test_what_is_no_record_is_noted_between_records(choice: ReaderChoice) -> None:
    parts = [
        MANY[0],
        {"EventId": "1"},
        5,
        "text",
        None,
        event({"state": "running"}),
        [],
        [[MANY[2]], 3, MANY[1]],
        MANY[2],
    ]
    reading = read(b"\n".join(map(compact, parts)), choice, layout="any")
    assert reading.records == MANY[:3]
    assert reading.indexes == [0, 8, 9]
    assert (reading.damaged, reading.first_damage, reading.fault) == (7, ("not_a_record", 1), None)


@both_readers
@pytest.mark.parametrize("chunk_bytes", [1, 10**9])
def test_an_array_of_documents_is_read(choice: ReaderChoice, chunk_bytes: int) -> None:
    text = compact([{"Records": MANY[:2]}, MANY[2], {"a": {}, "Records": [MANY[3]], "z": [1]}, {"Records": []}])
    reading = read(text, choice, layout="any", chunk_bytes=chunk_bytes)
    assert (reading.records, reading.indexes, reading.damaged, reading.fault) == (MANY[:4], [0, 1, 2, 3], 0, None)


@both_readers
@pytest.mark.parametrize("records_first", [True, False])
@pytest.mark.parametrize("in_array", [True, False])
@pytest.mark.parametrize("around", [dict, event])
def test_a_record_with_records_besides_is_not_lost(
    around: Callable[[Any], Any], records_first: bool, in_array: bool, choice: ReaderChoice
) -> None:
    listed = {"Records": [MANY[0], MANY[1]]}
    both = listed | around(MANY[2]) if records_first else around(MANY[2]) | listed
    text = compact([both] if in_array else both)
    for chunk_bytes in (1, 10**9):
        reading = read(text, choice, layout="any", chunk_bytes=chunk_bytes)
        assert (reading.records, reading.indexes, reading.damaged) == (MANY[:3], [0, 1, 2], 0)


@both_readers
def test_a_record_with_records_besides_is_noted_where_it_is_damaged(choice: ReaderChoice) -> None:
    text = compact(record(9) | {"Records": [MANY[0]], "a": [[[[[[]]]]]]}) + compact(MANY[1])
    reading = read(text, choice, layout="any", limits=ReadLimits(max_depth=5))
    assert (reading.records, reading.indexes) == (MANY[:2], [0, 2])
    assert (reading.damaged, reading.first_damage) == (1, ("record_too_deep", 1))


@both_readers
def test_a_bare_record_over_a_limit_is_noted_and_reading_goes_on(choice: ReaderChoice) -> None:
    limits = ReadLimits(max_depth=5, max_record_bytes=100 * KIB)
    large = record(1, **{f"key{number}": number for number in range(20_000)})
    deep = record(2, a=[[[[[[1]]]]]])
    lines = b"\n".join(map(compact, [MANY[0], large, deep, {"a": [[[[[[]]]]]], "Records": [MANY[1]]}, MANY[2]]))
    reading = read(lines, choice, layout="any", limits=limits)
    assert reading.records == [MANY[0], MANY[1], MANY[2]]
    assert (reading.indexes, reading.damaged) == ([0, 3, 4], 2)
    assert reading.first_damage == ("record_too_large", 1)
