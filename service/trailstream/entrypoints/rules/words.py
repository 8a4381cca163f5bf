"""What tools for rules say of gates, conditions and values, in words that fit on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields
from enum import Enum

from trailstream.bootstrap.python_rules import CodeRun
from trailstream.model.finding import Remarks
from trailstream.model.printable import printable
from trailstream.rules.explanation import Explained
from trailstream.rules.gate import WIDE, Anchor, Both, Either, Gate, Value, Words, anchors, lets_nothing_through
from trailstream.rules.predicate import json_text

WIDEST_TEXT = 160
WIDEST_VALUE = 80
MOST_VALUES = 3
"""Values that are shown of one place."""


class Cost(Enum):
    """What a rule costs, by the records that its gate lets through; the values are what people are told."""

    NEVER = "never matches"
    LOWEST = "lowest"
    """It is entered under exact names of calls."""
    LOW = "low"
    """It is entered under values or words that few records have."""
    WIDE = "wide"
    """It is entered under what a great share of all records has."""
    EVERY_RECORD = "every record"


def counted(number: int, noun: str) -> str:
    """Return a number of things: ``1 rule``, ``2 rules``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def cost_of(gate: Gate | None) -> Cost:
    """Say what a rule with this gate costs."""
    if lets_nothing_through(gate):
        return Cost.NEVER
    found = anchors(gate)
    if found is None:
        return Cost.EVERY_RECORD
    if all(isinstance(anchor, Value) and anchor.path == ("eventName",) and anchor.predicate.values for anchor in found):
        return Cost.LOWEST
    return Cost.LOW if all(map(_is_rare, found)) else Cost.WIDE


def _is_rare(anchor: Anchor) -> bool:
    if isinstance(anchor, Words):
        return True
    return anchor.path not in WIDE and (anchor.predicate.values is not None or anchor.predicate.literals is not None)


def gate_in_words(gate: Gate | None) -> str:
    """Say what a record must show before the rule is evaluated on it."""
    match gate:
        case None:
            return "every record"
        case Value(path, predicate):
            return f"{'.'.join(path)} {predicate.name}"
        case Words(words):
            return f"the word {' or '.join(sorted(words))}"
        case Both(parts):
            return " and ".join(map(_within, parts))
        case Either(()):
            return "no record"
        case Either(parts):
            return " or ".join(map(_within, parts))


def _within(gate: Gate) -> str:
    words = gate_in_words(gate)
    return f"({words})" if isinstance(gate, Both | Either) else words


def tree(explained: Explained, level: int = 1) -> Iterator[str]:
    """Yield the lines of an explanation, a part to a line."""
    found = "" if explained.found is None else f": {values_in_words(explained.found)}"
    indent = "  " * level
    yield f"{indent}{mark(explained.held)} {printable(explained.what, at_most=WIDEST_TEXT)}{found}"
    for part in explained.parts:
        yield from tree(part, level + 1)


def printed(run: CodeRun) -> Iterator[str]:
    """Yield the lines of what the code of a rule said, printed and did wrong."""
    yield f"{mark(run.matched)} it returned {run.matched}" if not run.error else f"{mark(None)} it failed"
    said = {name: value for name in _REMARKS if (value := getattr(run.remarks, name)) is not None}
    for name, value in said.items():
        yield f"{name}: {printable(str(value), at_most=WIDEST_TEXT)}"
    for text in (run.error, *run.complaints, run.output):
        yield from map(printable, text.splitlines())


_REMARKS = tuple(field.name for field in fields(Remarks))


def values_in_words(values: tuple[object, ...]) -> str:
    """Return some values as JSON, shortened and printable."""
    if not values:
        return "not there"
    shown = [printable(json_text(value), at_most=WIDEST_VALUE) for value in values[:MOST_VALUES]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def mark(held: bool | None) -> str:  # noqa: FBT001 -- it is what is marked
    """Return the sign for what holds, does not, or is not known."""
    if held is None:
        return "?"
    marks = ("✗", "✓") if _shows("✗✓") else ("no ", "yes")
    return marks[held]


def _shows(text: str) -> bool:
    """Say whether standard output can be given these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
