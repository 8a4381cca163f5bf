"""Windows that can be judged only when they have ended: somebody has to look, since no record comes with their end."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress

from trailstream.model.alert import Alert
from trailstream.model.errors import PermanentError, TrailstreamError, UnexpectedError
from trailstream.model.facts import Emit, ErrorHappened
from trailstream.pipeline.background import in_background
from trailstream.pipeline.courier import Courier
from trailstream.pipeline.detections import Detections
from trailstream.pipeline.outbox import Outbox, said_by_courier, untold
from trailstream.pipeline.parcels import Answer

LOOK_EVERY_SECONDS = 30.0


class WindowEnds:
    """Judges the windows whose time has come, and sends what comes of it. What fails is looked at again later."""

    def __init__(
        self,
        *,
        detections: Callable[[], AbstractContextManager[Detections]],
        couriers: Sequence[Courier],
        end_storms: Callable[[], None],
        emit: Emit,
    ) -> None:
        """``end_storms`` is called where an alert waits for one to be told, in an entrance that cannot wait."""
        self._detections = detections
        self._couriers = couriers
        self._end_storms = end_storms
        self._emit = emit

    @asynccontextmanager
    async def looked_after(self) -> AsyncIterator[None]:
        """Look every now and then while the block runs."""
        async with in_background(self._look_again_and_again(), name="ends of windows"):
            yield

    async def look(self, *, can_wait: bool = True) -> None:
        """Judge what is due now. Raises nothing of ours."""
        try:
            with self._detections() as rules:
                await rules.judge_windows(send=self._send if can_wait else self._send_at_once)
        except TrailstreamError as error:
            if not said_by_courier(error):
                self._say(error)
        except Exception:  # noqa: BLE001 - a bug that one window brings to light must not end the looking
            self._say(UnexpectedError(traceback.format_exc()))

    async def _look_again_and_again(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _send(self, alert: Alert) -> None:
        await self._until_told(await self._handed_over(alert))

    async def _send_at_once(self, alert: Alert) -> None:
        told_later = await self._handed_over(alert)
        if told_later:
            self._end_storms()
        await self._until_told(told_later)

    async def _handed_over(self, alert: Alert) -> set[asyncio.Future[Answer]]:
        told_later: set[asyncio.Future[Answer]] = set()
        # What is refused for good would be each time, and others wait behind it; its courier has said so, and where
        # there is a quarantine it is there.
        with suppress(PermanentError):
            async with Outbox(couriers=self._couriers, delivery=None, told_later=told_later, emit=self._emit) as outbox:
                await outbox.add(alert)
        return told_later

    async def _until_told(self, told_later: set[asyncio.Future[Answer]]) -> None:
        for error in await untold(told_later):
            raise error

    def _say(self, error: TrailstreamError) -> None:
        self._emit(ErrorHappened(error.stage, error.code, str(error)))
