"""What rules remember between events: counters, sets and dictionaries by key.

Panther keeps them in a table that all its workers share. Here they are kept in this process's memory: each worker
counts what it sees itself, and begins anew when it starts. Rules that count belong in a correlation, which is exact.

What is said to be kept so long is kept so long in the time of the events: rules say until when by the clock or by the
event, and of old logs the latter is long past.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

MAX_KEYS = 50_000
"""The oldest are forgotten beyond that."""
FIRST_DATE = 1_000_000_000
"""Fewer seconds than that are a time from now on, and no date."""
NINETY_DAYS = 90 * 24 * 60 * 60

_kept: OrderedDict[tuple[str, str], tuple[Any, float | None]] = OrderedDict()
_clocks: list[Callable[[], float]] = [time.time]


def at_time_of(event_seconds: Callable[[], float]) -> None:
    """Take the time from an event until the next is told of: from 1970, and 0 where it does not know."""
    _clocks[:] = event_seconds, time.time


def _now() -> float:
    return next(filter(None, (clock() for clock in _clocks)))


def _read(kind: str, key: str, nothing: Any) -> Any:
    value, until = _kept.get((kind, key), (nothing, None))
    return nothing if until is not None and until <= _now() else value


def _write(kind: str, key: str, value: Any, until: float | None) -> None:
    _kept[kind, key] = value, until
    _kept.move_to_end((kind, key))
    if len(_kept) > MAX_KEYS:
        _kept.popitem(last=False)


def _until(epoch_seconds: float | str | None) -> float | None:
    """Return the time that a caller means: a date, or so many seconds from now. Some write the number as a text."""
    if epoch_seconds is None:
        return None
    seconds = float(epoch_seconds)
    return _now() + seconds if seconds < FIRST_DATE else seconds


def forget_all() -> None:
    """Begin anew."""
    _kept.clear()


def get_counter(key: str, force_ttl_check: bool = False) -> int:  # noqa: ARG001, FBT001, FBT002 -- as rules call it
    """Return a counter; 0 where there is none."""
    return int(_read("counter", key, 0))


def increment_counter(key: str, val: int = 1, epoch_seconds: float | str | None = NINETY_DAYS) -> int:
    """Add to a counter, and return it."""
    value = get_counter(key) + val
    _write("counter", key, value, _until(epoch_seconds))
    return value


def reset_counter(key: str) -> None:
    """Set a counter to 0."""
    _kept.pop(("counter", key), None)


def set_key_expiration(key: str, epoch_seconds: float | str | None) -> None:
    """Say when everything under a key is to be forgotten."""
    for kind in ("counter", "set", "dictionary"):
        if (kind, key) in _kept:
            _write(kind, key, _kept[kind, key][0], _until(epoch_seconds))


def get_string_set(key: str, force_ttl_check: bool = False) -> set[str]:  # noqa: ARG001, FBT001, FBT002 -- as rules call it
    """Return a set; an empty one where there is none."""
    return set(_read("set", key, ()))


def put_string_set(key: str, val: Iterable[str], epoch_seconds: float | str | None = None) -> None:
    """Keep this set in the place of what was there."""
    _write("set", key, frozenset(val), _until(epoch_seconds))


def add_to_string_set(key: str, val: str | Iterable[str], epoch_seconds: float | str | None = None) -> set[str]:
    """Add to a set, and return it."""
    value = get_string_set(key) | ({val} if isinstance(val, str) else set(val))
    put_string_set(key, value, epoch_seconds)
    return value


def remove_from_string_set(key: str, val: str | Iterable[str], epoch_seconds: float | str | None = None) -> set[str]:
    """Take out of a set, and return it."""
    value = get_string_set(key) - ({val} if isinstance(val, str) else set(val))
    put_string_set(key, value, epoch_seconds)
    return value


def reset_string_set(key: str) -> None:
    """Forget a set."""
    _kept.pop(("set", key), None)


def get_dictionary(key: str, force_ttl_check: bool = False) -> dict[str, Any]:  # noqa: ARG001, FBT001, FBT002 -- as rules call it
    """Return a dictionary; an empty one where there is none."""
    return dict(_read("dictionary", key, {}))


def put_dictionary(key: str, val: dict[str, Any], epoch_seconds: float | str | None = None) -> None:
    """Keep this dictionary in the place of what was there."""
    _write("dictionary", key, dict(val), _until(epoch_seconds))


def evaluate_threshold(key: str, threshold: int = 10, expiry_seconds: int = 3600) -> bool:
    """Count, and say whether the count has come to the threshold; then begin anew."""
    if increment_counter(key, epoch_seconds=expiry_seconds) < threshold:
        return False
    reset_counter(key)
    return True


def check_account_age(key: Any) -> bool:
    """Say whether something is kept under the name of a user or an account: then it is new."""
    return isinstance(key, str) and key != "" and bool(get_string_set(key))
