"""Ways that are served by the stand-in: started, given messages once they poll, measured until the last is deleted."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from .corpus import ROOT
from .found import Found
from .proc import PeakMemory, cpu_seconds
from .processes import Sample, WayFailedError, end_of
from .stand_in import QUEUE_URL, TOPIC_ARN, WORKER_CPU, StandIn, pin


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a worker is told; its alerts go to the topic, or else to standard output."""

    rules: Path
    alerts_to_topic: bool = False
    slots: int = 32

    def text(self, endpoint_url: str) -> str:
        """Return it as the worker reads it."""
        sink = f'[sinks.sns]\ntopic_arn = "{TOPIC_ARN}"\nformat = "json"' if self.alerts_to_topic else "[sinks.stdout]"
        return f"""\
[aws]
region = "us-east-1"
endpoint_url = "{endpoint_url}"
[queue]
url = "{QUEUE_URL}"
slots = {self.slots}
[rules]
directory = {json.dumps(str(self.rules))}
{sink}
[alerts]
budget = 1000000000

[telemetry]
port = 0
"""


def worker(stand_in: StandIn, configuration: Configuration) -> list[str]:
    """Return the command that starts the real worker with this configuration."""
    path = stand_in.directory / "worker.toml"
    path.write_text(configuration.text(stand_in.url))
    return [str(Path(sys.executable).with_name("trailstream")), "worker", "--config", str(path)]


def run_served(
    command: Sequence[str], stand_in: StandIn, keys: Sequence[str], *, per_second: float | None = None
) -> Sample:
    """Measure a process from its first message to its last delete; its alerts are on standard output or the topic."""
    output = stand_in.directory / "alerts"
    with (
        output.open("wb") as out,
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=log) as process,
    ):
        try:
            pin(process.pid, WORKER_CPU)
            stand_in.until_polled()
            memory = PeakMemory(process.pid)
            cpu, stand_in_cpu = cpu_seconds(process.pid), stand_in.cpu_seconds
            stand_in.load(keys, per_second=per_second)
            seen = stand_in.until_settled()
            cpu, stand_in_cpu = cpu_seconds(process.pid) - cpu, stand_in.cpu_seconds - stand_in_cpu
            over_idle = memory.over_idle_mb
        except OSError as error:
            raise WayFailedError(f"{shlex.join(command)}: {error}; the end of its log: {end_of(log)}") from error
        finally:
            process.terminate()
    found = found_in(output)
    found.include(Found.parse(seen["found"]))
    facts = {
        "found": str(found),
        "stand_in_busy": stand_in_cpu / seen["seconds"],
        "peak_over_idle_mb": over_idle,
    }
    return Sample(cpu, seen["seconds"], {**seen, **facts})


def found_in(alerts: Path) -> Found:
    """Return what stands in a file of alerts, one JSON object a line."""
    found = Found()
    with alerts.open("rb") as lines:
        for line in lines:
            found.add(orjson.loads(line)["alert_id"])
    return found
