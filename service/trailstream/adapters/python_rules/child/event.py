"""The event that a rule is given: a record, and the ways to look into it that Panther's rules use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from trailstream.adapters.python_rules.child.containers import ImmutableCaseInsensitiveDict, immutable, plain
from trailstream.rules.code import ModelStep

LOG_TYPE = "AWS.CloudTrail"


class Model:
    """A data model, with its functions at hand."""

    def __init__(
        self, paths: Mapping[str, tuple[ModelStep, ...]], functions: Mapping[str, Callable[[Any], Any]]
    ) -> None:
        self.paths = paths
        self.functions = functions


class PantherEvent(ImmutableCaseInsensitiveDict):
    """One event."""

    __slots__ = ("data_model",)

    def __init__(self, event: Mapping[str, Any], data_model: Model | None = None) -> None:
        super().__init__(event.raw_view() if isinstance(event, ImmutableCaseInsensitiveDict) else event)
        self.data_model = data_model

    def udm(self, *keys: str, default: Any = None) -> Any:
        """Return what the data model says of a name; of a name that it has not, what ``p_udm`` or the event has."""
        model = self.data_model
        if model is not None and len(keys) == 1 and (keys[0] in model.paths or keys[0] in model.functions):
            return self._modelled(model, keys[0], default)
        if not keys:
            return default
        return self.deep_get("p_udm", *keys) or self.deep_get(*keys) or default

    def _modelled(self, model: Model, name: str, default: Any) -> Any:
        if (function := model.functions.get(name)) is not None:
            return immutable(function(PantherEvent(self._container)))
        found = list(_values_at(self._container, model.paths[name]))
        if len(found) > 1:
            raise ValueError(f"the data model finds {len(found)} values for {name}")
        return immutable(found[0]) if found else default

    def deep_walk(self, *keys: str, default: Any = None, return_val: str = "all") -> Any:
        """Return the values at a path of names that runs through arrays: the first, the last, or all that differ.

        A single value stands for itself.
        """
        found: list[Any] = []
        for value in _walk(self._container, keys, default):
            for one in value if isinstance(value, list) else (value,):
                if one is not None and one not in found:
                    found.append(one)
        if not found:
            return default
        if return_val in ("first", "last"):
            return immutable(found[0 if return_val == "first" else -1])
        return immutable(found[0] if len(found) == 1 else found)

    def lookup(self, table: str, key: str) -> Any:
        """Return what a test says that a lookup table holds; there are none here."""
        return self.deep_get("_mocked_lookup_data_", table, key)

    def event_time_epoch(self, force_utc: bool = True) -> int:  # noqa: FBT001, FBT002 -- as rules call it
        """Return when it happened, in Unix seconds; 0 where that is not known."""
        text = self.get("p_event_time") or self.get("eventTime") or ""
        try:
            time = datetime.fromisoformat(text)
        except (TypeError, ValueError):
            return 0
        return int((time.replace(tzinfo=UTC) if force_utc and time.tzinfo is None else time).timestamp())

    json_encoder = staticmethod(plain)


def _walk(value: Any, keys: Sequence[str], default: Any) -> list[Any]:
    """Return what the keys lead to; where that is nothing, the default: for each element of an array by itself."""
    found: list[Any] = []
    if not keys:
        found = [] if value is None or _is_empty(value) else [value]
    elif isinstance(value, list):
        found = [below for one in value for below in _walk(one, keys, default)]
    elif isinstance(value, Mapping) and keys[0] in value:
        found = _walk(value[keys[0]], keys[1:], default)
    return found or [default]


def _is_empty(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_empty, value))


def _values_at(value: Any, steps: Sequence[ModelStep]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    match value, steps[0]:
        case list(), None:
            for one in value:
                yield from _values_at(one, steps[1:])
        case list(), int(position) if position < len(value):
            yield from _values_at(value[position], steps[1:])
        case dict(), str(name) if name in value:
            yield from _values_at(value[name], steps[1:])


def event_of(record: dict[str, Any], record_id: str, model: Model | None, *, now: datetime) -> PantherEvent:
    """Make the event of a record: with what Panther adds to each, as far as it follows from the record and the time."""
    time = record.get("eventTime")
    added = {"p_log_type": LOG_TYPE, "p_row_id": record_id, "p_parse_time": f"{now:%Y-%m-%d %H:%M:%S.%f}000"}
    if isinstance(time, str):
        added["p_event_time"] = time.replace("T", " ").removesuffix("Z") + ".000000000" if "." not in time else time
    return PantherEvent(added | record, model)
