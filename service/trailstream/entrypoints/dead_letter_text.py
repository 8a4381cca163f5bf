"""Dead letters as a person reads them, and as a program does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from trailstream.decode.keys import account_in_key
from trailstream.entrypoints.remedies import remedy_for
from trailstream.model.printable import printable
from trailstream.pipeline.dead_letters import DeadLetter

MINUTE, HOUR, DAY = 60, 3600, 86_400
DETAIL_CHARACTERS = 60
NO_REASON = "no reason is kept"


class Report(Protocol):
    """A way to print dead letters on standard output."""

    def many(self, letters: Sequence[DeadLetter], *, url: str, more: bool, now: float) -> None:
        """Print a list. ``more`` says that the queue may hold others; ``now`` is in Unix seconds."""
        ...

    def one(self, letter: DeadLetter, *, url: str, now: float) -> None:
        """Print everything of one."""
        ...


class _Text:
    def many(self, letters: Sequence[DeadLetter], *, url: str, more: bool, now: float) -> None:
        layout = "{:<36} {:>7} {:>8} {:<18} {:<60} {}"
        print(layout.format("MESSAGE ID", "AGE", "RECEIVES", "CODE", "DETAIL", "OBJECTS"))
        for letter in letters:
            code, detail = _reason(letter)
            delivery = letter.held.delivery
            age, receives = _age(delivery.sent_at, now), delivery.receive_count
            short = printable(detail.partition("\n")[0], at_most=DETAIL_CHARACTERS)
            print(layout.format(printable(letter.id), age, receives, printable(code), short, _objects(letter)))
        print(f"{len(letters)} messages in {url}" + ("; there may be more: --limit shows them" if more else ""))

    def one(self, letter: DeadLetter, *, url: str, now: float) -> None:
        code, detail = _reason(letter)
        delivery = letter.held.delivery
        remedy = remedy_for(letter.reason.code if letter.reason else None)
        rows = [
            ("Message", letter.id),
            ("Queue", url),
            ("Sent", f"{_moment(delivery.sent_at)} ({_age(delivery.sent_at, now)} ago)"),
            ("Receives", str(delivery.receive_count)),
            ("Code", code),
            ("Meaning", remedy.meaning),
            ("What to do", remedy.what_to_do),
        ]
        if letter.reason is not None:
            given_up = f"{_moment(letter.reason.at)}, at receive {letter.reason.receive_count}"
            rows += [("Set aside", given_up), *(("Reason", line) for line in detail.splitlines())]
        for ref in letter.objects:
            rows += [("Object", ref.uri), ("Account", account_in_key(ref.key) or "-")]
        for name, value in rows:
            print(f"{name + ':':<12} {printable(value, at_most=len(value))}")
        print(f"\n{printable(delivery.body, at_most=len(delivery.body))}")


class _Json:
    def many(self, letters: Sequence[DeadLetter], *, url: str, more: bool, now: float) -> None:
        print(json.dumps({"queue_url": url, "more": more, "messages": [_document(each, now) for each in letters]}))

    def one(self, letter: DeadLetter, *, url: str, now: float) -> None:
        print(json.dumps({"queue_url": url, **_document(letter, now), "body": letter.held.delivery.body}))


REPORTS: Mapping[str, Report] = {"table": _Text(), "json": _Json()}


def one_line(letter: DeadLetter) -> str:
    """Return the message's id, with its code where that was asked for and with its objects."""
    code = f" {printable(letter.reason.code)}" if letter.reason else ""
    return f"{printable(letter.id)}{code} {_objects(letter)}"


def _document(letter: DeadLetter, now: float) -> dict[str, Any]:
    delivery, reason = letter.held.delivery, letter.reason
    remedy = remedy_for(reason.code if reason else None)
    return {
        "message_id": letter.id,
        "sent_at": _moment(delivery.sent_at),
        "age_seconds": None if delivery.sent_at is None else max(0, round(now - delivery.sent_at)),
        "receive_count": delivery.receive_count,
        "code": reason.code if reason else None,
        "detail": reason.detail if reason else None,
        "set_aside_at": _moment(reason.at) if reason else None,
        "meaning": remedy.meaning,
        "what_to_do": remedy.what_to_do,
        "objects": [{"uri": ref.uri, "account": account_in_key(ref.key)} for ref in letter.objects],
    }


def _reason(letter: DeadLetter) -> tuple[str, str]:
    return ("-", NO_REASON) if letter.reason is None else (letter.reason.code, letter.reason.detail)


def _objects(letter: DeadLetter) -> str:
    first, *others = [printable(ref.uri) for ref in letter.objects] or ["-"]
    return first + (f" and {len(others)} more" if others else "")


def _moment(unix_seconds: float | None) -> str | None:
    return None if unix_seconds is None else datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec="seconds")


def _age(sent_at: float | None, now: float) -> str:
    """Return an age in its two largest units: ``3d 4h``, ``4h 12m``, ``12m``."""
    if sent_at is None:
        return "-"
    seconds = max(0, int(now - sent_at))
    if seconds >= DAY:
        return f"{seconds // DAY}d {seconds % DAY // HOUR}h"
    if seconds >= HOUR:
        return f"{seconds // HOUR}h {seconds % HOUR // MINUTE}m"
    return f"{seconds // MINUTE}m"
