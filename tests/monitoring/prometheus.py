"""A real Prometheus, asked over its HTTP interface."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from endpoint import free_port

PROGRAM = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")
MISSING = "Prometheus is not installed here (Debian: apt-get install prometheus)"
START_SECONDS = 30
POLL_SECONDS = 0.5

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer."""

    labels: Labels
    points: Sequence[tuple[float, float]]
    """Unix seconds and value."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """The running server."""

    url: str
    directory: Path

    def scrape(self, job: str, port: int) -> None:
        """Let it scrape a worker, as part of this deployment."""
        content = [{"targets": [f"127.0.0.1:{port}"], "labels": {"job": job}}]
        self._targets(job).write_text(json.dumps(content))

    def scrape_queues(self, url: str) -> None:
        """Let it scrape what tells it of queues."""
        content = [{"targets": [url.partition("//")[2]]}]
        (self.directory / "queues" / "exporter.json").write_text(json.dumps(content))

    def forget(self, job: str) -> None:
        """Let it scrape nothing of this deployment any more."""
        self._targets(job).unlink(missing_ok=True)

    def _targets(self, job: str) -> Path:
        return self.directory / "targets" / f"{job}.json"

    def instant(self, query: str) -> Sequence[Series]:
        """Return what a query gives now."""
        result = self._ask("query", {"query": query})
        return [Series(each["metric"], _points([each["value"]])) for each in result]

    def range(self, query: str, *, start: float, end: float, step: float) -> Sequence[Series]:
        """Return what a query gave between two times."""
        result = self._ask("query_range", {"query": query, "start": start, "end": end, "step": step})
        return [Series(each["metric"], _points(each["values"])) for each in result]

    def firing(self) -> set[tuple[str, str]]:
        """Return the alerts that fire now, each with its job. ValueError: one cannot say what it means, or where."""
        firing = [alert for alert in self._get("/api/v1/alerts", {})["alerts"] if alert["state"] == "firing"]
        if broken := [alert for alert in firing if not _is_written_out(alert["annotations"])]:
            raise ValueError(f"not to be written out: {broken}")
        return {(alert["labels"]["alertname"], alert["labels"].get("job", "")) for alert in firing}

    def fired(self) -> set[tuple[str, str]]:
        """Return the alerts that have fired since the start, each with its job."""
        ever = self.instant('max by (alertname, job) (max_over_time(ALERTS{alertstate="firing"}[1h]))')
        return {(each.labels["alertname"], each.labels.get("job", "")) for each in ever}

    async def until_firing(self, job: str, *alerts: str, seconds: float = 120) -> None:
        """Wait until all of these fire for a deployment; TimeoutError says which do not."""
        await self._until(lambda: {(alert, job) for alert in alerts} - self.firing(), "never fired", seconds)

    async def until_scraped(self, job: str, *, seconds: float = 60) -> None:
        """Wait until a deployment was scraped twice in a row: what it counts from now on is seen to be counted."""
        scraped = f'sum_over_time(up{{job="{job}"}}[5s]) >= 2'
        await self._until(lambda: set() if self.instant(scraped) else {job}, "never scraped", seconds)

    async def until_counted(self, counter: str, *, seconds: float = 120) -> None:
        """Wait until a counter is seen to have grown."""
        grown = f"increase({counter}[10s]) > 0"
        await self._until(lambda: set() if self.instant(grown) else {counter}, "never counted", seconds)

    async def until_quiet(self, job: str, *, but: Sequence[str] = (), seconds: float = 180) -> None:
        """Wait until nothing fires for a deployment; TimeoutError says what does."""
        await self._until(
            lambda: {each for each in self.firing() if each[1] == job and each[0] not in but}, "still fires", seconds
        )

    async def _until(self, rest: Any, what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while left := await asyncio.to_thread(rest):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} in {seconds} s: {sorted(left)}")
            await asyncio.sleep(POLL_SECONDS)

    def rules(self) -> Sequence[Mapping[str, Any]]:
        """Return every rule with the state of its evaluation."""
        groups = self._get("/api/v1/rules", {})["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def _ask(self, kind: str, parameters: Mapping[str, object]) -> Any:
        return self._get(f"/api/v1/{kind}", parameters)["result"]

    def _get(self, path: str, parameters: Mapping[str, object]) -> Any:
        try:
            answer = _open(f"{self.url}{path}?{urlencode(parameters)}")
        except urllib.error.HTTPError as error:
            raise ValueError(f"{parameters}: {error.read().decode()}") from error
        return json.loads(answer)["data"]


@contextmanager
def running_prometheus(directory: Path, config: Path) -> Iterator[Prometheus]:
    """Start it on a free loopback port, wait until it answers, and end it; its log is in the directory."""
    assert PROGRAM is not None, MISSING
    port = free_port()
    command = [
        PROGRAM,
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    server = Prometheus(f"http://127.0.0.1:{port}", directory)
    log = directory / "prometheus.log"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            _wait_until_ready(server.url, log)
            yield server
        finally:
            process.terminate()


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            _open(f"{url}/-/ready")
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"Prometheus did not answer:\n{log.read_text()[-2000:]}")


def _is_written_out(annotations: Mapping[str, str]) -> bool:
    return "error expanding" not in str(annotations) and annotations["runbook_url"].startswith("https://")


def _points(values: Sequence[tuple[float, str]]) -> Sequence[tuple[float, float]]:
    return [(at, float(value)) for at, value in values]


def _open(url: str) -> bytes:
    without_proxies = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with without_proxies.open(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body
