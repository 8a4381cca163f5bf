"""Protection from scale-in, where there is an orchestrator that scales in and can be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from trailstream.adapters.ecs_task import EcsTask
from trailstream.config import ecs_agent_from_environment
from trailstream.model.facts import Emit
from trailstream.pipeline.background import in_background
from trailstream.pipeline.scale_in import ScaleInProtection


@asynccontextmanager
async def protected_from_scale_in(
    *, held_seconds: Callable[[], float], grace_seconds: float, emit: Emit
) -> AsyncIterator[None]:
    """Protect this worker while the block runs and it needs that, where it is a task of ECS.

    What has been held for longer than half of the grace time would not end within it, or barely.
    """
    agent_uri = ecs_agent_from_environment()
    if agent_uri is None:
        yield
        return
    async with aiohttp.ClientSession() as session:
        protection = ScaleInProtection(
            scale_in=EcsTask(session=session, agent_uri=agent_uri),
            held_seconds=held_seconds,
            after_seconds=grace_seconds / 2,
            emit=emit,
        )
        async with in_background(protection.keep(), name="scale-in protection"):
            yield
