"""Not to be stopped in the middle of something long: what would not end within the grace time is protected.

An orchestrator that scales in picks a task, tells it to stop and kills it after a while. What the task then held is
delivered again and read from its start, which for a huge object is much work for nothing, and could happen again and
again. A protected task is not picked. Protection is asked for only while something is held that is old enough, since a
fleet that is always protected never scales in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from trailstream.model.facts import Emit, ProtectionAsked

PROTECTED_SECONDS = 600.0
"""For how long it is asked for at a time: this bounds how long a worker that hangs stays protected."""


class ScaleIn(Protocol):
    """What may stop this worker when there is too little to do. Each call returns None, or why it was not done."""

    async def protect(self, seconds: float) -> str | None:
        """Ask not to be picked for so long, from now on."""
        ...

    async def unprotect(self) -> str | None:
        """Say that this worker may be picked."""
        ...


class ScaleInProtection:
    """Protects the worker while its oldest delivery has been held for longer than ``after_seconds``."""

    def __init__(
        self, *, scale_in: ScaleIn, held_seconds: Callable[[], float], after_seconds: float, emit: Emit
    ) -> None:
        """``held_seconds`` says for how long the oldest delivery that is worked on has been held; 0 where none is."""
        self._scale_in = scale_in
        self._held_seconds = held_seconds
        self._after_seconds = after_seconds
        self._emit = emit
        self._protected_until = 0.0

    async def keep(self) -> None:
        """Look again and again, until cancelled; a worker that stops is protected no longer."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(max(0.5, self._after_seconds / 4))
        finally:
            if self._protected_until:
                await self._ask(None)

    async def look(self) -> None:
        """Ask for what is needed now, if that is not what was asked for."""
        now = asyncio.get_running_loop().time()
        if self._held_seconds() > self._after_seconds:
            if self._protected_until - now < PROTECTED_SECONDS / 2 and await self._ask(PROTECTED_SECONDS):
                self._protected_until = now + PROTECTED_SECONDS
        elif self._protected_until and await self._ask(None):
            self._protected_until = 0.0

    async def _ask(self, seconds: float | None) -> bool:
        problem = await (self._scale_in.unprotect() if seconds is None else self._scale_in.protect(seconds))
        self._emit(ProtectionAsked(seconds is not None, problem))
        return problem is None
