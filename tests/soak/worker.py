"""The worker that is soaked: with a ledger, and with a topic for its alerts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from endpoint import free_port

from .objects import RULE
from .source import pin

STOP_SECONDS = 30


@contextmanager
def running_worker(directory: Path, endpoint_url: str) -> Iterator[tuple[int, str]]:
    """Start ``trailstream worker``; give its pid, and where its metrics are.

    Raises where it does not stop with grace in the end.
    """
    port = free_port()
    (directory / "rules").mkdir()
    (directory / "rules" / "rule.yaml").write_text(RULE)
    config = directory / "trailstream.toml"
    config.write_text(_text(endpoint_url, port))
    command = [str(Path(sys.executable).with_name("trailstream")), "worker", "--config", str(config)]
    with (
        (directory / "worker.log").open("wb") as log,
        subprocess.Popen(command, stderr=log) as process,
    ):
        pin(process.pid, 0)
        try:
            yield process.pid, f"http://127.0.0.1:{port}/metrics"
        finally:
            process.terminate()
            code = process.wait(STOP_SECONDS)
    if code != 0:
        raise RuntimeError(f"the worker ended with exit code {code}: {(directory / 'worker.log').read_text()[-2000:]}")


def _text(endpoint_url: str, port: int) -> str:
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
port = {port}
log_level = "warning"
"""
