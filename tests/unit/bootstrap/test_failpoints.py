"""A failpoint strikes once, at the step and the time it names, and only against an endpoint on this machine."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from trailstream.bootstrap.failpoints import Failpoint, armed, failpoint_of
from trailstream.config import FAILPOINT_VARIABLE, Settings, WorkerSettings, load_settings
from trailstream.model.facts import DeliveriesForgotten, Fact, StopRequested
from trailstream.model.problems import ConfigurationError

HERE = "http://127.0.0.1:4566"
QUEUE = '[queue]\nurl = "http://127.0.0.1:4566/000000000000/notifications"\n'


def test_the_signal_is_sent_at_the_given_time_of_the_given_step_and_never_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sent: list[signal.Signals] = []
    failpoint = Failpoint("progress", 2, "stop", send=sent.append)
    for step in ("progress", "AlertAccepted", "AlertAccepted"):
        failpoint.reach(step)
    assert not sent
    for _ in range(3):
        failpoint.reach("progress")
    assert sent == [signal.SIGSTOP]
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line) == {
        "level": "warning",
        "event": "failpoint reached",
        "step": "progress",
        "count": 2,
        "action": "stop",
    }


@pytest.mark.parametrize(
    "endpoint_url", [None, "https://sqs.eu-west-1.amazonaws.com", "http://10.0.0.1:4566", "nonsense"]
)
def test_a_failpoint_is_refused_where_the_endpoint_is_not_on_this_machine(endpoint_url: str | None) -> None:
    with pytest.raises(ConfigurationError, match=f"{FAILPOINT_VARIABLE}.*loopback"):
        failpoint_of("AlertAccepted:1:kill", endpoint_url)


@pytest.mark.parametrize("endpoint_url", [HERE, "http://localhost:4566", "http://[::1]:4566", "http://127.8.9.10"])
def test_a_failpoint_is_taken_where_the_endpoint_is_on_this_machine(endpoint_url: str) -> None:
    sent: list[signal.Signals] = []
    failpoint = failpoint_of("AlertAccepted:2:kill", endpoint_url, send=sent.append)
    for struck in ([], [signal.SIGKILL]):
        failpoint.reach("AlertAccepted")
        assert sent == struck


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AlertAccepted",
        "AlertAccepted:1",
        "AlertAccepted:0:kill",
        "AlertAccepted:x:kill",
        "A:1:kill",
        "AlertAccepted:1:hang",
    ],
)
def test_a_failpoint_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=FAILPOINT_VARIABLE):
        failpoint_of(text, HERE)


def test_nothing_is_armed_unless_the_environment_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def emit(fact: Fact) -> None: ...
    def progress() -> None: ...

    monkeypatch.delenv(FAILPOINT_VARIABLE, raising=False)
    assert armed(emit, progress, endpoint_url=None) == (emit, progress)


def test_telemetry_hears_of_the_fact_that_arms_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FAILPOINT_VARIABLE, "DeliveriesForgotten:2:kill")
    heard: list[Fact] = []
    progressed: list[str] = []
    emit, progress = armed(heard.append, lambda: progressed.append("on"), endpoint_url=HERE)
    emit(StopRequested())
    emit(DeliveriesForgotten(1, 0))
    progress()
    assert heard == [StopRequested(), DeliveriesForgotten(1, 0)]
    assert progressed == ["on"]


def test_only_the_worker_knows_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trailstream.toml"
    path.write_text(f"{QUEUE}[sinks.stdout]\n")
    monkeypatch.setenv(FAILPOINT_VARIABLE, "AlertAccepted:1:kill")
    load_settings(WorkerSettings, path)
    with pytest.raises(ConfigurationError, match=FAILPOINT_VARIABLE):
        load_settings(Settings, path)
