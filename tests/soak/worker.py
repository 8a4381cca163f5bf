"""The worker that is soaked: with a ledger, and with a topic for its alerts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .objects import RULE
from .source import pin

STOP_SECONDS = 30


@contextmanager
def running_worker(directory: Path, endpoint_url: str) -> Iterator[int]:
    """Start ``trailstream worker`` and give its pid. Raises where it does not stop with grace in the end."""
    (directory / "rules").mkdir()
    (directory / "rules" / "rule.yaml").write_text(RULE)
    config = directory / "trailstream.toml"
    config.write_text(_text(endpoint_url))
    command = [str(Path(sys.executable).with_name("trailstream")), "worker", "--config", str(config)]
    with (
        (directory / "worker.log").open("wb") as log,
        subprocess.Popen(command, stderr=log) as process,
    ):
        pin(process.pid, 0)
        try:
            yield process.pid
        finally:
            process.terminate()
            code = process.wait(STOP_SECONDS)
    if code != 0:
        raise RuntimeError(f"the worker ended with exit code {code}: {(directory / 'worker.log').read_text()[-2000:]}")


def _text(endpoint_url: str) -> str:
    return f"""\
[aws]
region = "us-east-1"
endpoint_url = "{endpoint_url}"
[queue]
url = "https://sqs.us-east-1.amazonaws.com/111122223333/notifications"
[sinks.sns]
topic_arn = "arn:aws:sns:us-east-1:111122223333:alerts"
format = "json"
[alerts]
budget = 1000000
[ledger.sqlite]
path = "ledger.sqlite"
[telemetry]
port = 0
log_level = "warning"
"""
