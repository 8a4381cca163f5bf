"""The alert ledger as a SQLite file, for one machine. What a power cut takes of it is repeated."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from trailstream.adapters.sqlite_file import SqliteFile
from trailstream.model.errors import LedgerUnavailableError
from trailstream.pipeline.ports import Claim

SCHEMA_VERSION = 1
"""Kept in the file as ``user_version``; 0 is a new file."""

_SCHEMA = (
    # Without a holder the alert was sent.
    """
    CREATE TABLE IF NOT EXISTS alerts (
        sink TEXT NOT NULL,
        alert_id TEXT NOT NULL,
        holder TEXT,
        until REAL NOT NULL,
        PRIMARY KEY (sink, alert_id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS alerts_by_end ON alerts (until)",
)
_FIND = "SELECT holder, until FROM alerts WHERE sink = ? AND alert_id = ?"
_WRITE = """
    INSERT INTO alerts (sink, alert_id, holder, until) VALUES (?, ?, ?, ?)
    ON CONFLICT (sink, alert_id) DO UPDATE SET holder = excluded.holder, until = excluded.until
"""
_RELEASE = "DELETE FROM alerts WHERE sink = ? AND alert_id = ? AND holder = ?"
_PURGE = """
    DELETE FROM alerts WHERE (sink, alert_id) IN (SELECT sink, alert_id FROM alerts WHERE until <= ? LIMIT ?)
"""
PURGED_FOR_EACH_WRITTEN = 2
"""More leaves than comes, so that the file grows no further; and no call has to do the work of many."""


class SqliteLedger:
    """See :class:`trailstream.pipeline.ports.Ledger`. To be entered before it is used.

    Entering raises :class:`ConfigurationError` where the file is of a later version. A file that cannot be used for
    another reason is tried again by each call, which says why until it can.
    """

    def __init__(self, path: Path, *, busy_seconds: float = 5.0) -> None:
        """``busy_seconds`` is how long a call waits while another process writes."""
        self._file = SqliteFile(
            path,
            schema=_SCHEMA,
            version=SCHEMA_VERSION,
            unavailable=LedgerUnavailableError,
            busy_seconds=busy_seconds,
        )

    async def __aenter__(self) -> Self:
        await self._file.check_format(setting="ledger.sqlite.path")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._file.close()

    async def claim(
        self, sink: str, alert_ids: Sequence[str], *, holder: str, now: float, until: float
    ) -> Sequence[Claim]:
        """See :class:`trailstream.pipeline.ports.Ledger`."""

        def work(connection: sqlite3.Connection) -> list[Claim]:
            found = [connection.execute(_FIND, (sink, alert_id)).fetchone() for alert_id in alert_ids]
            claims = [_claim_on(row, holder=holder, now=now) for row in found]
            ours = [alert_id for alert_id, claim in zip(alert_ids, claims, strict=True) if claim.state == "ours"]
            _write(connection, sink, ours, holder, until)
            _purge(connection, now, written=len(ours))
            return claims

        return await self._file.transact(work) if alert_ids else []

    async def record_sent(self, sink: str, alert_ids: Sequence[str], *, now: float, until: float) -> None:
        """See :class:`trailstream.pipeline.ports.Ledger`."""

        def work(connection: sqlite3.Connection) -> None:
            _write(connection, sink, alert_ids, None, until)
            _purge(connection, now, written=len(alert_ids))

        if alert_ids:
            await self._file.transact(work)

    async def release(self, sink: str, alert_ids: Sequence[str], *, holder: str) -> None:
        """See :class:`trailstream.pipeline.ports.Ledger`."""

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(_RELEASE, [(sink, alert_id, holder) for alert_id in alert_ids])

        if alert_ids:
            await self._file.transact(work)


def _claim_on(row: tuple[str | None, float] | None, *, holder: str, now: float) -> Claim:
    if row is None:
        return Claim("ours")
    held_by, until = row
    if until <= now or held_by == holder:
        return Claim("ours")
    return Claim("sent") if held_by is None else Claim("taken", until)


def _write(
    connection: sqlite3.Connection, sink: str, alert_ids: Sequence[str], holder: str | None, until: float
) -> None:
    connection.executemany(_WRITE, [(sink, alert_id, holder, until) for alert_id in alert_ids])


def _purge(connection: sqlite3.Connection, now: float, *, written: int) -> None:
    connection.execute(_PURGE, (now, written * PURGED_FOR_EACH_WRITTEN))
