"""A SQLite file that several processes of one machine share, as the ledger and the window store use theirs.

Each call is one transaction that takes the write lock before it reads. The file has to lie on a local disk, since WAL
needs memory that all of them share. What a killed process had committed stays. After a power cut the last moments may
be missing, whole transactions at a time.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from trailstream.model.errors import RetryableError
from trailstream.model.problems import ConfigurationError, Problem

_REMEDIES: Mapping[int, str] = {
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_BUSY: "find the process that keeps it locked",
    sqlite3.SQLITE_READONLY: "let this user write to the file and its directory",
    sqlite3.SQLITE_CANTOPEN: "let this user write to the file and its directory",
    sqlite3.SQLITE_IOERR: "look after its disk, and after limits on the size of files",
    sqlite3.SQLITE_CORRUPT: "move it away with its -wal and -shm: a new one is begun, and what it held is forgotten",
    sqlite3.SQLITE_NOTADB: "name another file, or move it away: a new one is begun",
}
_BETWEEN_SWITCHES_SECONDS = 0.01
_PRIMARY_CODE = 0xFF  # SQLite's extended result codes carry the primary one in their low byte

_Answer = TypeVar("_Answer")
Work = Callable[[sqlite3.Connection], _Answer]


class _NewerFormatError(Exception):
    """The file was written by a later version of this package."""


class SqliteFile:
    """The file, opened when it is first used. A file that cannot be used is tried again by each call."""

    def __init__(
        self,
        path: Path,
        *,
        schema: Sequence[str],
        version: int,
        unavailable: type[RetryableError],
        busy_seconds: float,
    ) -> None:
        """Take the ``schema`` that makes a new file, of format ``version``, 1 or more.

        ``unavailable`` is raised for what fails. ``busy_seconds`` is how long a call waits while another process
        writes.
        """
        self._path = path
        self._schema = (*schema, f"PRAGMA user_version = {version}")
        self._version = version
        self._unavailable = unavailable
        self._busy_seconds = busy_seconds
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=path.stem)
        self._connection: sqlite3.Connection | None = None

    async def transact(self, work: Work[_Answer]) -> _Answer:
        """Do the work in one transaction, on the file's own thread. Raises what is ``unavailable``."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    async def check_format(self, *, setting: str) -> None:
        """Open it. Close it and raise :class:`ConfigurationError` where it is of a later version.

        ``setting`` is what names it. Where it cannot be used for another reason, each call will say so.
        """
        try:
            await self.transact(lambda _connection: None)
        except self._unavailable as error:
            if isinstance(error.__cause__, _NewerFormatError):
                await self.close()
                raise ConfigurationError([Problem(setting, f"{self._path}: {error.__cause__}")]) from error

    async def close(self) -> None:
        """Close the file and end its thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _transact(self, work: Work[_Answer]) -> _Answer:
        try:
            if self._connection is None:
                self._connection = self._open()
            with self._connection:  # commits, or rolls back
                self._connection.execute("BEGIN IMMEDIATE")
                return work(self._connection)
        except (sqlite3.Error, OSError, _NewerFormatError) as error:
            self._close()  # the next call looks afresh: the operator may have mended or replaced the file
            raise self._unavailable(f"{self._path}: {_reason(error)}") from error

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
        if version > self._version:
            what = f"written by a later version of trailstream (format {version}, and this one knows {self._version})"
            raise _NewerFormatError(f"{what}: run that one, or name another file")
        self._write_ahead(connection)
        # With WAL this keeps the file whole at any time; FULL would only save the last moments before a power cut, at
        # the cost of waiting for the disk at every call.
        connection.execute("PRAGMA synchronous = NORMAL")
        if version == 0:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement in self._schema:
                    connection.execute(statement)

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        """Switch a new file to WAL. Where others do the same at this moment, SQLite says "locked" and does not wait."""
        gives_up_at = time.monotonic() + self._busy_seconds
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY or time.monotonic() >= gives_up_at:
                    raise
                time.sleep(_BETWEEN_SWITCHES_SECONDS)
            else:
                return

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _reason(error: Exception) -> str:
    """Say what happened and what to do about it."""
    if isinstance(error, _NewerFormatError):
        return str(error)
    code = getattr(error, "sqlite_errorcode", None)  # missing where the file was not even opened
    remedy = _REMEDIES.get(code & _PRIMARY_CODE, "") if code is not None else _REMEDIES[sqlite3.SQLITE_CANTOPEN]
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{what} ({name})" + (f": {remedy}" if remedy else "")
