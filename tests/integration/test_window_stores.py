"""How the window stores meet files, tables and a service that are not as they should be."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from endpoint import free_port
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.windows.dynamodb import WRITE_TRIES, DynamoDbWindows
from trailstream.adapters.windows.sqlite import SCHEMA_VERSION, SqliteWindows
from trailstream.model.errors import WindowsUnavailableError
from trailstream.model.problems import ConfigurationError
from trailstream.model.window import Group, Sighting, Window
from trailstream.pipeline.ports import Visit, WindowStore
from window_table import TABLE, create_window_table

NOW = 1_700_000_000.25
HOUR = 3600.0
GROUP = Group("rule", ("value",))


def visit(*times: float, group: Group = GROUP, keep_until: float = NOW + HOUR) -> Visit:
    sightings = [Sighting(time, f"r{time}", "seen") for time in times]
    return Visit(group, sightings, 0, NOW * 2, 60, 1000, keep_until)


async def times(store: WindowStore, group: Group = GROUP) -> list[float]:
    (known,) = await store.visit([visit(group=group)], now=NOW)
    return [sighting.time for sighting in known.sightings]


def rows(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute(
            "SELECT (SELECT COUNT(*) FROM sightings) + (SELECT COUNT(*) FROM windows)"
        ).fetchone()
        return int(count)


async def test_a_file_outlives_its_process_and_is_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "windows.sqlite"
    async with SqliteWindows(path) as store:
        await store.visit([visit(1, 2)], now=NOW)
    assert path.stat().st_mode & 0o777 == 0o600
    async with SqliteWindows(path) as store:
        assert await times(store) == [1, 2]


async def test_a_file_of_a_later_version_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "windows.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(ConfigurationError, match=r"windows\.sqlite\.path.*later version of trailstream \(format 2"):
        await SqliteWindows(path).__aenter__()


async def test_a_file_that_is_none_is_down_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "windows.sqlite"
    path.write_bytes(b"no database at all" * 100)
    async with SqliteWindows(path) as store:
        with pytest.raises(WindowsUnavailableError, match="move it away: a new one is begun"):
            await store.visit([visit(1)], now=NOW)
        path.unlink()
        await store.visit([visit(2)], now=NOW)
        assert await times(store) == [2]


async def test_what_is_kept_no_longer_leaves_the_file_as_fast_as_new_comes(tmp_path: Path) -> None:
    path = tmp_path / "windows.sqlite"
    other = Group("rule", ("other",))
    async with SqliteWindows(path) as store:
        await store.visit([visit(*range(100), keep_until=NOW + 10)], now=NOW)
        await store.tell([(GROUP, Window(0, 60, 1, "r", 1, 1, ("r",)))], keep_until=NOW + 10)
        assert rows(path) == 101
        await store.visit([visit(*range(60), group=other)], now=NOW + 11)
        assert await times(store) == []
    assert rows(path) == 60


async def test_a_missing_table_is_named_with_what_to_make(aws: AwsClients) -> None:
    store = DynamoDbWindows(client=await aws.dynamodb(), table=TABLE)
    with pytest.raises(WindowsUnavailableError, match=rf"{TABLE}.*make the table in this Region.*`pk` and `sk`"):
        await store.visit([visit(1)], now=NOW)


async def test_a_service_that_is_not_there_is_down(aws: AwsClients) -> None:
    await create_window_table(aws)
    async with AwsClients(region="us-east-1", endpoint_url=f"http://127.0.0.1:{free_port()}", connections=1) as nobody:
        store = DynamoDbWindows(client=await nobody.dynamodb(), table=TABLE)
        with pytest.raises(WindowsUnavailableError, match=TABLE):
            await store.due(now=NOW, at_most=1)


class Throttled:
    """A client that leaves half of each batch undone, so often."""

    def __init__(self, times: int) -> None:
        self._times = times
        self.written: list[Mapping[str, Any]] = []

    async def batch_write_item(self, *, RequestItems: Mapping[str, Sequence[Any]]) -> Mapping[str, Any]:  # noqa: N803 - as AWS has it
        (requests,) = RequestItems.values()
        undone = len(requests) // 2 or 1 if self._times else 0
        self._times -= bool(self._times)
        self.written += requests[undone:]
        return {"UnprocessedItems": {TABLE: requests[:undone]} if undone else {}}

    async def query(self, **_: Any) -> Mapping[Literal["Items"], list[Any]]:
        return {"Items": []}


async def test_what_a_batch_leaves_undone_is_written_again() -> None:
    client = Throttled(times=2)
    await DynamoDbWindows(client=cast("Any", client), table=TABLE).visit([visit(*range(20))], now=NOW)
    assert len(client.written) == 20


async def test_a_batch_that_is_never_done_is_a_store_that_is_down() -> None:
    client = Throttled(times=WRITE_TRIES)
    with pytest.raises(WindowsUnavailableError, match="1 items of a batch stay undone: throttled"):
        await DynamoDbWindows(client=cast("Any", client), table=TABLE).visit([visit(*range(20))], now=NOW)
