"""What a rule sees of a record: objects and arrays that cannot be changed, whose names are found in any case.

The names and what they do are those that Panther's users know; the code is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any


class ImmutableContainerMixin:
    """What objects and arrays have in common."""

    __slots__ = ("_container",)

    def __init__(self, container: Any) -> None:
        self._container = container

    def __len__(self) -> int:
        return len(self._container)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._container!r})"


class ImmutableCaseInsensitiveDict(ImmutableContainerMixin, Mapping[str, Any]):
    """An object. A name that it does not have as it is written is looked for in any case."""

    __slots__ = ("_folded",)

    def __init__(self, container: Mapping[str, Any]) -> None:
        super().__init__(container)
        self._folded: dict[str, str] | None = None

    def __getitem__(self, key: str) -> Any:
        try:
            return immutable(self._container[key])
        except KeyError:
            return immutable(self._container[self._as_written(key)])

    def _as_written(self, key: str) -> str:
        if self._folded is None:
            self._folded = {}
            for name in self._container:
                self._folded.setdefault(name.lower(), name)
        if not isinstance(key, str):
            raise KeyError(key)
        try:
            return self._folded[key.lower()]
        except KeyError:
            raise KeyError(key) from None

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a name, or the default where there is none; null is a value."""
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: object) -> bool:
        try:
            self[key]  # type: ignore[index]  # anything may be asked for
        except (KeyError, TypeError):
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._container)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain dicts and lists, which may be changed."""
        return deepcopy(dict(self._container))

    def copy(self) -> dict[str, Any]:
        """Do what :meth:`to_dict` does."""
        return self.to_dict()

    def raw_view(self) -> Mapping[str, Any]:
        """Return what it wraps, which must not be changed."""
        return self._container  # type: ignore[no-any-return]  # it holds what it was given

    def deep_get(self, *keys: str, default: Any = None) -> Any:
        """Return the value at a path of names, or the default where there is none, or null."""
        value: Any = self
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
            if value is None:
                return default
        return value


class ImmutableList(ImmutableContainerMixin, Sequence[Any]):
    """An array."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        return immutable(self._container[index])

    def __iter__(self) -> Iterator[Any]:
        return map(immutable, self._container)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ImmutableList):
            other = other._container
        return isinstance(other, (list, tuple)) and list(self._container) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list's

    def as_list(self) -> list[Any]:
        """Return all of it as plain dicts and lists, which may be changed."""
        return deepcopy(list(self._container))

    def copy(self) -> list[Any]:
        """Do what :meth:`as_list` does."""
        return self.as_list()


def immutable(value: Any) -> Any:
    """Return the value as a rule may see it."""
    kind = value.__class__
    if kind is dict:
        return ImmutableCaseInsensitiveDict(value)
    if kind is list:
        return ImmutableList(value)
    return value


def plain(value: Any) -> Any:
    """Return what a JSON encoder is to write for a value that it does not know; raise :class:`TypeError` for none."""
    if isinstance(value, ImmutableContainerMixin):
        return value._container  # noqa: SLF001 -- of our own class
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, (tuple, Sequence)):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
