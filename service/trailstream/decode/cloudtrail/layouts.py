"""JSON events -> records, whatever the layout of the document. Memory is bounded by the limits on one record.

The document is followed by a coroutine, so that its code reads like the grammar of what it accepts: it takes one event
after another, and yields where it has taken all that there are so far. ijson's own ``items`` and ``parse`` are not
used: their memory grows with the depth of the text.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any, Literal, TypeAlias, TypeVar

from trailstream.decode.cloudtrail.events import Event
from trailstream.decode.json_text import double
from trailstream.model.errors import (
    NoRecordsError,
    NotARecordError,
    RecordDamageError,
    RecordTooDeepError,
    RecordTooLargeError,
)
from trailstream.model.limits import ReadLimits
from trailstream.model.record import Record

Layout: TypeAlias = Literal["records", "any"]
"""``records``: ``{"Records":[...]}`` with any other keys in any order. ``any``: also a bare array, a bare record, an
EventBridge event around one, and any of these one after another (JSON lines) or in an array."""

_T = TypeVar("_T")
_Following: TypeAlias = Generator[None, None, _T]

_STARTS = frozenset({"start_map", "start_array"})
_ENDS = frozenset({"end_map", "end_array"})
_DEEPEST_SKIPPED = 1_000_000
"""Levels that may be skipped: each takes a byte of the parser's memory."""
_NAMES_OF_A_RECORD = ("eventVersion", "eventName")
"""What tells a bare record from any other object: CloudTrail writes the first into every record; some tools drop it."""


