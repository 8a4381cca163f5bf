"""What ``deploy/compose.yaml`` brings up, as far as it needs no container: its account, its settings, its wiring."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from endpoint import ROOT, free_port, running_endpoint, wiped_environment
from stage import running_worker
from trailstream.config import WorkerSettings, load_settings

COMPOSE = ROOT / "deploy" / "compose.yaml"
SETTINGS = ROOT / "deploy" / "compose" / "trailstream.toml"
STATE = "/var/lib/trailstream"


def services() -> dict[str, Any]:
    described: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return described


def mounted() -> list[Path]:
    """Everything of the repository that a service is given, or built from."""
    volumes = [volume.split(":")[0] for each in services().values() for volume in each.get("volumes", [])]
    return [COMPOSE.parent / name for name in volumes if name.startswith(".")]


async def test_the_account_that_it_makes_is_the_one_that_its_worker_reads(tmp_path: Path) -> None:
    furnished, port = tmp_path / "furnished", free_port()
    with running_endpoint(tmp_path) as endpoint:
        command = [
            sys.executable,
            "-m",
            "deploy.compose",
            "--endpoint-url",
            endpoint.url,
            "--furnished",
            str(furnished),
        ]
        account = subprocess.Popen(command, cwd=ROOT, env=wiped_environment())  # noqa: ASYNC220 -- forks at once
        try:
            config = SETTINGS.read_text().replace("http://aws:4566", endpoint.url).replace(STATE, str(tmp_path))
            async with running_worker(tmp_path, f"{config}\n[telemetry]\nport = {port}\n", port=port) as worker:
                await worker.until(lambda: worker.metric('trailstream_sent_alerts_total{sink="sns"}'))
                assert furnished.exists()
                assert await worker.stopped() == 0
        finally:
            account.kill()
            account.wait()


def test_it_lets_the_worker_stop_with_grace() -> None:
    grace = TypeAdapter(timedelta).validate_python(f"PT{services()['worker']['stop_grace_period'].upper()}")
    assert grace.total_seconds() > load_settings(WorkerSettings, SETTINGS).queue.shutdown_grace_seconds


def test_it_mounts_what_is_there() -> None:
    assert [path for path in mounted() if not path.exists()] == []


def test_it_opens_no_port_to_the_network() -> None:
    ports = [port for each in services().values() for port in each.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
