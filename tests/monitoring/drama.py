"""What is done to one deployment, and what it is to set off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from .prometheus import Prometheus


@dataclass(frozen=True, slots=True)
class Drama:
    """What is done to one deployment."""

    job: str
    play: Callable[[Path, Prometheus], Awaitable[None]]
    fires: Sequence[str]
    """The alerts that it provokes on purpose."""
    entails: Sequence[str] = ()
    """Alerts that may fire as well, because their conditions are given."""
    seen_as: str | None = None
    """The job that its alerts name, where that is another: those on a queue name none."""

    @property
    def told(self) -> set[tuple[str, str]]:
        """The alerts that it provokes on purpose, each with the job that it names."""
        return {(alert, self.job if self.seen_as is None else self.seen_as) for alert in self.fires}


@asynccontextmanager
async def repeatedly(act: Callable[[], Awaitable[None]], *, seconds: float) -> AsyncIterator[None]:
    """Do something at once, and again and again while the block runs."""

    async def go_on() -> None:
        while True:
            await act()
            await asyncio.sleep(seconds)

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(go_on())
        yield
        task.cancel()
