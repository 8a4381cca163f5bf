"""Both readers and the standard library's ``json`` read the same records from the same text, and end the same."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logs import compact, document_of, read, record
from trailstream.decode.json_text import encode_record, parse_json
from trailstream.model.errors import DamageError
from trailstream.model.limits import ReadLimits

# Long enough that a document of some of them is cut in several places.
FILLERS = [
    compact(record(number, requestParameters={"padding": "x" * 900, "of": [{"a": [1, 2.5]}] * 3}))
    for number in range(40)
]
LIMITS = ReadLimits(max_depth=12)

BOUNDARY_TEXT = '},{"eventVersion":"1.08"'
texts = st.text() | st.sampled_from(
    ["", '"', "\\", BOUNDARY_TEXT, "\u2028", "\U0001f600", "\x7f", "\x00", "1e400", "]}", '{"Records":[', "é", "[[[["]
)
surrogates = st.text(st.characters(categories=["Cs", "Lu"]), max_size=4)
numbers = (
    st.integers()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([2**63, 2**64, -(2**63) - 1, 10**300, 10**400, 1.5e300, 5e-324, -0.0])
)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts, inner, max_size=4)
        | st.lists(
            st.fixed_dictionaries({"eventVersion": st.just("1.08")}, optional={"x": inner}), min_size=2, max_size=4
        )
    ),
    max_leaves=12,
)
OVERFLOWING = ("1e400", "-1E+999", "9" * 320 + ".5", "1" * 215 + "e99", "2E308")


@st.composite
def usable(draw: st.DrawFn) -> bytes:
    """A record in any of the forms that JSON allows."""
    fields = draw(
        st.dictionaries(st.sampled_from(["eventSource", "eventName", "readOnly", "count"]) | texts, values, max_size=5)
    )
    one = {**record(), **fields} if draw(st.booleans()) else {**fields, **record()}
    if draw(st.booleans()):
        one["userIdentity"] = draw(values)
    if draw(st.booleans()):
        one["lone"] = draw(surrogates)
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (",\n\t", " :\r\n")]))
    return json.dumps(one, separators=separators).encode()


@st.composite
def unusable(draw: st.DrawFn) -> tuple[bytes, str]:
    """An element of ``Records`` that is valid JSON but no usable record, and the code of what is wrong with it."""
    match draw(st.sampled_from(["no object", "overflow", "deep"])):
        case "no object":
            value = draw(scalars.filter(lambda one: not isinstance(one, dict)) | st.lists(values, max_size=3))
            return compact_ascii(value), "not_a_record"
        case "overflow":
            field = draw(st.sampled_from(["count", "other"]))
            raw = compact_ascii({**record(), field: "<number>"})
            return raw.replace(b'"<number>"', draw(st.sampled_from(OVERFLOWING)).encode()), "number_overflow"
        case _:
            deep: Any = draw(scalars)
            for _ in range(LIMITS.max_depth):
                deep = [1, deep, 2] if draw(st.booleans()) else {"a": 1, "b": deep}
            return compact_ascii(record(other=deep)), "record_too_deep"


def compact_ascii(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def as_read(value: Any) -> Any:
    """The value with every lone surrogate as U+FFFD, which is the one thing that ``json`` reads otherwise."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(re.sub("[\ud800-\udfff]", "\ufffd", text))


