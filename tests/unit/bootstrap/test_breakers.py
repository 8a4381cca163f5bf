from __future__ import annotations

from contextlib import nullcontext

from endpoint import Endpoint
from fakes import FakeSink
from trailstream.bootstrap.core import open_core
from trailstream.bootstrap.rules import detections_of
from trailstream.bootstrap.windows import open_windows
from trailstream.config import ToolSettings
from trailstream.model.facts import Fact
from trailstream.pipeline.breaker import dependencies
from trailstream.pipeline.retry import Backoff
from trailstream.pipeline.retry_policy import RetryPolicy
from trailstream.rules.loading import load
from trailstream.telemetry.labels import Labels

RULE = "id: any\ntitle: t\nseverity: low\npattern: {eventName: [CreateTopic]}\n"
SINKS = ["one", "other"]


def nobody_hears(_fact: Fact) -> None:
    pass


async def test_every_breaker_of_a_door_has_a_name_that_metrics_know() -> None:
    detections = detections_of(load([("rule.yaml", RULE)]), skip_broken=False)
    async with (
        Endpoint("http://127.0.0.1:9").clients() as aws,
        open_windows(ToolSettings(), aws, sinks=SINKS, emit=nobody_hears, default_file=False) as windows,
        open_core(
            ToolSettings(),
            aws=aws,
            sinks=[FakeSink(name) for name in SINKS],
            detections=lambda: nullcontext(detections),
            emit=nobody_hears,
            policy=RetryPolicy(Backoff(0, 0)),
            own=None,
            slots=1,
        ) as core,
    ):
        names = [breaker.dependency for breaker in [*core.breakers, windows.breaker]]
    assert sorted(names) == sorted(dependencies(SINKS))
    labels = Labels(accounts=[], max_other_accounts=0, rules=[], sinks=SINKS)
    assert [labels.dependency(name) for name in names] == names
