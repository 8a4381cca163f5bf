"""Every alert and every panel on a real Prometheus, its cause provoked in real workers: ``make monitoring``.

Not collected by ``make test``: it takes minutes, and a CPU of its own for the alert on the CPU.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitoring.causes import ACTS, DRAMAS
from monitoring.drama import Drama
from monitoring.hurry import write_hurried
from monitoring.panels import PanelQuery, answerable_in_a_hurry, queries
from monitoring.prometheus import MISSING, PROGRAM, Prometheus, Series, running_prometheus

pytestmark = [pytest.mark.skipif(PROGRAM is None, reason=MISSING), pytest.mark.timeout(900)]


@dataclass(frozen=True, slots=True)
class Played:
    """What is left when all dramas are over: Prometheus, still running, and how each of them ended."""

    prometheus: Prometheus
    start: float
    end: float
    failures: Mapping[str, BaseException | None]
    fired: set[tuple[str, str]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    directory = tmp_path_factory.mktemp("monitoring")
    with running_prometheus(directory, write_hurried(directory)) as prometheus:
        start = time.time()
        failures = asyncio.run(play(directory, prometheus))
        yield Played(prometheus, start, time.time(), failures, prometheus.fired())


async def play(directory: Path, prometheus: Prometheus) -> Mapping[str, BaseException | None]:
    ends: dict[str, BaseException | None] = {}
    for act in ACTS:
        played = await asyncio.gather(*(drama.play(directory, prometheus) for drama in act), return_exceptions=True)
        ends |= zip((drama.job for drama in act), played, strict=True)
    return ends


@pytest.mark.parametrize("drama", DRAMAS, ids=lambda drama: drama.job)
def test_the_alerts_fire_when_their_cause_is_there_and_clear_when_it_is_gone(played: Played, drama: Drama) -> None:
    if (failure := played.failures[drama.job]) is not None:
        raise failure
    assert drama.told <= played.fired


@pytest.mark.parametrize("drama", DRAMAS, ids=lambda drama: drama.job)
def test_no_alert_fires_whose_cause_is_not_there(played: Played, drama: Drama) -> None:
    fired = {alert for alert, job in played.fired if job == drama.job}
    assert fired <= {*drama.fires, *drama.entails}


def test_prometheus_could_evaluate_every_rule(played: Played) -> None:
    assert [rule for rule in played.prometheus.rules() if rule["health"] != "ok"] == []


@pytest.mark.parametrize("query", list(queries()), ids=str)
def test_a_panel_shows_something_and_it_moves_when_its_cause_is_provoked(played: Played, query: PanelQuery) -> None:
    shown = [
        played.prometheus.range(expression, start=played.start, end=played.end, step=1)
        for expression in (
            answerable_in_a_hurry(query, whole_range="2m", job=job) for job in (None, *(drama.job for drama in DRAMAS))
        )
    ]
    assert shown[0], f"with every deployment chosen: {query.expression}"
    assert any(moves(series) for choice in shown for series in choice), query.expression


def moves(series: Series) -> bool:
    return len({value for _, value in series.points if math.isfinite(value)}) > 1
