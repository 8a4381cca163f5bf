"""Log documents: the readers agree with each other and with ``json``, and gates lose no match."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator
from typing import Any

from logs import Reading, chunks, compact, document_of, read, record
from trailstream.model.alert import Match
from trailstream.model.errors import PermanentError
from trailstream.model.limits import ReaderChoice, ReadLimits
from trailstream.pipeline.object_scan import ObjectScan
from trailstream.rules.loading import load
from trailstream.rules.ruleset import Ruleset

from .mutations import changed_json
from .reference import Expected, expected_of
from .target import Target, chance_of, demand

LIMITS = ReadLimits(max_depth=12, piece_bytes=32 * 1024)
STEP_SECONDS = 0.5
"""Of CPU time, for one step of a scan: a hundred times what most take, and far less than an event loop may wait."""

_CHUNKS = (97, 5_000, 10**6)
_NAMES = ("CreateTopic", "GetObject", "ConsoleLogin", "DeleteTrail", "CREATETOPIC")
_WORDS = ("of", "xyzzy", "a/Xyzzy/b")
_NO_ZERO = re.compile(rb"[eE]-[0-9]{19}")
"""The one number that docs/records.md lets the readers differ on."""

_PATTERNS = {
    "equals": {"eventSource": ["sns.amazonaws.com"], "eventName": ["CreateTopic"]},
    "prefix": {"eventName": [{"prefix": "Delete"}]},
    "wildcard": {"eventName": [{"wildcard": "*Log*"}]},
    "nested": {"userIdentity": {"type": [{"anything-but": "IAMUser"}]}},
    "absent": {"eventVersion": [{"exists": False}]},
    "number": {"count": [{"numeric": [">", 1]}]},
}
_SIGMA = {"contains": {"eventName|contains": "TOPIC"}, "folded": {"eventName": "createtopic"}, "words": ["xyzzy"]}


def _rules() -> Iterator[tuple[str, str]]:
    for name, pattern in _PATTERNS.items():
        yield f"{name}.json", json.dumps({"id": name, "title": name, "severity": "low", "pattern": pattern})
    for name, selection in _SIGMA.items():
        detection = {"selection": selection, "condition": "selection"}
        yield f"{name}.json", json.dumps({"title": name, "logsource": {"product": "aws"}, "detection": detection})


_RULES = load(_rules()).rules
_GATED, _UNGATED = Ruleset(_RULES), Ruleset(_RULES, gated=False)


def make(chance: random.Random) -> bytes:
    """Make a log of up to 100 KB, and change it."""
    padding = "x" * chance.choice([0, 100, 900, 2_500])
    raws = [
        compact(
            record(number, eventName=chance.choice(_NAMES), requestParameters=[{"p": padding}, chance.choice(_WORDS)])
        )
        for number in range(chance.choice([0, 1, 3, 40]))
    ]
    text = document_of(raws)
    return changed_json(chance, json.dumps(json.loads(text), indent=1).encode() if chance.random() < 0.1 else text)


def check(text: bytes) -> None:
    """Read by each reader, and scan by each reader, with gates and without."""
    if _NO_ZERO.search(text):
        return
    chance = chance_of(text)
    _check_reading(text, chance)
    _check_scan(text, chance)


def _check_reading(text: bytes, chance: random.Random) -> None:
    fast = read(text, "auto", limits=LIMITS, chunk_bytes=_chunk_bytes(text, chance))
    slow = read(text, "ijson", limits=LIMITS, chunk_bytes=_chunk_bytes(text, chance))
    demand(fast.fault == slow.fault, "the readers end otherwise", f"{fast.fault}, {slow.fault}")
    damages = [(one.damaged, one.first_damage) for one in (fast, slow)]
    demand(damages[0] == damages[1], "the readers note other damage", str(damages))
    # As text, for 1 and 1.0 and True are equal to Python.
    demand(repr(fast.records) == repr(slow.records), "the readers read other records")
    demand(fast.outcome == slow.outcome, "the readers make other heads")
    expected = expected_of(text, LIMITS.max_depth)
    if expected is not None:
        _compare(fast, expected)


def _compare(reading: Reading, expected: Expected) -> None:
    fault = None if expected.has_records else ("no_records", None)
    demand(reading.fault == fault, "a document that json reads ends otherwise", f"{reading.fault}, {fault}")
    found = list(zip(reading.indexes, reading.records, strict=True))
    demand(repr(found) == repr(expected.records), "json reads other records")
    demand(
        reading.damaged == len(expected.damaged), "json sees other damage", f"{reading.damaged}, {expected.damaged[:3]}"
    )
    if reading.first_damage is not None:
        codes, index = expected.damaged[0]
        code, at = reading.first_damage
        demand(code in codes and at == index, "json sees other damage first", f"{code} {at}, {codes} {index}")


def _chunk_bytes(text: bytes, chance: random.Random) -> int:
    return max(chance.choice(_CHUNKS), len(text) // 200)


def _check_scan(text: bytes, chance: random.Random) -> None:
    gated = _scan(chunks(text, _chunk_bytes(text, chance)), _GATED, "auto")
    ungated = _scan(chunks(text, _chunk_bytes(text, chance)), _UNGATED, "ijson")
    demand(
        gated == ungated,
        "with gates a scan finds or ends otherwise",
        f"{len(gated[0])} {gated[1]}, {len(ungated[0])} {ungated[1]}",
    )


def _scan(text: Iterator[bytes], ruleset: Ruleset, choice: ReaderChoice) -> tuple[list[Any], str | None]:
    """Return what matched, and the code of the damage. Raises :class:`Finding` for a step that is too large."""
    scan = ObjectScan(ruleset=ruleset, limits=LIMITS, choice=choice)
    found: list[Match] = []
    damage: str | None = None
    try:
        for chunk in text:
            _step_through(scan, scan.feed(chunk), found)
        _step_through(scan, scan.close(), found)
    except PermanentError as error:
        damage = error.code
    demand(not scan.rule_failures, "a rule fails", str(scan.rule_failure_details))
    return [(match.rule.id, match.record_index, repr(match.record)) for match in found], damage


def _step_through(scan: ObjectScan, steps: Iterator[list[Match]], found: list[Match]) -> None:
    while True:
        started, before = time.thread_time(), scan.bytes_inflated
        matches = next(steps, None)
        spent, taken = time.thread_time() - started, scan.bytes_inflated - before
        demand(spent <= STEP_SECONDS, "a step takes too long", f"{spent:.2f} s")
        demand(taken <= LIMITS.piece_bytes, "a step takes too much text", f"{taken} bytes")
        if matches is None:
            return
        found += matches


TARGET = Target("readers", make, check)
