from __future__ import annotations

from pathlib import Path

import pytest

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.ledgers.sqlite import SqliteLedger
from trailstream.bootstrap.ledger import make_ledger
from trailstream.config.stores import LedgerSettings, SqliteLedgerSettings
from trailstream.model.problems import ConfigurationError
from trailstream.pipeline.ports import Claim

NOW = 1_700_000_000.0


def clients() -> AwsClients:
    return AwsClients(region="eu-west-1", endpoint_url=None, connections=1)


def files_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def test_without_a_store_everything_is_ours_again_and_again() -> None:
    async with clients() as aws, make_ledger(LedgerSettings(), aws) as ledger:
        for holder in ("one", "other"):
            claims = await ledger.claim("sns", ["a", "b"], holder=holder, now=NOW, until=NOW + 60)
            assert claims == [Claim("ours"), Claim("ours")]
            await ledger.record_sent("sns", ["a", "b"], now=NOW, until=NOW + 60)
            await ledger.release("sns", ["a", "b"], holder=holder)


async def test_a_file_is_opened_and_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    async with clients() as aws, make_ledger(LedgerSettings(sqlite=SqliteLedgerSettings(path=path)), aws) as ledger:
        assert isinstance(ledger, SqliteLedger)
        await ledger.record_sent("sns", ["a"], now=NOW, until=NOW + 60)
    assert files_in(tmp_path) == [path]


async def test_a_file_in_a_directory_that_does_not_exist_is_refused_with_its_setting(tmp_path: Path) -> None:
    settings = LedgerSettings(sqlite=SqliteLedgerSettings(path=tmp_path / "nowhere" / "ledger.sqlite"))
    async with clients() as aws:
        with pytest.raises(ConfigurationError, match=r"ledger\.sqlite\.path: there is no directory .*nowhere"):
            await make_ledger(settings, aws).__aenter__()