class RecordFinder:
    """Give it events; it keeps the records that they complete in ``found``, and notes those that are unusable."""

    def __init__(self, limits: ReadLimits, layout: Layout, first_index: int) -> None:
        self._max_record_bytes = limits.max_record_bytes
        self._max_depth = limits.max_depth
        self._any = layout == "any"
        self.next_index = first_index
        self.found: list[tuple[int, Record]] = []
        """(index, record), until the caller clears it."""
        self.damaged = 0
        self.first_damage: RecordDamageError | None = None
        self.in_records = False
        """Whether the text has got to somewhere among records."""
        self.saw_records = False
        self._building = False
        self._at_boundary = True
        self._bytes_in_record = 0
        self._depth = 0
        self._key = ""
        self._events: Iterator[Event] = iter(())
        self._follow = self._documents()

    def take(self, events: Iterable[Event], text_bytes: int) -> None:
        """Follow the events of so much text. Raises :class:`DamageError` where the document is no log."""
        self._at_boundary = False
        self._events = iter(events)
        next(self._follow)
        # Where in the text a record begins is not known, so only text that is wholly in it is counted.
        self._bytes_in_record = 0 if self._at_boundary else self._bytes_in_record + text_bytes
        if self._building and self._bytes_in_record > self._max_record_bytes:
            self._follow.throw(RecordTooLargeError(f"longer than {self._max_record_bytes} bytes"))

    def end(self) -> None:
        """Say that the text has ended where it may. Raises :class:`NoRecordsError` where no records were in it."""
        if not self.saw_records:
            raise NoRecordsError("the document holds no Records array")

    def _next(self) -> _Following[Event]:
        while True:
            for event in self._events:
                return event
            yield

    def _documents(self) -> _Following[None]:
        while True:
            event, _ = yield from self._next()
            if event == "start_map":
                yield from self._bare_or_records() if self._any else self._records_within(1)
            elif not self._any:
                raise NoRecordsError("the document is no object")
            elif event == "start_array":
                yield from self._elements()
            else:
                yield from self._element(event)

    def _records_within(self, depth: int, key: str = "") -> _Following[bool]:
        """Skip what is left of a document object, all but its ``Records``; say whether it had any."""
        had_records = False
        while depth:
            event, value = yield from self._next()
            if event == "map_key":
                key = value
            elif event == "start_array" and depth == 1 and key == "Records":
                yield from self._elements(listed=True)
                had_records = True
            else:
                depth += _step(event, depth)
        return had_records

    def _elements(self, *, listed: bool = False) -> _Following[None]:
        self.saw_records = self.in_records = True
        while True:
            event, _ = yield from self._next()
            if event == "end_array":
                self.in_records = False
                return
            if listed or event != "start_map":
                yield from self._element(event)
            else:
                yield from self._bare_or_records()

    def _element(self, event: str) -> _Following[None]:
        """Follow one value where any object is a record, and nothing else is."""
        self._begin()
        self._depth = 0
        try:
            if event != "start_map":
                self._depth = int(event == "start_array")
                raise NotARecordError("a record is an object")
            self._keep((yield from self._container({}, 0)))
        except RecordDamageError as damage:
            self._building = False
            depth = self._depth
            while depth:
                event, _ = yield from self._next()
                depth += _step(event, depth)
            self._note(damage)
        self._finish()

    def _bare_or_records(self) -> _Following[None]:
        """Follow an object that is a record, an event around one, or a document with ``Records``: its keys tell.

        What has ``Records`` and is a record by its other keys is read as both, so that nothing is lost.
        """
        among = self.in_records
        self.in_records = self.saw_records = True
        record: Record = {}
        had_records = False
        try:
            self._begin()
            while not (yield from self._up_to_records(record)):
                had_records = True
                self._building = False
                yield from self._elements(listed=True)
                self._begin()
            recognised = record_in(record)
            if recognised is not None:
                self._keep(recognised)
            elif not had_records:
                raise NotARecordError("the object is no CloudTrail record")
        except RecordDamageError as damage:
            self._building = False
            had_records |= yield from self._records_within(self._depth, self._key)
            recognised = record_in(record)
            if recognised is not None or not had_records:
                self._note(damage)
        if recognised is not None or not had_records:
            self._finish()
        self._building = False
        self.in_records = among

    def _up_to_records(self, record: Record) -> _Following[bool]:
        """Build what is left of an object; say whether that is its end, or the start of its ``Records``."""
        self._depth = 1
        while True:
            event, key = yield from self._next()
            if event == "end_map":
                self._depth = 0
                return True
            self._key = key
            event, value = yield from self._next()
            if event == "start_array" and key == "Records":
                return False
            built = _built(event, value)
            record[key] = (yield from self._container(built, 1)) if event in _STARTS else built

    def _container(self, root: Any, above: int) -> _Following[Any]:
        """Build an object or array that has begun, ``above`` levels below the record's top."""
        top, stack, key = root, [root], ""
        try:
            while True:
                for event, value in self._events:
                    if event == "map_key":
                        key = value
                        continue
                    if event in _ENDS:
                        stack.pop()
                        if not stack:
                            return root
                        top = stack[-1]
                        continue
                    added = value if event == "string" else _built(event, value)
                    if top.__class__ is dict:
                        top[key] = added
                    else:
                        top.append(added)
                    if event in _STARTS:
                        top = added
                        self._descend(stack, top, above)
                yield
        finally:
            self._depth = above + len(stack)

    def _descend(self, stack: list[Any], into: Any, above: int) -> None:
        stack.append(into)
        if above + len(stack) > self._max_depth:
            raise RecordTooDeepError(f"nested deeper than {self._max_depth} levels")

    def _begin(self) -> None:
        self._building = self._at_boundary = True

    def _keep(self, record: Record) -> None:
        self.found.append((self.next_index, record))

    def _note(self, damage: RecordDamageError) -> None:
        damage.record_index = self.next_index
        self.damaged += 1
        self.first_damage = self.first_damage or damage

    def _finish(self) -> None:
        self._building = False
        self._at_boundary = True
        self.next_index += 1


def _step(event: str, depth: int) -> int:
    if event in _STARTS:
        if depth == _DEEPEST_SKIPPED:
            raise NoRecordsError(f"nested deeper than {_DEEPEST_SKIPPED} levels")
        return 1
    return -1 if event in _ENDS else 0


def _built(event: str, value: Any) -> Any:
    """Return what an event begins or is, in a record."""
    match event:
        case "start_map":
            return {}
        case "start_array":
            return []
        case "number" if value.__class__ is not int:
            return double(value)
    return value


def record_in(value: Record) -> Record | None:
    """Return the record that an object is or, as an EventBridge event, carries; None where it is none."""
    if "detail-type" in value and isinstance(value.get("detail"), dict):
        value = value["detail"]
    return value if any(name in value for name in _NAMES_OF_A_RECORD) else None
