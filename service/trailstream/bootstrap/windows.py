"""Where the doors keep what their rules count over time, and their rules made ready with it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.windows.dynamodb import DynamoDbWindows
from trailstream.adapters.windows.sqlite import SqliteWindows
from trailstream.bootstrap.breakers import make_breaker
from trailstream.bootstrap.files import file_to_make
from trailstream.bootstrap.rules import detections_of
from trailstream.config import Settings
from trailstream.model.facts import Emit
from trailstream.model.problems import Problem, RulesError
from trailstream.pipeline.breaker import WINDOWS, Breaker
from trailstream.pipeline.counting import CountingSettings
from trailstream.pipeline.detections import Detections
from trailstream.pipeline.guarded_windows import GuardedWindows
from trailstream.pipeline.ports import WindowStore
from trailstream.rules.loading import LoadedRules

FILE_NAME = "trailstream-windows.sqlite"
"""Of the worker's file where none is configured."""

IMAGE_VOLUME = Path("/var/lib/trailstream")
"""What the container image has for files that last."""


@dataclass(frozen=True, slots=True)
class Windows:
    """The window store of a door, and what makes its rules ready for it."""

    store: WindowStore | None
    breaker: Breaker
    settings: Settings
    sinks: Collection[str]
    emit: Emit

    def detections(self, loaded: LoadedRules) -> Detections:
        """Return the rules, ready to make alerts of what they find.

        Raises :class:`RulesError` where they are broken, or need a store and there is none, or a sink that is not
        there.
        """
        skip_broken = self.settings.rules.skip_broken
        problems = [*self._without_store(loaded), *([] if skip_broken else self._unknown_sinks(loaded))]
        if problems:
            raise RulesError([*loaded.problems, *problems])
        windows = self.settings.windows
        return detections_of(
            loaded,
            self.store,
            skip_broken=skip_broken,
            settings=CountingSettings(
                lateness_seconds=windows.lateness_hours * 3600, settle_seconds=windows.settle_seconds
            ),
            emit=self.emit,
        )

    def _without_store(self, loaded: LoadedRules) -> Iterator[Problem]:
        if self.store is None and loaded.counts_over_time:
            yield Problem(
                "windows",
                "rules count over time (correlations, thresholds, deduplication), and it is not said where",
                "name a table under [windows.dynamodb], which all workers and functions share; a file under "
                "[windows.sqlite] is for the workers of one machine",
            )

    def _unknown_sinks(self, loaded: LoadedRules) -> Iterator[Problem]:
        for info in loaded.infos:
            for name in info.shaping.destinations or ():
                if name not in self.sinks:
                    known = ", ".join(sorted(self.sinks))
                    yield Problem(info.path, f'no sink "{name}" is configured', f"destinations are of: {known}")


@asynccontextmanager
async def open_windows(
    settings: Settings, aws: AwsClients, *, sinks: Collection[str], emit: Emit, default_file: bool
) -> AsyncIterator[Windows]:
    """Open the store that the settings name, and close it when the block ends; nothing is made before it is needed.

    With ``default_file``, a SQLite file where none is named, unless the ledger says that there are several machines.
    Raises :class:`ConfigurationError` where the file could never be made, or was written by a later version.
    """
    breaker = make_breaker(WINDOWS, emit=emit)
    if settings.windows.dynamodb is not None:
        client = await aws.dynamodb(region=settings.windows.dynamodb.region)
        store: WindowStore = DynamoDbWindows(client=client, table=settings.windows.dynamodb.table)
        yield Windows(GuardedWindows(store, breaker=breaker), breaker, settings, sinks, emit)
    elif (path := _file(settings, default_file=default_file)) is not None:
        async with SqliteWindows(path) as store:
            yield Windows(GuardedWindows(store, breaker=breaker), breaker, settings, sinks, emit)
    else:
        yield Windows(None, breaker, settings, sinks, emit)


def _file(settings: Settings, *, default_file: bool) -> Path | None:
    if settings.windows.sqlite is not None:
        return file_to_make("windows.sqlite.path", settings.windows.sqlite.path)
    if not default_file or settings.ledger.dynamodb is not None:
        return None
    beside = [settings.ledger.sqlite.path.parent] if settings.ledger.sqlite is not None else [Path(), IMAGE_VOLUME]
    return next((directory / FILE_NAME for directory in beside if os.access(directory, os.W_OK)), None)
