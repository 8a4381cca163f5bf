"""The alert ledger as a SQLite file, for one machine.

Several processes may share the file: each call is one transaction that takes the write lock before it reads. It has to
lie on a local disk, since WAL needs memory that all of them share. What a killed process had committed stays. After a
power cut the last moments may be missing, whole transactions at a time: then what they noted is repeated.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from trailstream.model.errors import ConfigurationError, LedgerUnavailableError, Problem
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
    f"PRAGMA user_version = {SCHEMA_VERSION}",
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

_REMEDIES: Mapping[int, str] = {
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_BUSY: "find the process that keeps it locked",
    sqlite3.SQLITE_READONLY: "let this user write to the file and its directory",
    sqlite3.SQLITE_CANTOPEN: "let this user write to the file and its directory",
    sqlite3.SQLITE_IOERR: "look after its disk, and after limits on the size of files",
    sqlite3.SQLITE_CORRUPT: "move it away with its -wal and -shm: a new one is begun, and alerts may be repeated",
    sqlite3.SQLITE_NOTADB: "name another file, or move it away: a new one is begun",
}
_PRIMARY_CODE = 0xFF  # SQLite's extended result codes carry the primary one in their low byte

_Answer = TypeVar("_Answer")


class _NewerFormatError(LedgerUnavailableError):
    """The file was written by a later version of this package."""


class SqliteLedger:
    """See :class:`trailstream.pipeline.ports.Ledger`. To be entered before it is used.

    Entering raises :class:`ConfigurationError` where the file is of a later version. A file that cannot be used for
    another reason is tried again by each call, which says why until it can.
    """

    def __init__(self, path: Path, *, busy_seconds: float = 5.0) -> None:
        """``busy_seconds`` is how long a call waits while another process writes."""
        self._path = path
        self._busy_seconds = busy_seconds
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._connection: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._in_transaction(lambda _connection: None)
        except _NewerFormatError as error:
            self._thread.shutdown()
            raise ConfigurationError([Problem("ledger.sqlite.path", str(error))]) from error
        except LedgerUnavailableError:
            pass  # it is down: whether that delays or repeats is for those who call it
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

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

        return await self._in_transaction(work) if alert_ids else []

    async def record_sent(self, sink: str, alert_ids: Sequence[str], *, now: float, until: float) -> None:
        """See :class:`trailstream.pipeline.ports.Ledger`."""

        def work(connection: sqlite3.Connection) -> None:
            _write(connection, sink, alert_ids, None, until)
            _purge(connection, now, written=len(alert_ids))

        if alert_ids:
            await self._in_transaction(work)

    async def release(self, sink: str, alert_ids: Sequence[str], *, holder: str) -> None:
        """See :class:`trailstream.pipeline.ports.Ledger`."""

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(_RELEASE, [(sink, alert_id, holder) for alert_id in alert_ids])

        if alert_ids:
            await self._in_transaction(work)

    async def _in_transaction(self, work: Callable[[sqlite3.Connection], _Answer]) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], _Answer]) -> _Answer:
        try:
            if self._connection is None:
                self._connection = self._open()
            with self._connection:  # commits, or rolls back
                self._connection.execute("BEGIN IMMEDIATE")
                return work(self._connection)
        except (sqlite3.Error, OSError) as error:
            self._close()  # the next call looks afresh: the operator may have mended or replaced the file
            raise LedgerUnavailableError(f"{self._path}: {_reason(error)}") from error

    def _open(self) -> sqlite3.Connection:
        with suppress(FileExistsError):
            # SQLite would let everybody read it. Its -wal and -shm take the mode of the file.
            self._path.touch(mode=0o600, exist_ok=False)
        connection = sqlite3.connect(self._path, timeout=self._busy_seconds, isolation_level=None)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            what = f"written by a later version of trailstream (format {version}, and this one knows {SCHEMA_VERSION})"
            raise _NewerFormatError(f"{self._path}: {what}: run that one, or name another file")
        connection.execute("PRAGMA journal_mode = WAL")
        # With WAL this keeps the file whole at any time; FULL would only save the last moments before a power cut, at
        # the cost of waiting for the disk at every call.
        connection.execute("PRAGMA synchronous = NORMAL")
        if version == 0:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    connection.execute(statement)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


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


def _reason(error: Exception) -> str:
    """Say what happened and what to do about it."""
    code = getattr(error, "sqlite_errorcode", None)  # missing where the file was not even opened
    remedy = _REMEDIES.get(code & _PRIMARY_CODE, "") if code is not None else _REMEDIES[sqlite3.SQLITE_CANTOPEN]
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{what} ({name})" + (f": {remedy}" if remedy else "")
