"""What of a record counting needs: the groups that it belongs to, and the values that are looked at."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

from trailstream.model.record import Record
from trailstream.model.window import Group, Sighting
from trailstream.rules.condition import Path
from trailstream.rules.correlation import Correlation, Kind, Source
from trailstream.rules.numbers import number_of
from trailstream.rules.paths import scalars_at
from trailstream.rules.templates import text_of

MOST_COMBINATIONS = 16
"""Of the values of one record, where arrays hold several: each is a group, or a value, of its own."""

LONGEST = 256
"""Characters of a value or an id that are kept; what is longer is told apart by its digest."""

_NUMBERS = {Kind.VALUE_SUM, Kind.VALUE_AVG, Kind.VALUE_MEDIAN, Kind.VALUE_PERCENTILE}


def sources_by_rule(correlations: Iterable[Correlation]) -> Mapping[str, Sequence[tuple[Correlation, Source]]]:
    """Return who looks at the matches of each rule."""
    found: dict[str, list[tuple[Correlation, Source]]] = {}
    for correlation in correlations:
        for source in dict.fromkeys(correlation.sources):
            found.setdefault(source.rule_id, []).append((correlation, source))
    return found


def groups_of(correlation: Correlation, source: Source, record: Record) -> Iterator[Group]:
    """Yield the groups that a match belongs to: one, unless an array of the record holds several values.

    A record that has no value at a path belongs with the others that have none.
    """
    values: list[Sequence[str | None]] = [_texts_at(record, path) or [None] for path in source.group_paths]
    for combination in islice(product(*values), MOST_COMBINATIONS):
        yield Group(correlation.info.id, combination)


def sightings_of(
    correlation: Correlation, source: Source, record: Record, record_id: str, time: float
) -> list[Sighting]:
    """Return what the correlation sees of a match: nothing where it looks at values and the record has none."""
    record_id, rule_id = bounded(record_id), source.rule_id
    paths = source.field_paths or correlation.fields
    if not paths:
        return [Sighting(time, record_id, rule_id)]
    if correlation.kind in _NUMBERS:
        numbers = [number for value in scalars_at(record, paths[0]) if (number := _number(value))]
        return [Sighting(time, record_id, rule_id, (number,)) for number in dict.fromkeys(numbers)]
    combinations = product(*(_texts_at(record, path) for path in paths))
    return [Sighting(time, record_id, rule_id, values) for values in islice(combinations, MOST_COMBINATIONS)]


def _texts_at(record: Record, path: Path) -> list[str]:
    return list(dict.fromkeys(bounded(text_of(value)) for value in scalars_at(record, path)))


def _number(value: Any) -> str | None:
    number = number_of(value)
    return None if number is None or abs(number) > sys.float_info.max else repr(float(number))


def bounded(text: str) -> str:
    """Return the text as any store can keep it, or what tells it from every other where it is long."""
    if len(text) <= LONGEST:
        return text if text.isascii() else text.encode("utf-8", "replace").decode()
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
    return f"{bounded(text[: LONGEST - 33])}…{digest}"
