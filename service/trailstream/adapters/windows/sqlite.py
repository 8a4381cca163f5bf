"""Sightings and windows as a SQLite file, for the workers of one machine.

What a power cut takes of it was seen by deliveries that may be done: those windows may then be told of fewer records.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from trailstream.adapters.sqlite_file import SqliteFile
from trailstream.adapters.windows.texts import (
    group_of_text,
    text_of_group,
    text_of_values,
    text_of_window,
    values_of_text,
    window_of_text,
)
from trailstream.model.errors import WindowsUnavailableError
from trailstream.model.window import Group, Sighting, Window
from trailstream.pipeline.ports import Judgement, Known, Visit

SCHEMA_VERSION = 1
"""Kept in the file as ``user_version``; 0 is a new file."""

_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS sightings (
        group_key TEXT NOT NULL,
        time REAL NOT NULL,
        record_id TEXT NOT NULL,
        rule_id TEXT NOT NULL,
        looked_at TEXT NOT NULL,
        seen_at REAL NOT NULL,
        keep_until REAL NOT NULL,
        PRIMARY KEY (group_key, time, record_id, rule_id, looked_at)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS sightings_by_end ON sightings (keep_until)",
    """
    CREATE TABLE IF NOT EXISTS windows (
        group_key TEXT NOT NULL,
        start REAL NOT NULL,
        window TEXT NOT NULL,
        keep_until REAL NOT NULL,
        PRIMARY KEY (group_key, start)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS windows_by_end ON windows (keep_until)",
    """
    CREATE TABLE IF NOT EXISTS judgements (
        at REAL NOT NULL,
        group_key TEXT NOT NULL,
        start REAL NOT NULL,
        group_text TEXT NOT NULL,
        PRIMARY KEY (at, group_key, start)
    ) WITHOUT ROWID
    """,
)
_ADD = "INSERT OR IGNORE INTO sightings VALUES (?, ?, ?, ?, ?, ?, ?)"
_SIGHTINGS = """
    SELECT time, record_id, rule_id, looked_at, seen_at FROM sightings
    WHERE group_key = ? AND time BETWEEN ? AND ? ORDER BY time DESC LIMIT ?
"""
_WINDOWS = "SELECT window FROM windows WHERE group_key = ? AND start BETWEEN ? AND ? ORDER BY start"
_TELL = "INSERT INTO windows VALUES (?, ?, ?, ?)"
_OVERLAPPING = "SELECT window FROM windows WHERE group_key = ? AND start > ? AND start < ? ORDER BY start"
_JUDGE = "INSERT OR IGNORE INTO judgements VALUES (?, ?, ?, ?)"
_DUE = "SELECT at, start, group_text FROM judgements WHERE at <= ? ORDER BY at LIMIT ?"
_JUDGED = "DELETE FROM judgements WHERE at = ? AND group_key = ? AND start = ?"
_PURGES = (
    """
    DELETE FROM sightings WHERE (group_key, time, record_id, rule_id, looked_at) IN (
        SELECT group_key, time, record_id, rule_id, looked_at FROM sightings WHERE keep_until <= ? LIMIT ?
    )
    """,
    """
    DELETE FROM windows WHERE (group_key, start) IN (
        SELECT group_key, start FROM windows WHERE keep_until <= ? LIMIT ?
    )
    """,
)
BUSY_SECONDS = 5.0
"""How long a call waits while another process writes."""
PURGED_FOR_EACH_ADDED = 2
"""More leaves than comes, so that the file grows no further; and no call has to do the work of many."""


class SqliteWindows:
    """See :class:`trailstream.pipeline.ports.WindowStore`. To be entered before it is used.

    The file is made when something is first kept in it. Entering raises :class:`ConfigurationError` where there is one
    of a later version; a file that cannot be used for another reason is tried again by each call.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = SqliteFile(
            path,
            schema=_SCHEMA,
            version=SCHEMA_VERSION,
            unavailable=WindowsUnavailableError,
            busy_seconds=BUSY_SECONDS,
        )

    async def __aenter__(self) -> Self:
        if self._path.exists():
            await self._file.check_format(setting="windows.sqlite.path")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._file.close()

    async def visit(self, visits: Sequence[Visit], *, now: float) -> Sequence[Known]:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""

        def work(connection: sqlite3.Connection) -> list[Known]:
            for visit in visits:
                _add(connection, visit, now)
            added = sum(len(visit.sightings) for visit in visits)
            for purge in _PURGES:
                connection.execute(purge, (now, added * PURGED_FOR_EACH_ADDED))
            return [_known(connection, visit) for visit in visits]

        return await self._file.transact(work) if visits else []

    async def tell(self, windows: Sequence[tuple[Group, Window]], *, keep_until: float) -> Sequence[Window]:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""

        def work(connection: sqlite3.Connection) -> list[Window]:
            return [_told(connection, group, window, keep_until) for group, window in windows]

        return await self._file.transact(work) if windows else []

    async def due(self, *, now: float, at_most: int) -> Sequence[Judgement]:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""

        def work(connection: sqlite3.Connection) -> list[Judgement]:
            rows = connection.execute(_DUE, (now, at_most)).fetchall()
            return [Judgement(at, group_of_text(text), start) for at, start, text in rows]

        return await self._file.transact(work)

    async def judged(self, judgements: Sequence[Judgement]) -> None:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(_JUDGED, [(each.at, each.group.key, each.start) for each in judgements])

        await self._file.transact(work)


def _add(connection: sqlite3.Connection, visit: Visit, now: float) -> None:
    connection.executemany(
        _ADD,
        [
            (
                visit.group.key,
                sighting.time,
                sighting.record_id,
                sighting.rule_id,
                text_of_values(sighting.looked_at),
                now,
                visit.keep_until,
            )
            for sighting in visit.sightings
        ],
    )
    connection.executemany(
        _JUDGE, [(each.at, each.group.key, each.start, text_of_group(each.group)) for each in visit.judgements]
    )


def _told(connection: sqlite3.Connection, group: Group, window: Window, keep_until: float) -> Window:
    span = (group.key, window.start - (window.end - window.start), window.end)
    overlapping = connection.execute(_OVERLAPPING, span).fetchone()
    if overlapping is not None:
        return window_of_text(overlapping[0])
    connection.execute(_TELL, (group.key, window.start, text_of_window(window), keep_until))
    return window


def _known(connection: sqlite3.Connection, visit: Visit) -> Known:
    key = visit.group.key
    rows = connection.execute(_SIGHTINGS, (key, visit.since, visit.until, visit.at_most)).fetchall()
    windows = connection.execute(_WINDOWS, (key, visit.since - visit.span, visit.until)).fetchall()
    return Known(
        [
            Sighting(time, record_id, rule_id, values_of_text(looked_at), seen_at)
            for time, record_id, rule_id, looked_at, seen_at in reversed(rows)
        ],
        [window_of_text(text) for (text,) in windows],
    )
