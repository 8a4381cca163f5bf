"""JSON text -> ijson's events, with this project's answers to what parsers disagree on."""

from __future__ import annotations

import codecs
import decimal
from collections.abc import Callable
from typing import Any, TypeAlias

import ijson
from ijson.backends import yajl2_c

from trailstream.decode.json_text import SurrogateMender
from trailstream.model.errors import (
    DamageError,
    InvalidUtf8Error,
    MalformedJsonError,
    NoRecordsError,
    NumberOverflowError,
    RecordTooLargeError,
    TruncatedJsonError,
)

_LENIENT = decimal.Context(traps=[])
"""Makes NaN of a number whose exponent (19 digits) no Decimal has, so that it is noted like any other overflow."""

Event: TypeAlias = tuple[str, Any]
"""An event's name as ijson documents it, and its value: numbers are int or Decimal."""


class EventParser:
    """Feed it text; its events are in ``events`` until the caller clears them, those before a fault included."""

    def __init__(self, *, max_token_bytes: int, many: bool) -> None:
        """With ``many``, one value may follow another."""
        self.events: list[Event] = ijson.sendable_list()
        self._parser = yajl2_c.basic_parse_coro(self.events, multiple_values=many)
        self._mender = SurrogateMender()
        self._max_token_bytes = max_token_bytes
        self._bytes_since_event = 0
        self._cut_character = b""
        self._blank = True

    @property
    def in_long_value(self) -> bool:
        """Whether the text fed last was all within one string, number or gap."""
        return self._bytes_since_event > 0

    def feed(self, text: bytes) -> None:
        """Take some text. Raises :class:`DamageError` at a fault, where reading ends.

        A string or number of more than ``max_token_bytes`` is one, whether or not it would ever end: the parser
        keeps it until then.
        """
        text = self._cut_character + text
        damage: DamageError | None = None
        try:
            whole = codecs.utf_8_decode(text, "strict", False)[1]
        except UnicodeDecodeError as error:
            whole = error.start
            damage = InvalidUtf8Error(error.reason)
        self._cut_character = text[whole:]
        self._parse(text[:whole])
        if damage is not None:
            raise damage

    def close(self) -> None:
        """Say that the text has ended. Raises :class:`DamageError` where it should not have."""
        if self._blank:
            raise NoRecordsError("there is no text")
        self._send(self._mender.close())
        self._run(self._parser.close, TruncatedJsonError)
        if self._cut_character:
            raise InvalidUtf8Error("the text ends within a character")

    def _parse(self, text: bytes) -> None:
        self._blank = self._blank and not text.strip()
        seen = len(self.events)
        self._send(self._mender.feed(text))
        self._bytes_since_event = 0 if len(self.events) > seen else self._bytes_since_event + len(text)
        if self._bytes_since_event > self._max_token_bytes:
            raise RecordTooLargeError(f"one string, number or gap is longer than {self._max_token_bytes} bytes")

    def _send(self, text: bytes) -> None:
        if text:  # none says "the end" to ijson
            self._run(lambda: self._parser.send(text), MalformedJsonError)

    def _run(self, parse: Callable[[], None], fault: type[DamageError]) -> None:
        try:
            with decimal.localcontext(_LENIENT):
                parse()
        except ijson.JSONError as error:
            raise fault(_reason(error)) from None
        except SystemError:
            # An integer that int() refuses (over 4,300 digits): ijson 3.5 hands over an event without a value, which
            # must not be looked at.
            self.events.pop()
            raise NumberOverflowError("an integer has too many digits") from None


def _reason(error: ijson.JSONError) -> str:
    """Return the parser's reason without the excerpt of the text that follows it."""
    said = error.args[0]
    return str(said.decode("utf-8", "replace") if isinstance(said, bytes) else said).partition("\n")[0].strip()
