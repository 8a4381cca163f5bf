"""The ECS task that we run in: its agent keeps it from being stopped by scale-in.

See "Amazon ECS task scale-in protection endpoint" in the ECS developer guide: a PUT to the agent, which the container's
environment names, answers with ``protection``, or with ``failure`` or ``error`` and the reason. The task's role needs
``ecs:UpdateTaskProtection`` on the task.
"""

from __future__ import annotations

import json
import math

import aiohttp

LONGEST_MINUTES = 2880
ANSWER_SECONDS = 5.0


class EcsTask:
    """See :class:`trailstream.pipeline.scale_in.ScaleIn`."""

    def __init__(self, *, session: aiohttp.ClientSession, agent_uri: str) -> None:
        """``agent_uri`` is what ECS puts into ``ECS_AGENT_URI``."""
        self._session = session
        self._url = f"{agent_uri.rstrip('/')}/task-protection/v1/state"

    async def protect(self, seconds: float) -> str | None:
        """See :class:`trailstream.pipeline.scale_in.ScaleIn`."""
        minutes = min(max(math.ceil(seconds / 60), 1), LONGEST_MINUTES)
        return await self._put({"ProtectionEnabled": True, "ExpiresInMinutes": minutes})

    async def unprotect(self) -> str | None:
        """See :class:`trailstream.pipeline.scale_in.ScaleIn`."""
        return await self._put({"ProtectionEnabled": False})

    async def _put(self, state: dict[str, bool | int]) -> str | None:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with self._session.put(self._url, json=state, timeout=timeout) as response:
                answer = json.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return f"{self._url}: {type(error).__name__}: {error}"
        return None if isinstance(answer, dict) and "protection" in answer else f"{self._url}: {json.dumps(answer)}"
