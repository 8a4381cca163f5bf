"""The file under ledger and window store, where several open it at the same moment."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from trailstream.adapters.sqlite_file import SqliteFile
from trailstream.model.errors import LedgerUnavailableError


async def test_many_that_open_a_new_file_at_the_same_moment_all_can_use_it(tmp_path: Path) -> None:
    for number in range(60):  # one time in fifteen, somebody meets another who is making the file
        files = [
            SqliteFile(
                tmp_path / f"{number}.sqlite",
                schema=["CREATE TABLE IF NOT EXISTS things (name TEXT)"],
                version=1,
                unavailable=LedgerUnavailableError,
                busy_seconds=5,
            )
            for _ in range(8)
        ]
        await asyncio.gather(*(file.transact(_add_a_thing) for file in files))
        assert await files[0].transact(_things) == len(files)
        await asyncio.gather(*(file.close() for file in files))


def _add_a_thing(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO things VALUES ('thing')")


def _things(connection: sqlite3.Connection) -> int:
    ((count,),) = connection.execute("SELECT count(*) FROM things")
    return int(count)
