from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trailstream.adapters.batches import MAX_BATCH_BYTES, Entry, bytes_of, packed
from trailstream.model.limits import KIB

SIZES = st.sampled_from([1, 60 * KIB, 100 * KIB, 128 * KIB, 250 * KIB, 300 * KIB])


def entries_of(sizes: list[int]) -> list[Entry]:
    return [{"Id": str(number), "MessageBody": "x" * size} for number, size in enumerate(sizes)]


def size_of(batch: list[Entry]) -> int:
    return sum(map(bytes_of, batch))


@given(st.lists(SIZES, max_size=30))
@example([1] * 30)
@example([60 * KIB] * 30)
def test_batches_are_as_full_as_a_call_allows_and_keep_their_order(sizes: list[int]) -> None:
    entries = entries_of(sizes)
    batches = list(packed(entries))
    assert [entry for batch in batches for entry in batch] == entries
    assert all(len(batch) <= 10 for batch in batches)
    assert all(size_of(batch) <= 256 * KIB or len(batch) == 1 for batch in batches)
    assert all(len(batch) == 10 or size_of([*batch, after[0]]) > 256 * KIB for batch, after in pairwise(batches))


def test_a_batch_may_have_exactly_as_many_bytes_as_the_limit() -> None:
    half = MAX_BATCH_BYTES // 2 - bytes_of(entries_of([0])[0])
    assert [len(batch) for batch in packed(entries_of([half, half]))] == [2]
    assert [len(batch) for batch in packed(entries_of([half, half + 1]))] == [1, 1]


@pytest.mark.parametrize(
    ("entry", "counted"),
    [
        ({"MessageBody": "aé\U0001f600" * 100}, 700),
        ({"MessageAttributes": {"rule": {"DataType": "String", "StringValue": "é" * 100}}}, len("ruleString") + 200),
        ({"MessageAttributes": {"raw": {"DataType": "Binary", "BinaryValue": "AP8="}}}, len("rawBinary") + 2),
        ({"MessageBody": "\ud800" * 100}, 300),
    ],
)
def test_no_fewer_bytes_are_counted_than_the_services_count(entry: Entry, counted: int) -> None:
    assert counted <= bytes_of(entry) <= counted + 100
