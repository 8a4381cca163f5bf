from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from trailstream.decode.json_text import (
    SurrogateMender,
    deeper_than,
    encode_record,
    is_plain,
    is_sound,
    mend_surrogates,
    parse_json,
    parse_record,
)
from trailstream.model.errors import (
    DamageError,
    InvalidUtf8Error,
    MalformedJsonError,
    NotARecordError,
    NumberOverflowError,
    RecordTooDeepError,
)
from trailstream.model.limits import MIB


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", MalformedJsonError),
        (b"{", MalformedJsonError),
        (b"[1] x", MalformedJsonError),
        (b"[NaN]", MalformedJsonError),
        (b"[-Infinity]", MalformedJsonError),
        (b"\xef\xbb\xbf[]", MalformedJsonError),
        ("[1]".encode("utf-16-le"), MalformedJsonError),
        (b'["\xff"]', InvalidUtf8Error),
        (b'["\xed\xa0\x80"]', InvalidUtf8Error),
        (b"[1e400]", NumberOverflowError),
        (b"[%b]" % (b"9" * 5000), NumberOverflowError),
        (b"[" * 201 + b"]" * 201, RecordTooDeepError),
        (b"[" * 100_000, RecordTooDeepError),
    ],
)
def test_what_is_refused_and_why(text: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_json(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"[18446744073709551616]", [2**64]),
        (b"[-9223372036854775809, 1.0]", [-(2**63) - 1, 1.0]),
        (b"[%b]" % (b"9" * 4000), [10**4000 - 1]),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'["' + b"[" * 500 + b'"]', ["[" * 500]),
        (b"[" * 200 + b"]" * 200, json.loads("[" * 200 + "]" * 200)),
        (rb'["\ud800\u0041"]', ["\ufffdA"]),
    ],
)
def test_what_is_read_exactly(text: bytes, value: object) -> None:
    assert parse_json(text) == value


@pytest.mark.parametrize("text", [b"[]", b"null", b'"text"', b"1"])
def test_a_record_is_an_object(text: bytes) -> None:
    with pytest.raises(NotARecordError):
        parse_record(text)


def test_a_record_is_written_compactly_with_its_keys_in_their_order() -> None:
    assert encode_record({"b": [1.5, None], "a": "é"}) == '{"b":[1.5,null],"a":"é"}'.encode()
    assert encode_record({"b": 2**70, "a": ["é"]}) == '{"b":1180591620717411303424,"a":["é"]}'.encode()


@pytest.mark.parametrize(
    ("text", "depth"),
    [(b"1", 0), (b"{}", 1), (b'[{"a":[]},[]]', 3), (b'["[[[[\\"[[", [1]]', 2), (b'{"\\\\":[[]]}', 3), (b"[],[]", 1)],
)
def test_depth_is_counted_outside_strings(text: bytes, depth: int) -> None:
    assert not deeper_than(text, depth)
    assert deeper_than(text, depth - 1) or depth == 0


@pytest.mark.parametrize("string", [b'\\"', b"\\", b'"', b'"x\\"', b'"[', b"x"], ids=repr)
@pytest.mark.parametrize("judged", [deeper_than, parse_json])
def test_a_megabyte_that_is_no_json_is_judged_in_moments(judged: Callable[[bytes, int], Any], string: bytes) -> None:
    text = b"[" * 201 + b'"' + string * (MIB // len(string))
    started = time.thread_time()
    with suppress(DamageError):
        judged(text, 200)
    assert time.thread_time() - started < 5  # it takes a tenth of a second; looked at once for each quote, an hour


PLAIN = [
    b'{"a":[1e308,"1e400",{"b":9007199254740993}]}',
    '["é",-0,1e-400]'.encode(),
    rb'["\ud83d\ude00","\\ud800"]',
    b"[18446744073709551615,-9223372036854775808]",
    b"[" * 199 + b"]" * 199,
    b'{"a":1},{"b":2}',
]
SOUND = [
    b"[18446744073709551616]",
    b"[-9223372036854775809]",
    b"[%b]" % (b"9" * 4300),
    b"[-%b]" % (b"9" * 4300),
    rb'["\ud800"]',
    b"[" * 200 + b"1" + b"]" * 200,
]
UNSOUND = [
    b"[1e309]",
    b'{"a":[[-1E999]],"b":1}',
    b'["\xff"]',
    b'["\xc3\xa9",1e400]',
    b"[%b]" % (b"9" * 4301),
    b"[" * 201 + b"]" * 201,
    b"[" * 201 + b"1" + b"]" * 201,
    b'{"a":' * 201 + b"{}" + b"}" * 201,
    b"[" * 100_000 + b"]" * 100_000,
]


@pytest.mark.parametrize("text", PLAIN)
def test_what_parsers_agree_on_is_plain_and_sound(text: bytes) -> None:
    assert is_plain(text, 200)
    assert is_plain(memoryview(text), 200)
    assert is_sound(text)


@pytest.mark.parametrize("text", SOUND)
def test_what_only_some_parsers_take_is_sound_but_not_plain(text: bytes) -> None:
    assert not is_plain(text, 200)
    assert is_sound(text)


@pytest.mark.parametrize("text", UNSOUND)
def test_what_cannot_be_taken_is_neither(text: bytes) -> None:
    assert not is_plain(text, 200)
    assert not is_sound(text)


@pytest.mark.parametrize("levels", [1, 12, 200, 1023, 1024, 5000])
@pytest.mark.parametrize("inmost", [b"", b"1", b"{}", b'{"a":[]}', b"[],1"])
def test_what_is_plain_is_never_nested_deeper_than_it_may(levels: int, inmost: bytes) -> None:
    for outer in range(max(0, levels - 4), levels + 3):
        text = b"[" * outer + inmost + b"]" * outer
        assert not (is_plain(text, levels) and deeper_than(text, levels))


@pytest.mark.parametrize("text", [b'{"a":1},{"b":2}', b"1],[2", b"", b"\xef\xbb\xbf{}"])
def test_several_values_or_none_are_no_json(text: bytes) -> None:
    with pytest.raises(MalformedJsonError):
        parse_json(text)


ESCAPES = [rb"\ud83d", rb"\ude00", rb"\uD800", rb"\\", rb"\n", rb"\u00e9", b"ud800", rb"\"", b"x", "é".encode()]


@pytest.mark.parametrize("seed", range(30))
def test_surrogates_are_mended_the_same_in_any_chunks(seed: int) -> None:
    chance = random.Random(seed)
    text = b'"' + b"".join(chance.choices(ESCAPES, k=40)) + b'"'
    expected = re.sub("[\ud800-\udfff]", "\ufffd", json.loads(text))
    mender, mended = SurrogateMender(), b""
    while text:
        size = chance.randint(1, 7)
        mended += mender.feed(text[:size])
        text = text[size:]
    mended += mender.close()
    assert json.loads(mended) == expected


def test_text_that_is_no_utf_8_is_not_made_json_by_mending() -> None:
    text = b'"\xff\xff" \\ud800'
    assert mend_surrogates(text) == text


def test_only_lone_surrogates_are_mended() -> None:
    text = rb'"\ud83d\ude00 \\ud800 \ud800 \udc00\ud800\ud83d\ude00 \u0041"'
    assert mend_surrogates(text) == rb'"\ud83d\ude00 \\ud800 \ufffd \ufffd\ufffd\ud83d\ude00 \u0041"'
