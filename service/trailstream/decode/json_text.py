"""JSON as this project reads it, where parsers disagree. ``docs/records.md`` is the same in words.

Strict RFC 8259 text in UTF-8. Integers are exact, other numbers are doubles, and what is too large for its kind is an
error. A lone surrogate escape reads as U+FFFD. Of duplicate keys the last wins.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from itertools import accumulate
from math import isfinite
from typing import Any

import orjson
import simdjson

from trailstream.model.errors import (
    DamageError,
    InvalidUtf8Error,
    MalformedJsonError,
    NotARecordError,
    NumberOverflowError,
    RecordTooDeepError,
)
from trailstream.model.limits import ReadLimits
from trailstream.model.record import Record

_DEPTH = ReadLimits().max_depth


def parse_record(raw: bytes, max_depth: int = _DEPTH) -> Record:
    """Parse one record. Raises what :func:`parse_json` raises, and :class:`NotARecordError` where it is no object."""
    value = parse_json(raw, max_depth)
    if not isinstance(value, dict):
        raise NotARecordError(f"a record is an object, not {type(value).__name__}")
    return value


def parse_json(text: bytes, max_depth: int = _DEPTH) -> Any:
    """Parse a JSON text that is nested at most ``max_depth`` levels.

    Raises :class:`InvalidUtf8Error`, :class:`MalformedJsonError`, :class:`NumberOverflowError` and
    :class:`RecordTooDeepError`.
    """
    if is_plain(text, max_depth):
        with suppress(orjson.JSONDecodeError):  # what is plain may still be several values
            return orjson.loads(text)
    if deeper_than(text, max_depth):
        raise RecordTooDeepError(f"nested deeper than {max_depth} levels")
    return _parse_exactly(text, _integer)


def is_plain(text: bytes | memoryview, max_depth: int) -> bool:
    """Say whether a JSON text, or several with commas between, is one that parsers do not disagree on.

    Then it is UTF-8, nested at most ``max_depth`` levels, its integers fit into 64 bits and its other numbers into
    doubles, and no surrogate is alone. simdjson says so at a fraction of the cost of parsing, for it makes no Python
    object of a text before it is asked for one. Where this is False, :func:`parse_json` has the last word.
    """
    around = max(1, _SIMDJSON_DEPTH - max_depth)
    try:
        _SIMDJSON.parse(b"".join((b"[" * around, text, b"]" * around)))
    except (ValueError, RuntimeError):  # UnicodeDecodeError is a ValueError
        return False
    return True


_SIMDJSON = simdjson.Parser()
"""One for all: its buffers grow with the longest text, and no text is kept beyond the call."""
_SIMDJSON_DEPTH = 1024
"""simdjson refuses what is nested deeper, so the brackets put around a text leave ``max_depth`` levels for it."""


def encode_record(record: Record) -> bytes:
    """Write a record as compact JSON, its keys in their order."""
    try:
        return orjson.dumps(record)
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def deeper_than(text: bytes, levels: int) -> bool:
    """Say whether a JSON text is nested deeper. What is no JSON may be answered either way."""
    if text.count(b"{") + text.count(b"[") <= levels:
        return False
    steps = _STRING.sub(b"", text).translate(_STEPS, _NO_BRACKETS)
    return max(accumulate(memoryview(steps).cast("b")), default=0) > levels


_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""A string that never ends is taken to the end: were it no match, each quote in it would be tried, and read on from."""
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""What a bracket adds to the depth, as a signed byte."""
_NO_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))


def is_sound(text: bytes, max_depth: int = _DEPTH) -> bool:
    """Say whether :func:`parse_json` takes a JSON text, at a fraction of its cost."""
    if is_plain(text, max_depth):
        return True
    if deeper_than(text, max_depth):
        return False
    try:
        _parse_exactly(text, _checked_digits)
    except DamageError:
        return False
    return True


def double(number: str | Decimal) -> float:
    """Return the nearest double. Raises :class:`NumberOverflowError` where there is none."""
    value = float(number)
    if not isfinite(value):
        raise NumberOverflowError("a number is too large for a double")
    return value


def _parse_exactly(text: bytes, integer: Callable[[str], object]) -> Any:
    try:
        return json.loads(
            mend_surrogates(text).decode(), parse_float=double, parse_int=integer, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError as error:
        raise InvalidUtf8Error(error.reason) from None
    except json.JSONDecodeError as error:
        raise MalformedJsonError(str(error)) from None


def _integer(digits: str) -> int:
    return int(_checked_digits(digits))


def _checked_digits(digits: str) -> str:
    """Refuse what ``int`` refuses, without the time that it takes, which grows with the square of their number."""
    if len(digits.lstrip("-")) > _MOST_DIGITS:
        raise NumberOverflowError(f"an integer of {len(digits)} digits")
    return digits


_MOST_DIGITS = sys.get_int_max_str_digits() or sys.maxsize


def _refuse_constant(name: str) -> Any:
    raise MalformedJsonError(f"{name} is not JSON")


def mend_surrogates(text: bytes) -> bytes:
    """Replace every lone surrogate escape of a JSON text by that of U+FFFD."""
    mender = SurrogateMender()
    return mender.feed(text) + mender.close()


class SurrogateMender:
    r"""Feed it JSON text; it gives it back with every lone surrogate escape (``\ud800``) as ``\ufffd``.

    The text keeps its length. A backslash stands in strings only, so an escape needs no parser to be found; it is held
    back until it is whole.
    """

    def __init__(self) -> None:
        self._held = b""

    def feed(self, text: bytes) -> bytes:
        """Take some text and return what is decided of it. What is no UTF-8 is returned as it is."""
        text, self._held = self._held + text, b""
        if b"\\" not in text or _NOT_IN_UTF8 in text:
            return text
        if b"\\" not in text[-_LONGEST_OPEN:] and _SURROGATE.search(text) is None:
            return text
        text = text.replace(rb"\\", _ESCAPED_BACKSLASH)
        opened = _OPEN.search(text, max(0, len(text) - _LONGEST_OPEN))
        if opened is not None:
            self._held, text = opened[0], text[: opened.start()]
        return _LONE.sub(rb"\\ufffd", text).replace(_ESCAPED_BACKSLASH, rb"\\")

    def close(self) -> bytes:
        """Return the beginning of an escape that the text ended in, if it did."""
        held, self._held = self._held, b""
        return held


_NOT_IN_UTF8 = b"\xff"
_ESCAPED_BACKSLASH = _NOT_IN_UTF8 * 2
"""Stands for two backslashes while escapes are looked for, so that each that is left begins one."""
_HIGH, _LOW = rb"[89abAB][0-9a-fA-F]{2}", rb"[c-fC-F][0-9a-fA-F]{2}"
_SURROGATE = re.compile(rb"\\u[dD]")
_LONE = re.compile(rb"\\u[dD](?:%b(?!\\u[dD]%b)|(?<!\\u[dD]%b\\u[dD])%b)" % (_HIGH, _LOW, _HIGH, _LOW))
"""Searched by the letters it begins with, and replaced without a call: a hostile record may hold nothing else."""
_OPEN = re.compile(
    rb"""\\(?:u(?:[dD](?:[c-fC-F]%(hex)b?|[89abAB](?:%(hex)b(?:%(hex)b
            (?:\\(?:u(?:[dD](?:[c-fC-F]%(hex)b?)?)?)?)?)?)?)?)?)?\Z"""
    % {b"hex": b"[0-9a-fA-F]"},
    re.VERBOSE,
)
"""The beginning of a surrogate's escape, at the end; or a high one, which a low one may follow."""
_LONGEST_OPEN = len(rb"\ud83d\ude0")
