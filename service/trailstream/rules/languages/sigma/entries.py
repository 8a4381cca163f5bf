"""The documents of a file as they are meant: with what global documents before them say, and one thing in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from trailstream.model.limits import MIB
from trailstream.rules.documents import At, Document
from trailstream.rules.languages.language import Compiled, RuleFile
from trailstream.rules.languages.sigma import PLACEHOLDERS, is_pipeline, is_unwrapped
from trailstream.rules.rule import RuleSyntaxError

MAX_SIZE = 2 * MIB
"""Of what a file says: the characters of its texts, some for each value, as often as aliases and actions repeat it."""
_SIZE_OF_A_VALUE = 10

_COMPARED = ("detection", "filter", PLACEHOLDERS)
"""Where a document holds what is compared with records."""


@dataclass(slots=True)
class Entry:
    """One document that says something, and where what is said about it goes."""

    path: str
    document: int
    """Its position in the file."""
    value: dict[str, Any]
    result: Compiled
    fallback_id: str
    """What it goes by if it says no id: its path."""
    is_alone: bool = True
    """Whether its file says nothing else, so that nobody wonders what a note is about."""
    inherits_id: bool = False
    """Whether its id is that of a global document, and so of its neighbours too."""
    place: At | None = None
    """Where it is written, if elsewhere than its value says: what is said of it is said of there."""
    suffix: str = ""
    """What is added to its id: a document that holds several rules makes several entries."""
    parts: dict[str, Entry] = field(default_factory=dict)
    """What only this entry may refer to, by the name that it uses."""

    def refuse(self, error: RuleSyntaxError) -> None:
        """Report what is wrong with it."""
        at = error.at if self.place is None else self.place
        self.result.problems.append(RuleSyntaxError(error.what, at=at, remedy=error.remedy, document=self.document))

    def note(self, what: str) -> None:
        """Say what is worth knowing about it."""
        text = what if self.is_alone else f"{what} (document {self.document + 1})"
        if text not in self.result.notes:
            self.result.notes.append(text)

    def passed_over(self, reason: str) -> None:
        """Say why it is not evaluated."""
        self.note(f"not evaluated: {reason}")

    @property
    def is_correlation(self) -> bool:
        """Whether it speaks of the matches of other rules."""
        return "correlation" in self.value

    @property
    def is_filter(self) -> bool:
        """Whether it narrows other rules."""
        return _is_filter(self.value)

    @property
    def is_pipeline(self) -> bool:
        """Whether it changes other rules before they are compiled."""
        return is_pipeline(self.value)

    @property
    def is_placeholders(self) -> bool:
        """Whether it lists what placeholders stand for."""
        return _is_placeholders(self.value)


def entries_of(file: RuleFile, result: Compiled) -> Iterator[Entry]:
    """Yield what the file says, in order. What is no Sigma document is reported."""
    actions, is_alone, name = _Actions(), len(file.documents) == 1, file.path
    count = size = 0
    for position, document in enumerate(file.documents):
        if document.value is None:
            continue
        entry = Entry(file.path, position, {}, result, name, is_alone)
        try:
            meant = actions.meant(_as_written(document))
        except RuleSyntaxError as error:
            entry.refuse(error)
            continue
        if meant is None:
            continue
        size += _size(meant)
        if size > MAX_SIZE:
            entry.refuse(RuleSyntaxError("the file says too much, aliases and actions counted", remedy="split it"))
            return
        entry.value, entry.inherits_id = meant, "id" in meant and "id" not in document.value
        count += 1
        name = f"{file.path}#{count + 1}"
        yield entry


def _as_written(document: Document) -> Any:
    """Return what a document says, with the decimals of its detections as texts: ``eventVersion: 1.10`` is no 1.1."""

    def written(value: Any, at: At) -> Any:
        if isinstance(value, dict):
            return {key: written(each, (*at, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [written(each, (*at, position)) for position, each in enumerate(value)]
        return document.decimals.get(at, value)

    if not document.decimals or not isinstance(document.value, dict):
        return document.value
    return {key: written(each, (key,)) if key in _COMPARED else each for key, each in document.value.items()}


@dataclass(slots=True)
class _Actions:
    """What the documents of a file say of those after them, as in the specification's rule collections."""

    shared: dict[str, Any] = field(default_factory=dict)
    """What global documents say: it adds up, and wins over what a rule says."""
    previous: dict[str, Any] = field(default_factory=dict)
    """The rule before, which one that repeats it changes."""

    def meant(self, value: Any) -> dict[str, Any] | None:
        """Return what a document means; None for one that only says what others mean."""
        if not isinstance(value, dict):
            raise RuleSyntaxError("a Sigma rule is a mapping")
        if is_unwrapped(value):
            remedy = "write them below it, with group-by and condition; rules is a list of names or ids"
            raise RuleSyntaxError(
                'type, rules and timespan stand outside of "correlation"', at=("rules",), remedy=remedy
            )
        said = {key: each for key, each in value.items() if key != "action"}
        match value.get("action"):
            case "global":
                self.shared = self.previous = merged(self.shared, said)
                return None
            case "reset":
                self.shared = {}
                return None
            case "repeat":
                self.previous = merged(self.previous, said)
            case None if _stands_apart(said):
                return said
            case None:
                self.previous = merged(said, self.shared)
            case action:
                raise RuleSyntaxError(f'"{action}" is no action', at=("action",), remedy="global, reset or repeat")
        return self.previous


def _stands_apart(value: dict[str, Any]) -> bool:
    """Say whether a document is no rule, so that nothing global is for it."""
    return "correlation" in value or _is_filter(value) or is_pipeline(value) or _is_placeholders(value)


def _is_filter(value: dict[str, Any]) -> bool:
    return "filter" in value and {"detection", "correlation"}.isdisjoint(value)


def _is_placeholders(value: dict[str, Any]) -> bool:
    return PLACEHOLDERS in value and {"detection", "correlation", "filter"}.isdisjoint(value)


def merged(value: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the value with the other's keys, which win; mappings are merged key by key."""
    both = dict(value)
    for key, each in other.items():
        mine = both.get(key)
        both[key] = merged(mine, each) if isinstance(mine, dict) and isinstance(each, dict) else each
    return both


def _size(value: Any) -> int:
    """Measure all texts in a value; the reader has bounded how many there are."""
    size, pending = 0, [value]
    while pending:
        one = pending.pop()
        size += _SIZE_OF_A_VALUE
        if isinstance(one, str):
            size += len(one)
        elif isinstance(one, dict):
            pending.extend(one)
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
    return size
