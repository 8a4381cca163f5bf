"""The rules that deliveries are handled with, and how others take their place while deliveries are under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from trailstream.model.alert import RuleInfo
from trailstream.pipeline.detections import Detections


@dataclass(frozen=True, slots=True, eq=False)
class ReadyRules:
    """Rules that were compiled together, ready to come into force."""

    digest: str
    """Of the texts that they were compiled from."""
    rules: Sequence[RuleInfo]
    open: Callable[[], AbstractAsyncContextManager[Detections]]
    """Opens what must be open while they are used, and closes it."""


@dataclass(slots=True, eq=False)
class _Generation:
    """A set of rules from its coming into force to its last use."""

    digest: str
    detections: Detections
    opened: AsyncExitStack
    uses: int = 0
    unused: asyncio.Event = field(default_factory=asyncio.Event)


class RulesInForce:
    """Gives out the set in force. An async context manager: what any set has opened is closed when it is left."""

    def __init__(self, first: ReadyRules) -> None:
        self._first: ReadyRules | None = first
        self._now: _Generation | None = None
        self._retiring: dict[_Generation, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        """Bring the first set into force. Raises what opening it does."""
        assert self._first is not None, "it is entered once"
        first, self._first = self._first, None
        self._now = await _opened(first)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what all sets have opened, in use or not."""
        retiring = dict(self._retiring)
        for generation in retiring:
            generation.unused.set()
        await asyncio.gather(*retiring.values())
        await self._current.opened.aclose()

    @property
    def digest(self) -> str:
        """The digest of the set in force."""
        return self._current.digest

    @contextmanager
    def use(self) -> Iterator[Detections]:
        """Give the set that is in force now; it can be used until the block is left, whatever comes into force."""
        generation = self._current
        generation.uses += 1
        try:
            yield generation.detections
        finally:
            generation.uses -= 1
            if generation.uses == 0 and generation is not self._now:
                generation.unused.set()

    async def exchange(self, rules: ReadyRules) -> None:
        """Bring another set into force; what the one before has opened is closed after its last use.

        Raises what opening it does, and then nothing has changed.
        """
        before, self._now = self._current, await _opened(rules)
        if before.uses == 0:
            before.unused.set()
        self._retiring[before] = asyncio.create_task(self._retire(before))

    async def _retire(self, generation: _Generation) -> None:
        await generation.unused.wait()
        await generation.opened.aclose()
        del self._retiring[generation]
        for _ in generation.detections.ruleset.dismantle():
            await asyncio.sleep(0)

    @property
    def _current(self) -> _Generation:
        assert self._now is not None, "it is entered before it is used"
        return self._now


async def _opened(rules: ReadyRules) -> _Generation:
    stack = AsyncExitStack()
    detections = await stack.enter_async_context(rules.open())
    return _Generation(rules.digest, detections, stack)
