"""Everything that the demo needs to be running: the stand-in for AWS, what a user has in it, and the worker."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from . import aws_account
from .aws_account import Account
from .processes import Program, free_port

RULES = Path(__file__).resolve().parent.parent / "rules"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs, and where it can be reached."""

    endpoint: Program
    endpoint_url: str
    worker: Program
    worker_url: str
    account: Account

    @property
    def metrics_url(self) -> str:
        """Where the worker says what it does."""
        return f"{self.worker_url}/metrics"

    def check(self) -> None:
        """Raise :class:`~.errors.DemoError` where a program has ended."""
        self.endpoint.check()
        self.worker.check()


@asynccontextmanager
async def stage(endpoint_program: Path, accounts: Sequence[str]) -> AsyncIterator[Stage]:
    """Set everything up, and take it away at the end, whatever the end is: no process and no file is left.

    The accounts are those whose metrics are wanted from the start. Raises :class:`~.errors.DemoError` where something
    does not start.
    """
    cut_off_from_aws()
    with tempfile.TemporaryDirectory(prefix="trailstream-demo-") as name:
        folder = Path(name)
        endpoint_url, worker_url = (f"http://{HOST}:{free_port()}" for _ in range(2))
        with _endpoint(endpoint_program, folder, endpoint_url) as endpoint:
            await endpoint.until_ready(f"{endpoint_url}/_ministack/health")
            async with aws_account.connected(endpoint_url) as clients:
                account = await aws_account.furnish(clients)
                config = folder / "trailstream.toml"
                config.write_text(configuration(endpoint_url, worker_url, account, accounts, folder), encoding="utf-8")
                with _worker(folder, config) as worker:
                    await worker.until_ready(f"{worker_url}/readyz")
                    yield Stage(endpoint, endpoint_url, worker, worker_url, account)


def cut_off_from_aws() -> None:
    """Leave nothing in the environment by which anything here could reach a real account or configuration."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "BOTO_", "TRAILSTREAM_"))]:
        del os.environ[name]
    os.environ.update(aws_account.ENVIRONMENT)


def configuration(endpoint_url: str, worker_url: str, account: Account, accounts: Sequence[str], folder: Path) -> str:
    """Return the worker's settings as it will read them. A JSON string or list is one of TOML, too."""
    port = worker_url.rpartition(":")[2]
    return f"""\
[aws]
region = {json.dumps(aws_account.REGION)}
endpoint_url = {json.dumps(endpoint_url)}

[queue]
url = {json.dumps(account.log_queue_url)}
shutdown_grace_seconds = 5

[rules]
directory = {json.dumps(str(RULES))}

[sinks.sns]
topic_arn = {json.dumps(account.alert_topic_arn)}

[ledger.sqlite]
path = {json.dumps(str(folder / "ledger.db"))}

[telemetry]
host = {json.dumps(HOST)}
port = {port}
accounts = {json.dumps(list(accounts))}
"""


def _endpoint(program: Path, folder: Path, url: str) -> Program:
    environment = {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": url.rpartition(":")[2],
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
    }
    name, log = "the local AWS endpoint", folder / "endpoint.log"
    # It would wait for polls that nobody reads any more, and has nothing to lose.
    return Program(name, [str(program)], log=log, environment=environment, grace_seconds=0.5)


def _worker(folder: Path, config: Path) -> Program:
    command = [str(Path(sys.executable).with_name("trailstream")), "worker", "--config", str(config)]
    environment, log = {"TMPDIR": str(folder)}, folder / "worker.log"
    return Program("the worker", command, log=log, environment=environment, grace_seconds=10)