some_limits = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@some_limits
@given(
    st.lists(usable().map(lambda raw: (raw, "")) | unusable(), max_size=6),
    st.integers(0, 40),
    st.integers(0, 40),
    st.sampled_from([1, 3, 100, 5_000, 20_000, 10**9]),
)
def test_both_readers_read_what_json_reads_and_note_the_rest(
    elements: list[tuple[bytes, str]], before: int, after: int, chunk_bytes: int
) -> None:
    all_elements = [(raw, "") for raw in FILLERS[:before]] + elements + [(raw, "") for raw in FILLERS[:after]]
    text = document_of(raw for raw, _ in all_elements)
    good = [(index, as_read(json.loads(raw))) for index, (raw, code) in enumerate(all_elements) if not code]
    bad = [(code, index) for index, (_, code) in enumerate(all_elements) if code]
    fast = read(text, "auto", limits=LIMITS, chunk_bytes=max(chunk_bytes, 100))
    slow = read(text, "ijson", limits=LIMITS, chunk_bytes=chunk_bytes if len(text) < 20_000 else max(chunk_bytes, 100))
    for reading in (fast, slow):
        assert list(zip(reading.indexes, reading.records, strict=True)) == good
        assert [*map(type_tree, reading.records)] == [type_tree(value) for _, value in good]
        assert reading.damaged == len(bad)
        assert reading.first_damage == (bad[0] if bad else None)
        assert reading.fault is None
    assert fast.outcome == slow.outcome


def type_tree(value: Any) -> Any:
    """1, 1.0 and True are equal to Python, and not to us."""
    if isinstance(value, dict):
        return {key: type_tree(inner) for key, inner in value.items()}
    return [type_tree(inner) for inner in value] if isinstance(value, list) else type(value)


@settings(some_limits, max_examples=300)
@given(st.data())
def test_both_readers_come_to_the_same_end_whatever_was_done_to_the_text(data: st.DataObject) -> None:
    elements = FILLERS[: data.draw(st.integers(0, 30))] + data.draw(st.lists(usable(), max_size=3)) + FILLERS[:3]
    text = bytearray(document_of(elements))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        until = place + data.draw(st.sampled_from([0, 0, 1, 2, 50, len(text)]))
        text[place:until] = data.draw(st.sampled_from(MUTATIONS) | st.binary(max_size=3))
    mutated = bytes(text)
    fast = read(mutated, "auto", limits=LIMITS, chunk_bytes=data.draw(st.sampled_from([100, 5_000, 10**9])))
    slow = read(mutated, "ijson", limits=LIMITS, chunk_bytes=data.draw(st.sampled_from([100, 5_000, 10**9])))
    assert fast.outcome == slow.outcome
    whole = parsed(mutated)
    if isinstance(whole, dict) and isinstance(whole.get("Records"), list) and mutated.count(b'"Records"') == 1:
        assert fast.fault is None
        assert fast.records == [value for value in whole["Records"] if isinstance(value, dict)]
        assert fast.damaged == sum(not isinstance(value, dict) for value in whole["Records"])


MUTATIONS = [
    b"", b"}", b"]", b"{", b"[", b",", b'"', b":", b"]}", b"}]", b"\\", b" ", b"\n", b"\x00", b"\xff", b"\xc3",
    b"\xed\xa0\x80", b"\\ud800", b"\\u00", b"1e400", b"-", b"01", b"NaN", b"/**/", b"\xef\xbb\xbf", b"]}x",
    b'},{"eventVersion":',
]  # fmt: skip


def parsed(text: bytes) -> Any:
    """The text as ``json`` reads it strictly, or None where it does not or where we promise something else."""
    try:
        return as_read(json.loads(text.decode(), parse_constant=refuse, parse_float=finite))
    except (ValueError, RecursionError):
        return None


def refuse(name: str) -> Any:
    raise ValueError(name)


def finite(text: str) -> float:
    if float(text) in (float("inf"), float("-inf")):
        raise ValueError(text)
    return float(text)


@given(values, st.booleans())
def test_a_value_parses_as_json_parses_it(value: Any, ensure_ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=ensure_ascii).encode()
    read_back = parse_json(text)
    assert read_back == json.loads(text)
    assert type_tree(read_back) == type_tree(json.loads(text))


@given(st.dictionaries(texts, values))
def test_a_record_that_is_written_reads_back(value: dict[str, Any]) -> None:
    assert parse_json(encode_record(value)) == value


@given(st.binary() | st.text().map(str.encode) | values.map(compact).map(lambda text: text[:-1]))
def test_a_text_that_json_refuses_is_refused(text: bytes) -> None:
    expected = parsed(text)
    try:
        value = parse_json(text)
    except DamageError:
        assert expected is None
    else:
        assert value == expected
