"""Events that rules are tried on, out of whatever JSON people keep them in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trailstream.decode.gunzip import Inflate
from trailstream.decode.json_text import parse_json
from trailstream.model.errors import DamageError, MalformedJsonError
from trailstream.model.limits import ReadLimits
from trailstream.model.problems import ConfigurationError, Problem
from trailstream.model.record import Record

STDIN = "-"


def read_events(source: str) -> list[Record]:
    """Read the events of a file, or of standard input for ``-``, in their order.

    That is one JSON object, an array of them, a CloudTrail log (``{"Records": [...]}``), or any of these on each line;
    gzipped or not. Raises :class:`ConfigurationError` with the reason where that is not so.
    """
    text = _inflated(_stored(source), source)
    try:
        values = [(source, parse_json(text))]
    except MalformedJsonError as error:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) < 2:  # noqa: PLR2004 -- of one line everything has been said
            raise _unusable(source, "holds no event" if not lines else error.detail) from None
        values = [(f"{source}:{number}", _parsed(line, f"{source}:{number}")) for number, line in lines]
    except DamageError as error:
        raise _unusable(source, error.detail) from None
    events = [event for where, value in values for event in _events(value, where)]
    if not events:
        raise _unusable(source, "holds no event")
    return events


def _stored(source: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if source == STDIN else Path(source).read_bytes()
    except OSError as error:
        problem = Problem(source, f"cannot be read: {error.strerror}", "name a file of events, or - for standard input")
        raise EventsError([problem]) from None


def _inflated(stored: bytes, source: str) -> bytes:
    inflate = Inflate(ReadLimits())
    try:
        text = b"".join(inflate.feed(stored))
        inflate.close()
    except DamageError as error:
        raise _unusable(source, error.detail) from None
    return text.removeprefix(b"\xef\xbb\xbf")


def _parsed(line: bytes, where: str) -> Any:
    try:
        return parse_json(line)
    except DamageError as error:
        raise _unusable(where, error.detail) from None


def _events(value: Any, where: str) -> Iterator[Record]:
    if isinstance(value, dict) and value.keys() == {"Records"} and isinstance(value["Records"], list):
        value = value["Records"]
    if isinstance(value, list):
        for position, element in enumerate(value):
            if not isinstance(element, dict):
                raise _unusable(where, f"element {position} is no JSON object, and so no event")
            yield element
    elif isinstance(value, dict):
        yield value
    else:
        raise _unusable(where, "is no JSON object, and so no event")


def _unusable(where: str, what: str) -> ConfigurationError:
    remedy = "an event is a JSON object; several stand in an array, in Records, or one on each line"
    return EventsError([Problem(where, what, remedy)])


class EventsError(ConfigurationError):
    """What was given holds no events, or something that is none."""

    code = "events"
    noun = "problem with the events"
