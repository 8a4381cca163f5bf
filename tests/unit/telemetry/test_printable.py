from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trailstream.model.printable import MAX_CHARACTERS, printable
from trailstream.telemetry.harmless import MAX_DEPTH, MAX_ITEMS, harmless

ANY_TEXT = st.text(st.characters(exclude_categories=()))
CUT_NOTE_CHARACTERS = 40


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("AWSLogs/111111111111/übung 日本.json.gz", "AWSLogs/111111111111/übung 日本.json.gz"),
        ("a\nERROR forged line", r"a\nERROR forged line"),
        ("a\r\n\t\x00b", r"a\r\n\t\x00b"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("\x7f", r"\x7f"),
        ("user\u202egpj.exe", r"user\u202egpj.exe"),
        ("\u2066\u2069\u200b\ufeff", r"\u2066\u2069\u200b\ufeff"),
        ("\u2028\u2029\x85", r"\u2028\u2029\x85"),
        ("\ud800 alone", r"\ud800 alone"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_written_as_its_escape(text: str, seen: str) -> None:
    assert printable(text) == seen


def test_a_megabyte_is_cut_and_says_so() -> None:
    shown = printable("k" * 2**20)
    assert shown == "k" * MAX_CHARACTERS + f"… ({2**20 - MAX_CHARACTERS} more characters)"


def test_a_text_of_just_the_length_is_whole() -> None:
    assert printable("k" * MAX_CHARACTERS) == "k" * MAX_CHARACTERS


def test_escapes_do_not_lengthen_a_text_beyond_the_ceiling() -> None:
    assert len(printable("\U000e0041" * MAX_CHARACTERS)) <= MAX_CHARACTERS + CUT_NOTE_CHARACTERS


@given(ANY_TEXT)
def test_any_text_becomes_one_printable_line(text: str) -> None:
    shown = printable(text, at_most=50)
    assert shown.isprintable()
    assert len(shown) <= 50 + CUT_NOTE_CHARACTERS
    shown.encode()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT | st.integers(), inner),
    )
)
def test_any_value_becomes_json(value: Any) -> None:
    orjson.dumps(harmless(value))


def test_wide_and_deep_values_are_cut() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    shown = orjson.dumps(harmless({"wide": list(range(10**5)), "deep": deep, "huge": 10**5000}))
    assert len(harmless(list(range(10**5)))) == MAX_ITEMS
    assert shown.count(b"[") == MAX_DEPTH
    assert len(shown) < 2000
