"""Where the doors keep what is counted, and which rules they refuse for want of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from endpoint import Endpoint
from trailstream.adapters.aws import AwsClients
from trailstream.bootstrap.windows import FILE_NAME, Windows, open_windows
from trailstream.config import Settings
from trailstream.model.problems import ConfigurationError, RulesError
from trailstream.rules.loading import LoadedRules, load

PLAIN = "id: plain\ntitle: t\nseverity: low\npattern: {eventName: [CreateTopic]}\n"
COUNTING = PLAIN.replace("plain", "counting") + "threshold: 3\n"

AWS = Endpoint("http://127.0.0.1:9").clients()


def settings(**sections: Any) -> Settings:
    return Settings(**{"sinks": {"stdout": {}}, **sections})


def rules(*texts: str) -> LoadedRules:
    return load([(f"{number}.yaml", text) for number, text in enumerate(texts)])


async def opened(chosen: Settings, *, default_file: bool = True, aws: AwsClients = AWS) -> Windows:
    """What a door would have while it is open."""
    async with open_windows(
        chosen, aws, sinks=["sns", "stdout"], emit=lambda _fact: None, default_file=default_file
    ) as windows:
        return windows


async def test_rules_that_count_do_not_start_where_nobody_says_where_to() -> None:
    fleet = settings(ledger={"dynamodb": {"table": "ledger"}})
    for windows in (await opened(settings(), default_file=False), await opened(fleet)):
        with pytest.raises(RulesError, match=r"windows: rules count over time .*\[windows\.dynamodb\]"):
            windows.detections(rules(PLAIN, COUNTING))
        assert windows.detections(rules(PLAIN)).ruleset.rules


async def test_a_worker_counts_in_a_file_beside_its_ledger_which_is_made_when_it_is_needed(tmp_path: Path) -> None:
    chosen = settings(ledger={"sqlite": {"path": tmp_path / "ledger.sqlite"}})
    async with open_windows(chosen, AWS, sinks=[], emit=lambda _fact: None, default_file=True) as windows:
        assert windows.detections(rules(COUNTING)).ruleset.rules[0].info.id == "counting"
        assert not (tmp_path / FILE_NAME).exists()
        assert windows.store is not None
        await windows.store.due(now=0, at_most=1)
    assert (tmp_path / FILE_NAME).exists()


async def test_without_a_ledger_the_file_is_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_windows(settings(), AWS, sinks=[], emit=lambda _fact: None, default_file=True) as windows:
        assert windows.store is not None
        await windows.store.due(now=0, at_most=1)
    assert (tmp_path / FILE_NAME).exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_where_nothing_may_be_written_there_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o500)  # noqa: ASYNC240 - a test's own directory
    assert (await opened(settings())).store is None


async def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    chosen = settings(windows={"sqlite": {"path": tmp_path / "gone" / "windows.sqlite"}})
    with pytest.raises(ConfigurationError, match=r"windows\.sqlite\.path: there is no directory .*gone"):
        await opened(chosen)


async def test_a_sink_that_is_not_there_is_named_with_those_that_are() -> None:
    windows = await opened(settings())
    with pytest.raises(
        RulesError, match=r'0\.yaml: no sink "pager" is configured \(destinations are of: sns, stdout\)'
    ):
        windows.detections(rules(PLAIN + "destinations: [sns, pager]\n"))
    assert windows.detections(rules(PLAIN + "destinations: [sns]\n")).ruleset.rules


async def test_where_broken_rules_may_be_skipped_an_unknown_sink_is_no_reason_not_to_start() -> None:
    windows = await opened(settings(rules={"skip_broken": True}))
    assert windows.detections(rules(PLAIN + "destinations: [pager]\n")).ruleset.rules
