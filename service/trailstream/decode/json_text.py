"""JSON as this project reads it, where parsers disagree. ``docs/records.md`` is the same in words.

Strict RFC 8259 text in UTF-8. Integers are exact, other numbers are doubles, and what is too large for its kind is an
error. A lone surrogate escape reads as U+FFFD. Of duplicate keys the last wins.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from itertools import accumulate
from math import isfinite
from typing import Any

import orjson
import re2
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

_BYTES = re2.Options()
_BYTES.encoding = re2.Options.Encoding.LATIN1
_LONG_NUMBER = re2.compile(rb"(?:^|[:,\[])[ \t\r\n]*-?[0-9]{19}", _BYTES)
"""orjson makes a float of an integer beyond 64 bits, which has 19 digits or more and begins where a value does."""


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
    if deeper_than(text, max_depth):
        raise RecordTooDeepError(f"nested deeper than {max_depth} levels")
    if _LONG_NUMBER.search(text) is None:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # a lone surrogate and an overflow stop it as well as a fault: the exact way tells which
    return _parse_exactly(text)


def encode_record(record: Record) -> bytes:
    """Write a record as compact JSON, its keys in their order."""
    try:
        return orjson.dumps(record)
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def deeper_than(text: bytes, levels: int) -> bool:
    """Say whether a JSON text is nested deeper. What is no JSON may be answered either way."""
    if opening_brackets(text) <= levels:
        return False
    steps = _STRING.sub(b"", text).translate(_STEPS, _NO_BRACKETS)
    return max(accumulate(memoryview(steps).cast("b")), default=0) > levels


def opening_brackets(text: bytes) -> int:
    """Count the brackets that open, in strings too: no text is nested deeper."""
    # ``replace`` looks for a byte at memory speed, ``count`` does not.
    return 2 * len(text) - len(text.replace(b"{", b"")) - len(text.replace(b"[", b""))


_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""A string that never ends is taken to the end: were it no match, each quote in it would be tried, and read on from."""
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""What a bracket adds to the depth, as a signed byte."""
_NO_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))


def is_sound(text: bytes) -> bool:
    """Say whether :func:`parse_json` takes a JSON text of any depth, at a fraction of its cost.

    What other parsers skip unseen is looked at: UTF-8, and numbers that are too large. simdjson makes no Python object
    of a text before it is asked for one. It refuses some that we take (integers beyond 64 bits, lone surrogates, great
    depth): the exact way has the last word.
    """
    try:
        _SIMDJSON.parse(text)
    except (ValueError, RuntimeError):  # UnicodeDecodeError is a ValueError
        return _is_exactly_sound(text)
    return True


_SIMDJSON = simdjson.Parser()
"""One for all: its buffers grow with the longest text, and no text is kept beyond the call."""


def _is_exactly_sound(text: bytes) -> bool:
    try:
        _parse_exactly(text)
    except (DamageError, RecursionError):
        return False
    return True


def double(number: str | Decimal) -> float:
    """Return the nearest double. Raises :class:`NumberOverflowError` where there is none."""
    value = float(number)
    if not isfinite(value):
        raise NumberOverflowError("a number is too large for a double")
    return value


def _parse_exactly(text: bytes) -> Any:
    try:
        return json.loads(
            mend_surrogates(text).decode(), parse_float=double, parse_int=_integer, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError as error:
        raise InvalidUtf8Error(error.reason) from None
    except json.JSONDecodeError as error:
        raise MalformedJsonError(str(error)) from None


def _integer(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise NumberOverflowError(f"an integer of {len(digits)} digits") from None


def _refuse_constant(name: str) -> Any:
    raise MalformedJsonError(f"{name} is not JSON")


def mend_surrogates(text: bytes) -> bytes:
    """Replace every lone surrogate escape of a JSON text by that of U+FFFD."""
    mender = SurrogateMender()
    return mender.feed(text) + mender.close()


class SurrogateMender:
    r"""Feed it JSON text; it gives it back with every lone surrogate escape (``\ud800``) as ``\ufffd``.

    A backslash stands in strings only, so an escape needs no parser to be found; it is held back until it is whole.
    """

    def __init__(self) -> None:
        self._held = b""

    def feed(self, text: bytes) -> bytes:
        """Take some text and return what is decided of it."""
        text = self._held + text
        self._held = b""
        if b"\\" not in text[-_LONGEST_OPEN:] and b"\\ud" not in text and b"\\uD" not in text:
            return text
        return _ESCAPE.sub(self._mended, text)

    def close(self) -> bytes:
        """Return the beginning of an escape that the text ended in, if it did."""
        held, self._held = self._held, b""
        return held

    def _mended(self, escape: re.Match[bytes]) -> bytes:
        match escape.lastgroup:
            case "lone":
                return b"\\ufffd"
            case "open":
                self._held = escape[0]
                return b""
        return escape[0]


_ESCAPE = re.compile(
    rb"""\\(?:
        u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}           # a pair
      | (?P<open>(?:u(?:[dD](?:[c-fC-F]%(hex)b?|[89abAB](?:%(hex)b(?:%(hex)b
            (?:\\(?:u(?:[dD](?:[c-fC-F]%(hex)b?)?)?)?)?)?)?)?)?)?\Z)       # the beginning of either, at the end
      | (?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})
      | .
    )"""
    % {b"hex": b"[0-9a-fA-F]"},
    re.VERBOSE | re.DOTALL,
)
_LONGEST_OPEN = len(rb"\ud83d\ude0")
