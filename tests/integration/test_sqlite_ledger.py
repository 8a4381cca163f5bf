"""What happens to a ledger in a file: processes that share it and die, disks that are full, files that are damaged."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import ledger_process
from ledger_process import BATCH, CLAIMED_BATCHES, NOW, batch_of
from trailstream.adapters.ledgers.sqlite import SCHEMA_VERSION, SqliteLedger
from trailstream.model.errors import LedgerUnavailableError
from trailstream.model.limits import KIB
from trailstream.model.problems import ConfigurationError

PROGRAM = ledger_process.__file__


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[SqliteLedger]:
    async with SqliteLedger(path, busy_seconds=0.1) as ledger:
        yield ledger


async def states(ledger: SqliteLedger, *alert_ids: str) -> list[str]:
    return [claim.state for claim in await ledger.claim("sns", alert_ids, holder="we", now=NOW, until=NOW + 60)]


async def record(ledger: SqliteLedger, *alert_ids: str, now: float = NOW, seconds: float = 3600) -> None:
    await ledger.record_sent("sns", alert_ids, now=now, until=now + seconds)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def rows_in(path: Path) -> int:
    with opened(path) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM alerts").fetchone()
    return int(rows)


def of_a_later_version(path: Path) -> bytes:
    """Make such a file, and return what it holds."""
    with opened(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    return path.read_bytes()


def no_ledger(path: Path) -> bytes:
    path.write_bytes(b"alerts sent so far: 17\n" * 100)
    return path.read_bytes()


def content(path: Path) -> bytes:
    return path.read_bytes()


def damage(path: Path) -> None:
    """Leave only the first page, which is the header and the schema."""
    with path.open("r+b") as file:
        file.seek(4 * KIB)
        file.write(random.Random(4).randbytes(path.stat().st_size - 4 * KIB))


def move_away(path: Path) -> None:
    for file in list(path.parent.glob(f"{path.name}*")):
        file.rename(path.parent / f"moved-{file.name}")


def fill_up(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4 * KIB))
    return ballast


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def started(what: str, path: Path, holder: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, PROGRAM, what, path, holder], stdout=subprocess.PIPE, text=True)


def test_several_processes_that_begin_a_ledger_at_once_never_get_the_same_alert(path: Path) -> None:
    processes = [started("claim", path, f"holder-{number}") for number in range(4)]
    ours = [alert for process in processes for alert in json.loads(process.communicate()[0])]
    assert sorted(ours) == sorted(alert for number in range(CLAIMED_BATCHES) for alert in batch_of("shared", number))


async def test_what_a_killed_process_had_recorded_stays_and_no_call_was_done_by_half(path: Path) -> None:
    chance = random.Random(4)
    for victim in (f"victim-{number}" for number in range(6)):
        with started("record", path, victim) as process:
            assert process.stdout is not None
            for _ in range(chance.randrange(1, 200)):
                process.stdout.readline()
            time.sleep(chance.random() / 500)  # noqa: ASYNC251 - nothing else runs here
            process.kill()
            recorded = int((process.stdout.read().split() or ["0"])[-1])
        async with SqliteLedger(path) as ledger:
            for number in range(recorded):
                assert await states(ledger, *batch_of(victim, number)) == ["sent"] * BATCH
            for number in range(recorded, recorded + 3):
                assert len(set(await states(ledger, *batch_of(victim, number)))) == 1


async def test_a_call_that_ran_into_a_limit_on_the_size_of_files_wrote_nothing_and_succeeds_later(path: Path) -> None:
    with started("fill", path, "filler") as process:
        outcome = json.loads(process.communicate()[0])
    assert outcome["recorded"] > 10
    assert "limits on the size of files" in outcome["said"]
    async with SqliteLedger(path) as ledger:
        for number in range(outcome["recorded"] + 1):
            assert await states(ledger, *batch_of("filler", number)) == ["sent"] * BATCH
        assert await states(ledger, *batch_of("filler", outcome["recorded"] + 1)) == ["ours"] * BATCH


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, where this user may have one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    tried = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={256 * KIB}", "tmpfs", disk], capture_output=True, text=True, check=False
    )
    if tried.returncode != 0:
        pytest.skip(f"this user may not mount a file system: {tried.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


async def test_a_full_disk_is_said_to_be_full_loses_nothing_and_is_left_behind_once_it_has_room(
    small_disk: Path,
) -> None:
    async with SqliteLedger(small_disk / "ledger.sqlite") as ledger:
        await record(ledger, "before")
        ballast = fill_up(small_disk)
        many = [f"{number:0500}" for number in range(250)]
        for _ in range(3):
            with pytest.raises(LedgerUnavailableError, match=r"ledger\.sqlite: .*full.*make room on its disk"):
                await record(ledger, *many)
        ballast.unlink()
        assert await states(ledger, "before", "after") == ["sent", "ours"]
        assert set(await states(ledger, *many[:100])) == {"ours"}
        await record(ledger, "after")
        assert await states(ledger, "after") == ["sent"]


async def test_a_disk_that_is_read_only_is_said_to_be_so_and_works_when_it_no_longer_is(small_disk: Path) -> None:
    path = small_disk / "ledger.sqlite"
    async with SqliteLedger(path) as ledger:
        await record(ledger, "before")
    remount(small_disk, "ro")
    async with SqliteLedger(path) as ledger:
        with pytest.raises(LedgerUnavailableError, match="let this user write"):
            await record(ledger, "after")
        remount(small_disk, "rw")
        await record(ledger, "after")
        assert await states(ledger, "before", "after") == ["sent", "sent"]


async def test_a_file_that_is_no_ledger_is_left_alone_until_the_operator_moves_it_away(path: Path) -> None:
    before = no_ledger(path)
    async with SqliteLedger(path) as ledger:
        with pytest.raises(LedgerUnavailableError, match="name another file, or move it away"):
            await record(ledger, "a")
        move_away(path)
        assert await states(ledger, "a") == ["ours"]
    assert content(path.with_name("moved-ledger.sqlite")) == before


async def test_a_damaged_file_is_said_to_be_damaged_and_replaced_when_it_is_moved_away(path: Path) -> None:
    async with SqliteLedger(path) as ledger:
        await record(ledger, *(f"{number:032}" for number in range(500)))
    damage(path)
    async with SqliteLedger(path) as ledger:
        with pytest.raises(LedgerUnavailableError, match=r"malformed.*move it away with its -wal and -shm"):
            await record(ledger, "a")
        move_away(path)
        assert await states(ledger, "a") == ["ours"]


async def test_a_missing_directory_is_named_and_the_ledger_begins_when_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "not yet" / "ledger.sqlite"
    async with SqliteLedger(path) as ledger:
        with pytest.raises(LedgerUnavailableError, match=r"not yet.*No such file or directory"):
            await record(ledger, "a")
        path.parent.mkdir()
        await record(ledger, "a")
        assert await states(ledger, "a") == ["sent"]


async def test_a_file_that_another_process_keeps_locked_is_waited_for_without_holding_the_loop(
    ledger: SqliteLedger, path: Path
) -> None:
    await record(ledger, "before")
    with opened(path) as another:
        another.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(record(ledger, "after"))
        turns = 0
        while not waiting.done():
            await asyncio.sleep(0.001)
            turns += 1
        assert turns > 10
        with pytest.raises(LedgerUnavailableError, match=r"locked.*find the process"):
            await waiting
    await record(ledger, "after")
    assert await states(ledger, "before", "after") == ["sent", "sent"]


async def test_a_file_of_a_later_version_is_refused_at_the_start_and_left_as_it_is(path: Path) -> None:
    before = of_a_later_version(path)
    with pytest.raises(ConfigurationError, match=r"ledger\.sqlite\.path.*later version.*format 2.*knows 1"):
        await SqliteLedger(path).__aenter__()
    assert content(path) == before


async def test_a_file_of_a_later_version_that_turns_up_later_is_no_ledger_to_us(tmp_path: Path) -> None:
    path = tmp_path / "not yet" / "ledger.sqlite"
    async with SqliteLedger(path) as ledger:
        path.parent.mkdir()
        of_a_later_version(path)
        with pytest.raises(LedgerUnavailableError, match="later version"):
            await record(ledger, "a")


async def test_nobody_else_may_read_which_alerts_were_sent(path: Path) -> None:
    umask = os.umask(0)
    try:
        async with SqliteLedger(path) as ledger:
            await record(ledger, "a")
            files = sorted(path.parent.glob("ledger.sqlite*"))
            assert [file.name for file in files] == ["ledger.sqlite", "ledger.sqlite-shm", "ledger.sqlite-wal"]
            assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    finally:
        os.umask(umask)


async def test_the_file_alone_is_left_when_the_last_process_leaves(path: Path) -> None:
    async with SqliteLedger(path) as ledger:
        await record(ledger, "a")
    assert list(path.parent.glob("ledger.sqlite*")) == [path]


async def test_the_file_holds_what_is_to_be_remembered_and_hardly_more(ledger: SqliteLedger, path: Path) -> None:
    for number in range(300):
        await record(ledger, *batch_of("early", number), now=NOW + number, seconds=20)
    assert rows_in(path) <= 20 * BATCH + 2 * BATCH


async def test_what_has_expired_leaves_in_small_amounts(ledger: SqliteLedger, path: Path) -> None:
    await record(ledger, *(str(number) for number in range(1000)))
    rows = [rows_in(path)]
    for number in range(120):
        await record(ledger, *batch_of("late", number), now=NOW + 4000)
        rows.append(rows_in(path))
    changes = {after - before for before, after in itertools.pairwise(rows)}
    assert changes == {-BATCH, BATCH}
    assert rows[-1] == 120 * BATCH
