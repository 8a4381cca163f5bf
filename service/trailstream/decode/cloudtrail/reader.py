"""One contract, two readers: which of them reads, and from where to where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from trailstream.decode.cloudtrail.fast import FIRST_RECORD, OPENING, FastReader
from trailstream.decode.cloudtrail.incremental import IncrementalReader
from trailstream.decode.cloudtrail.layouts import Layout
from trailstream.model.errors import RecordDamageError
from trailstream.model.limits import ReaderChoice, ReadLimits
from trailstream.model.record import Batch

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_OPENING = len(_BYTE_ORDER_MARK + OPENING + FIRST_RECORD)


class RecordReader:
    """Feed it the text of one object in pieces of any size; it yields the object's usable records, in batches.

    A record that is valid JSON but unusable is noted in ``damaged`` and ``first_damage``, and reading goes on. A fault
    in the text raises a :class:`~trailstream.model.errors.DamageError` after everything before it was yielded, and
    reading has ended. Both readers yield the same records and come to the same end.
    """

    def __init__(
        self, choice: ReaderChoice, head_type: type[msgspec.Struct], limits: ReadLimits, layout: Layout = "records"
    ) -> None:
        """Read with the fast reader where it can, unless ``choice`` says ``ijson``."""
        self._choice = choice
        self._head_type = head_type
        self._limits = limits
        self._layout: Layout = layout
        self._opening: bytes | None = b""
        self._fast: FastReader | None = None
        self._incremental: IncrementalReader | None = None
        self.records = 0
        """Usable records yielded so far."""

    @property
    def damaged(self) -> int:
        """Records noted as unusable so far."""
        return self._incremental.damaged if self._incremental else 0

    @property
    def first_damage(self) -> RecordDamageError | None:
        """What was wrong with the first unusable record; it carries the record's index."""
        return self._incremental.first_damage if self._incremental else None

    @property
    def reader(self) -> Literal["fast", "ijson"]:
        """Who reads at this point; ``ijson`` once anything was handed over to it."""
        return "fast" if self._fast else "ijson"

    def feed(self, text: bytes) -> Iterator[Batch]:
        """Take some text; yield the records in it, and then raise the fault that ends reading, if there is one."""
        if self._opening is not None:
            text = self._opening + text
            if len(text) < _LONGEST_OPENING:
                self._opening = text
                return
            text = self._opened(text)
        yield from self._counted(self._fed(text))

    def close(self) -> Iterator[Batch]:
        """Say that the text has ended; yield the last records, and raise the fault that ends reading, if any."""
        if self._opening is not None:
            yield from self._counted(self._fed(self._opened(self._opening)))
        if self._fast is not None:
            yield from self._counted(self._fast.close())
            yield from self._counted(self._handed_over())
        if self._incremental is not None:
            yield from self._counted(self._incremental.close())

    def _opened(self, text: bytes) -> bytes:
        """Choose the reader by how the document begins, and return the text that it begins with."""
        self._opening = None
        text = text.removeprefix(_BYTE_ORDER_MARK)
        if self._choice == "auto" and text.startswith(OPENING + FIRST_RECORD):
            self._fast = FastReader(self._head_type, self._limits)
            return text[len(OPENING) :]
        self._incremental = IncrementalReader(self._head_type, self._limits, self._layout)
        return text

    def _fed(self, text: bytes) -> Iterator[Batch]:
        if self._fast is not None:
            yield from self._fast.feed(text)
            yield from self._handed_over()
        elif self._incremental is not None:
            yield from self._incremental.feed(text)

    def _handed_over(self) -> Iterator[Batch]:
        """Go on with ijson where the fast reader gave up: at the first record that it did not hand over."""
        fast = self._fast
        if fast is None or not fast.given_up:
            return
        self._fast = None
        self._incremental = IncrementalReader(self._head_type, self._limits, self._layout, fast.records)
        yield from self._incremental.feed(OPENING + fast.rest)

    def _counted(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.records += len(batch.heads)
            yield batch
