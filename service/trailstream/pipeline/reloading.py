"""Reads the rules again when they have changed, or when somebody asks: other rules without a restart.

What is there is compiled aside and checked before it comes into force; where it cannot be used, nothing changes and a
fact says why. A place that cannot be read at the moment is no reason to do without rules: it is looked at again.
"""

from __future__ import annotations

import asyncio
import gc
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from trailstream.model.errors import TrailstreamError
from trailstream.model.facts import Emit
from trailstream.model.problems import Problem, RulesError, RulesUnreadError
from trailstream.model.reloading import RulesExchanged, RulesRefused, RulesUnchanged, RulesUnread
from trailstream.pipeline.rules_in_force import ReadyRules, RulesInForce
from trailstream.pipeline.rules_place import RulesPlace, RuleTexts
from trailstream.rules.loading import LoadedRules

SETTLE_SECONDS = 1.0
"""Files are written one after another: what has changed is read when it has been the same for so long."""
MOST_LOOKS_WHILE_SETTLING = 30
"""Then it is read although it is still changing."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """Rules that passed every check."""

    rules: ReadyRules
    loaded: LoadedRules


Compile = Callable[[RuleTexts], Compiled]
"""Runs in a thread of its own, and raises :class:`RulesError` where the rules are not to be used."""


class Reloading:
    """Keeps the rules in force those of a place."""

    def __init__(
        self,
        *,
        place: RulesPlace,
        compile: Compile,  # noqa: A002 -- it is what it does, and nobody here compiles Python
        in_force: RulesInForce,
        emit: Emit,
        clock: Callable[[], float],
        poll_seconds: float,
        fingerprint: str | None,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        """``clock`` gives seconds; without ``poll_seconds`` (0) only :meth:`ask` has the place looked at.

        ``fingerprint`` is that of the place before the rules in force were read from it, where that is known.
        """
        self._place = place
        self._compile = compile
        self._in_force = in_force
        self._emit = emit
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._settle_seconds = settle_seconds
        self._fingerprint = fingerprint
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Have the rules read again now, changed or not."""
        self._asked.set()

    async def run(self) -> None:
        """Look after the rules until cancelled. Raises nothing."""
        while True:
            asked = await self._wait()
            try:
                if asked or await self._has_changed():
                    await self._reload()
            except RulesUnreadError as error:
                self._fingerprint = None
                self._emit(RulesUnread(error.place, error.detail))

    async def _wait(self) -> bool:
        """Wait for the next look at the place; say whether somebody asked for it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_seconds or None):
                await self._asked.wait()
        asked = self._asked.is_set()
        self._asked.clear()
        return asked

    async def _has_changed(self) -> bool:
        found = await self._place.fingerprint()
        if found == self._fingerprint:
            return False
        for _ in range(MOST_LOOKS_WHILE_SETTLING):
            await asyncio.sleep(self._settle_seconds)
            before, found = found, await self._place.fingerprint()
            if found == before:
                break
        return True

    async def _reload(self) -> None:
        started = self._clock()
        # Asked before the files are read: a change while they are is seen at the next look.
        self._fingerprint = await self._place.fingerprint()
        texts = await self._place.read()
        digest = await asyncio.to_thread(lambda: texts.digest)
        if digest == self._in_force.digest:
            self._emit(RulesUnchanged(digest))
            return
        try:
            compiled = await self._compiled(texts)
            await self._in_force.exchange(compiled.rules)
        except TrailstreamError as error:
            self._refuse(digest, error.problems if isinstance(error, RulesError) else [Problem("rules", str(error))])
        except Exception:  # noqa: BLE001 -- a bug of ours that some rule brings to light must not end the worker
            self._refuse(digest, [Problem("rules", f"a bug of ours: {traceback.format_exc()}")])
        else:
            self._emit(_exchanged(compiled, self._clock() - started))

    async def _compiled(self, texts: RuleTexts) -> Compiled:
        with _no_full_collections():
            return await asyncio.to_thread(self._compile, texts)

    def _refuse(self, digest: str, problems: list[Problem]) -> None:
        self._emit(RulesRefused(digest, self._in_force.digest, tuple(problems)))


def _exchanged(compiled: Compiled, seconds: float) -> RulesExchanged:
    return RulesExchanged(
        digest=compiled.rules.digest,
        rules=compiled.rules.rules,
        notes=tuple(map(str, compiled.loaded.notes)),
        problems=tuple(compiled.loaded.problems),
        seconds=seconds,
    )


@contextmanager
def _no_full_collections() -> Iterator[None]:
    """Have the garbage collector look at new objects only, and at none of what was made in the block after it.

    The objects of ten thousand rules take it half a second, in which nothing else runs.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(*thresholds[:2], 1_000_000_000)
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*thresholds)
