"""The event that a rule is given: a record, and the ways to look into it that Panther's rules use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, NamedTuple

from trailstream.adapters.python_rules.child.containers import ImmutableCaseInsensitiveDict, immutable, plain
from trailstream.rules.code import CLOUDTRAIL, ModelStep


class PantherError(Exception):
    """What helpers raise, and catch, under this name."""


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
            # As Panther asks it: without the model, so that none of its functions asks itself.
            return immutable(function(PantherEvent(self._container)))
        found = self._place(model, name)
        return immutable(found.value) if found is not None else default

    def _place(self, model: Model, name: str) -> _Place | None:
        steps = model.paths.get(name)
        found = [] if steps is None else list(_places(_Place("", self._container), steps))
        if len(found) > 1:
            raise ValueError(f"the data model finds {len(found)} values for {name}")
        return found[0] if found else None

    def udm_path(self, name: str) -> str | None:
        """Return where the data model found a name in this event, or the name of the function that says it."""
        model = self.data_model
        if model is None:
            raise PantherError("there is no data model for these events")
        if (function := model.functions.get(name)) is not None:
            return getattr(function, "__name__", repr(function))
        found = self._place(model, name)
        return None if found is None else found.path

    def deep_walk(self, *keys: str, default: Any = None, return_val: str = "all") -> Any:
        """Return the value at a path of names; where it runs through arrays the first, the last, or all that differ.

        Of those a single one stands for itself, and several are a list: a plain one, as rules ask whether it is one.
        """
        return deepcopy(_walk(self._container, keys, default, return_val))

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


def _walk(value: Any, keys: Sequence[str], default: Any, wanted: str) -> Any:
    """Return what the keys lead to; where that is nothing, the default: for each element of an array by itself."""
    if not keys:
        return default if value is None or _is_empty(value) else value
    if isinstance(value, Mapping):
        return _walk(value.get(keys[0], default), keys[1:], default, wanted)
    found: list[Any] = []
    for element in value if isinstance(value, list) else ():
        below = _walk(element, keys, default, wanted)
        found += (one for one in (below if isinstance(below, list) else (below,)) if one is not None)
    differing = _differing(found)
    if not differing:
        return default
    if wanted in ("first", "last"):
        return differing[0 if wanted == "first" else -1]
    return differing[0] if len(differing) == 1 else differing


def _differing(values: list[Any]) -> list[Any]:
    try:
        return list(dict.fromkeys(values))
    except TypeError:  # objects and arrays among them
        return [value for place, value in enumerate(values) if value not in values[:place]]


def _is_empty(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_empty, value))


class _Place(NamedTuple):
    """A value within an event, and where it stands."""

    path: str
    value: Any

    def at(self, name: str, value: Any) -> _Place:
        return _Place(f"{self.path}.{name}" if self.path else name, value)


def _places(place: _Place, steps: Sequence[ModelStep]) -> Iterator[_Place]:
    if not steps:
        yield place
        return
    match place.value, steps[0]:
        case list() as values, None:
            for position, value in enumerate(values):
                yield from _places(place.at(f"[{position}]", value), steps[1:])
        case list() as values, int(position) if position < len(values):
            yield from _places(place.at(f"[{position}]", values[position]), steps[1:])
        case dict() as values, str(name) if name in values:
            yield from _places(place.at(name, values[name]), steps[1:])


def event_of(record: dict[str, Any], record_id: str, model: Model | None, *, now: datetime) -> PantherEvent:
    """Make the event of a record: with what Panther adds to each, as far as it follows from the record and the time."""
    time = record.get("eventTime")
    added = {"p_log_type": CLOUDTRAIL, "p_row_id": record_id, "p_parse_time": f"{now:%Y-%m-%d %H:%M:%S.%f}000"}
    if isinstance(time, str):
        added["p_event_time"] = time.replace("T", " ").removesuffix("Z") + ".000000000" if "." not in time else time
    return PantherEvent(added | record, model)
