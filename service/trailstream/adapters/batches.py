"""What one call of SNS or SQS carries: at most ten entries, and 256 KiB of them all; and what became of each.

The limits are those of the API references of PublishBatch and SendMessageBatch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from trailstream.model.limits import KIB

MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 256 * KIB
"""What every topic and queue takes. Since 2025 a queue may take 1 MiB: a message that is larger goes alone."""

FIFO_SUFFIX = ".fifo"
"""What the name of a FIFO topic or queue ends with."""

Entry: TypeAlias = dict[str, Any]
"""One message as the API takes it: texts by their names, and attributes."""


def packed(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Divide entries into batches that one call can carry, in order; no more of them are made than one batch needs."""
    batch: list[Entry] = []
    free = MAX_BATCH_BYTES
    for entry in entries:
        size = bytes_of(entry)
        if batch and (len(batch) == MAX_BATCH_ENTRIES or size > free):
            yield batch
            batch, free = [], MAX_BATCH_BYTES
        batch.append(entry)
        free -= size
    if batch:
        yield batch


def batch_results(count: int, answer: Mapping[str, Any]) -> list[str | None]:
    """Return one result per entry, whose ids are their places from 0 on: None, or the code of its failure.

    An entry that the answer does not mention was not confirmed.
    """
    confirmed = {entry["Id"] for entry in answer.get("Successful", ())}
    codes = {entry["Id"]: entry.get("Code", "Failed") for entry in answer.get("Failed", ())}
    return [None if identity in confirmed else codes.get(identity, "NoAnswer") for identity in map(str, range(count))]


def bytes_of(part: Any) -> int:
    """Return the size of an entry as SNS and SQS count it, and no less: every text in it, with all names and types."""
    if isinstance(part, Mapping):
        return sum(len(name) + bytes_of(value) for name, value in part.items())
    return len(str(part).encode("utf-8", "surrogatepass"))
