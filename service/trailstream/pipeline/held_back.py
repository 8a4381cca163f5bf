"""What is held back until it is worth a call, within bounds: memory does not grow with what an object holds."""

from __future__ import annotations

from typing import Generic, TypeVar

from trailstream.model.limits import MIB

MOST_BYTES = MIB

_Item = TypeVar("_Item")


class HeldBack(Generic[_Item]):
    """Items in the order in which they came."""

    __slots__ = ("_bytes", "_items", "_most")

    def __init__(self, most: int) -> None:
        """``most`` items are enough for a call, and so are :data:`MOST_BYTES`."""
        self._most = most
        self._items: list[_Item] = []
        self._bytes = 0

    def add(self, item: _Item, size: int) -> bool:
        """Hold back an item of ``size`` bytes; say whether there is now enough."""
        self._items.append(item)
        self._bytes += size
        return len(self._items) >= self._most or self._bytes >= MOST_BYTES

    def take(self) -> list[_Item]:
        """Return what was held back, and begin anew."""
        items, self._items, self._bytes = self._items, [], 0
        return items
