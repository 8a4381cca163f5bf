"""One run: upload the logs, show what arrives, and compare it with what should."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import Progress, TaskID

from .errors import DemoError
from .generator import LogObject
from .inbox import Inbox, Letter
from .plain_loop import Expected, differences
from .scrape import Scrape, scrape
from .screen import Results, Screen
from .stage import Stage
from .workload import TUTORIAL_EVENT_ID

ENDPOINT_ERRORS = (BotoCoreError, ClientError)
WORKER_ERRORS = (aiohttp.ClientError, TimeoutError)
UPLOADS_AT_ONCE = 8
SCRAPE_EVERY_SECONDS = 0.25
STALLED_AFTER_SECONDS = 30
UPLOADED, PROCESSED, ALERTS = TaskID(0), TaskID(1), TaskID(2)
"""The bars of the progress display."""


class Demo:
    """Shows the main job at work on a stage that stands."""

    def __init__(
        self,
        stage: Stage,
        screen: Screen,
        objects: Sequence[LogObject],
        expected: Expected,
        http: aiohttp.ClientSession,
    ) -> None:
        """Show these objects; ``expected`` is what a plain loop finds in the objects."""
        self._stage = stage
        self._screen = screen
        self._objects = objects
        self._expected = expected
        self._http = http
        self._inbox = Inbox(stage.account.clients.sqs, stage.account.inbox_url)
        self._letters: dict[str, Letter] = {}
        self._read = 0
        self._all_processed = asyncio.Event()

    async def run(self) -> bool:
        """Upload, watch and sum up; return whether exactly what was expected arrived.

        Raises :class:`~.errors.DemoError` where the worker or the endpoint fails or stands still.
        """
        with self._explained():
            results = await self._watch()
        found = [*differences(self._expected, self._letters.values()), *self._unread(results)]
        if results.repeats:
            found.append(f"{results.repeats} alerts arrived that had arrived before")
        self._screen.summary(results, self._stage.metrics_url)
        self._screen.verdict(found)
        return not found

    async def stay(self) -> None:
        """Keep on printing what arrives, until cancelled. Raises as :meth:`run` does."""
        with self._explained():
            while True:
                self._stage.check()
                self._show(await self._inbox.read())

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what fails on the way into the failure of the program that it was asked of."""
        try:
            yield
        except (ExceptionGroup, *ENDPOINT_ERRORS, *WORKER_ERRORS) as error:
            causes = list(_leaves(error))
            if known := next((each for each in causes if isinstance(each, DemoError)), None):
                raise known from error
            self._stage.check()
            if not all(isinstance(each, (*ENDPOINT_ERRORS, *WORKER_ERRORS)) for each in causes):
                raise
            program = self._stage.endpoint if isinstance(causes[0], ENDPOINT_ERRORS) else self._stage.worker
            raise program.failure(f"did not answer as it should ({causes[0]!r})") from error

    async def _watch(self) -> Results:
        before = await scrape(self._http, self._stage.metrics_url)
        started = time.monotonic()
        with self._screen.progress(len(self._objects), len(self._expected)) as progress:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._upload(progress))
                group.create_task(self._read_inbox(progress))
                after = await self._until_processed(before, progress)
                seconds = time.monotonic() - started
                self._all_processed.set()
        return Results(
            alerts=len(self._letters),
            repeats=self._read - len(self._letters),
            expected=len(self._expected),
            accounts=len({each.account for each in self._objects}),
            seconds=seconds,
            before=before,
            after=after,
        )

    async def _upload(self, progress: Progress) -> None:
        free = asyncio.Semaphore(UPLOADS_AT_ONCE)

        async def upload(log: LogObject) -> None:
            async with free:
                await self._stage.account.upload(log)
            progress.advance(UPLOADED)

        async with asyncio.TaskGroup() as group:
            for each in self._objects:
                group.create_task(upload(each))

    async def _read_inbox(self, progress: Progress) -> None:
        """Show what arrives, until everything was processed and the inbox has been found empty after that."""
        while True:
            nothing_more_is_sent = self._all_processed.is_set()
            letters = await self._inbox.read()
            self._show(letters)
            progress.update(ALERTS, completed=len(self._letters))
            if nothing_more_is_sent and not letters:
                return

    def _show(self, letters: Sequence[Letter]) -> None:
        self._read += len(letters)
        for letter in letters:
            if letter.alert_id in self._letters:
                continue
            self._letters[letter.alert_id] = letter
            if letter.event_id == TUTORIAL_EVENT_ID:
                self._screen.tutorial_alert(letter)
            else:
                self._screen.alert(letter)

    async def _until_processed(self, before: Scrape, progress: Progress) -> Scrape:
        """Wait until the worker has settled every object's delivery. What it says is checked later, in the inbox."""
        moved_at, last = time.monotonic(), 0.0
        while True:
            self._stage.check()
            now = await scrape(self._http, self._stage.metrics_url)
            done = _settled(now) - _settled(before)
            progress.update(PROCESSED, completed=min(done, len(self._objects)))
            if done >= len(self._objects) and not now.total("trailstream_in_flight_deliveries"):
                return now
            if (read := now.total("trailstream_inflated_read_bytes_total")) + done > last:
                moved_at, last = time.monotonic(), read + done
            if time.monotonic() - moved_at > STALLED_AFTER_SECONDS:
                raise self._stage.worker.failure(
                    f"made no progress for {STALLED_AFTER_SECONDS} s after {done:.0f} of {len(self._objects)} objects"
                )
            await asyncio.sleep(SCRAPE_EVERY_SECONDS)

    def _unread(self, results: Results) -> list[str]:
        """Return where the worker read less than was uploaded. It may read more: a delivery can come again."""
        wanted = {
            "records": (
                sum(each.records for each in self._objects),
                results.counted("trailstream_decoded_records_total"),
            ),
            "records through ijson": (
                sum(each.records for each in self._objects if each.pretty),
                results.counted("trailstream_decoded_records_total", reader="ijson"),
            ),
        }
        return [f"{what}: {read:,.0f} of {there:,} were read" for what, (there, read) in wanted.items() if read < there]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _settled(page: Scrape) -> float:
    return page.total("trailstream_processed_objects_total", result="ok")
