"""The metrics and health server, asked over a real socket."""

from __future__ import annotations

import asyncio
import io
import logging
import threading
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from trailstream.model.alert import RuleInfo, Severity
from trailstream.model.facts import QueuePolled, SlotsChanged
from trailstream.model.problems import ConfigurationError
from trailstream.telemetry.health import Health
from trailstream.telemetry.metrics import Metrics
from trailstream.telemetry.server import TelemetryServer

# What Prometheus 2.x sends.
PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Served:
    server: TelemetryServer
    health: Health
    clock: Clock
    client: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> tuple[int, str, aiohttp.ClientResponse]:
        async with self.client.get(f"http://127.0.0.1:{self.server.port}{path}", headers=headers) as response:
            return response.status, await response.text(), response


def served_metrics() -> CollectorRegistry:
    registry = CollectorRegistry()
    loaded = [RuleInfo("root-login", "Root signed in", Severity.HIGH, "sigma", "root.yml")]
    Metrics(registry, accounts=["111111111111"], max_other_accounts=5, rules=loaded, sinks=["sns"]).observe(
        QueuePolled(1)
    )
    return registry


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    clock = Clock()
    health = Health(poller_stall_seconds=60, work_stall_seconds=120, clock=clock)
    server = TelemetryServer(registry=served_metrics(), health=health, host="127.0.0.1", port=0)
    async with server, aiohttp.ClientSession() as client:
        yield Served(server, health, clock, client)


async def test_metrics_are_the_text_format_where_nothing_is_asked_for(served: Served) -> None:
    status, text, response = await served.get("/metrics", Accept="*/*")
    families = {family.name for family in text_string_to_metric_families(text)}
    assert (status, response.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert {"trailstream_queue_polls", "process_cpu_seconds"} <= families


async def test_metrics_are_openmetrics_where_prometheus_asks_for_it(served: Served) -> None:
    status, text, response = await served.get("/metrics", Accept=PROMETHEUS_ACCEPT)
    assert status == 200
    assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    families = openmetrics_families(text)  # type: ignore[no-untyped-call]  # the library annotates only the other parser
    assert "trailstream_lag_seconds" in {family.name for family in families}
    assert text.endswith("# EOF\n")


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text;version=x.y",
        "application/openmetrics-text;version=2.x",
        "application/openmetrics-text;version=99.0.0;escaping=values",
        "application/openmetrics-text;version=1.0.0;escaping=\u00fc",
        ";;;,,,=",
        "text/plain;version=" + "9" * 5000,
    ],
)
async def test_no_accept_header_breaks_the_server(served: Served, accept: str) -> None:
    status, text, _ = await served.get("/metrics", Accept=accept)
    assert status == 200
    assert "trailstream_queue_polls" in text


async def test_health_and_readiness_answer_in_json_with_reasons(served: Served) -> None:
    status, text, response = await served.get("/healthz")
    assert (status, text) == (200, '{"status":"ok","reasons":[]}\n')
    assert response.headers["Content-Type"] == "application/json"
    status, text, _ = await served.get("/readyz")
    assert status == 503
    assert text == (
        '{"status":"failing","reasons":[{"part":"rules","detail":"none are loaded"},'
        '{"part":"queue","detail":"not tried yet"}]}\n'
    )


async def test_readiness_follows_the_queue_while_health_does_not(served: Served) -> None:
    served.health.rules_loaded(2)
    served.health.observe(QueuePolled(1))
    assert (await served.get("/readyz"))[0] == 200
    for _ in range(3):
        served.health.observe(QueuePolled(0, "queue_unavailable", "\x1b[31mrefused\n"))
    status, text, _ = await served.get("/readyz")
    assert (status, "refused" in text, "\x1b" in text) == (503, True, False)
    assert (await served.get("/healthz"))[0] == 200


async def test_health_fails_when_held_work_does_not_go_on(served: Served) -> None:
    served.health.observe(SlotsChanged(held=1, slots=4))
    served.clock.now += 121
    status, text, _ = await served.get("/healthz")
    assert (status, '"part":"work"' in text) == (503, True)


@pytest.mark.parametrize(
    "path", ["/", "/metrics/", "/metrics/x", "/debug", "/healthz?x=1/../etc", "/%2e%2e/etc/passwd"]
)
async def test_nothing_else_is_served(served: Served, path: str) -> None:
    status, _, _ = await served.get(path)
    assert status == (200 if path.startswith("/healthz") else 404)


async def test_only_reading_is_allowed(served: Served) -> None:
    async with served.client.post(f"http://127.0.0.1:{served.server.port}/metrics", data=b"x") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
    async with served.client.head(served.server.url) as response:
        assert (response.status, await response.read()) == (200, b"")


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/nothing"])
async def test_no_answer_discloses_versions(served: Served, path: str) -> None:
    _, _, response = await served.get(path)
    assert response.headers["Server"] == "trailstream"


async def test_what_is_not_http_gets_400_without_versions_and_no_line_in_the_log(served: Served) -> None:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(b"GET /metrics HTTP/9.9 \x00\x01\r\n\r\n")
        answer = await reader.read(1000)
        writer.close()
        await writer.wait_closed()
    finally:
        logging.getLogger().removeHandler(handler)
    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert b"aiohttp" not in answer
    assert b"Python" not in answer
    assert log.getvalue() == ""


class SlowCollector(Collector):
    """Takes as long to collect as the test wants."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.may_answer = threading.Event()

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        self.asked.set()
        self.may_answer.wait(timeout=10)
        return [GaugeMetricFamily("slow", "Collected at last.", value=1)]


async def test_health_answers_while_a_scrape_is_being_written() -> None:
    registry, slow = CollectorRegistry(), SlowCollector()
    registry.register(slow)
    server = TelemetryServer(registry=registry, health=Health(), host="127.0.0.1", port=0)
    async with server, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
        scrape = asyncio.create_task(client.get(server.url))
        assert await asyncio.to_thread(slow.asked.wait, 5)
        async with client.get(f"http://127.0.0.1:{server.port}/healthz") as response:
            assert response.status == 200
        assert not scrape.done()
        slow.may_answer.set()
        async with await scrape as response:
            assert "slow 1.0" in await response.text()


async def test_several_scrapes_at_once_are_all_answered(served: Served) -> None:
    answers = await asyncio.gather(*(served.get("/metrics") for _ in range(10)))
    assert {status for status, _, _ in answers} == {200}


async def test_a_port_that_is_taken_is_a_problem_with_a_remedy(served: Served) -> None:
    second = TelemetryServer(registry=CollectorRegistry(), health=Health(), host="127.0.0.1", port=served.server.port)
    with pytest.raises(ConfigurationError, match="choose another port") as refused:
        async with second:
            pass
    assert str(served.server.port) in refused.value.problems[0].where


async def test_an_address_that_is_not_ours_is_a_problem_with_a_remedy() -> None:
    elsewhere = TelemetryServer(registry=CollectorRegistry(), health=Health(), host="192.0.2.1", port=0)
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1"):
        async with elsewhere:
            pass


async def test_the_port_is_free_again_afterwards() -> None:
    server = TelemetryServer(registry=CollectorRegistry(), health=Health(), host="127.0.0.1", port=0)
    async with server:
        port = server.port
    async with TelemetryServer(registry=CollectorRegistry(), health=Health(), host="127.0.0.1", port=port) as again:
        assert again.port == port
