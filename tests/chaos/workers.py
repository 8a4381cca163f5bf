"""The real worker as a process, started, hurt and watched from outside."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from endpoint import REGION, wiped_environment
from trailstream.bootstrap.failpoints import REACHED
from trailstream.config import FAILPOINT_VARIABLE

from .account import Account, windows_table
from .processes import Process, Start, execute
from .trails import COUNTING_FILE, RULES, rule_file

VISIBILITY_SECONDS = 2
"""As short as the settings allow: what a dead worker held is everybody's again soon."""

STOP_SECONDS = 20
STARTED = '"event":"started"'

LedgerKind = Literal["none", "sqlite", "dynamodb"]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker is told, beside where its queue and its topic are."""

    directory: Path
    """For the rules, the configuration, the ledger and the logs."""
    endpoint_url: str
    ledger: LedgerKind = "sqlite"
    ledger_path: Path | None = None
    """Another place for the SQLite file than the directory."""
    slots: int = 4
    claim_seconds: int = 2
    """Short, as the visibility is; half of it is how long a call to the topic may take."""
    budget: int = 1000
    """Alerts that a rule may have of its own; so many that there is no storm."""
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Set in its environment."""
    start: Start = execute

    @property
    def ledger_file(self) -> Path:
        """Where the SQLite ledger is."""
        return self.ledger_path or self.directory / "ledger.sqlite"

    def write(self, account: Account, path: Path) -> None:
        """Write a worker's configuration, and the rules that all of them share, which may be read meanwhile."""
        rules = self.directory / "rules"
        if not rules.exists():
            rules.mkdir()
            for rule_id in RULES:
                (rules / f"{rule_id}.yaml").write_text(rule_file(rule_id))
            (rules / "counting.yaml").write_text(COUNTING_FILE)
        path.write_text(self._text(account))

    def _text(self, account: Account) -> str:
        return f"""\
[aws]
region = "{REGION}"
endpoint_url = "{self.endpoint_url}"
[queue]
url = "{account.queue_url}"
slots = {self.slots}
poll_wait_seconds = 1
visibility_seconds = {VISIBILITY_SECONDS}
retry_first_seconds = 0.2
retry_longest_seconds = 1
reject_visibility_seconds = 0
shutdown_grace_seconds = 5
[sinks.sns]
topic_arn = "{account.topic_arn}"
format = "json"
[alerts]
budget = {self.budget}
period_seconds = 2
[telemetry]
port = 0
{self._ledger(account)}{self._windows(account)}"""

    def _ledger(self, account: Account) -> str:
        stores = {
            "none": "",
            "sqlite": f"[ledger.sqlite]\npath = {json.dumps(str(self.ledger_file))}",
            "dynamodb": f'[ledger.dynamodb]\ntable = "{account.name}"',
        }
        return f"[ledger]\nclaim_seconds = {self.claim_seconds}\n{stores[self.ledger]}\n"

    def _windows(self, account: Account) -> str:
        if self.ledger == "dynamodb":
            return f'[windows.dynamodb]\ntable = "{windows_table(account.name)}"\n'
        return f"[windows.sqlite]\npath = {json.dumps(str(self.directory / 'windows.sqlite'))}\n"


class Worker:
    """One worker process. Where it is not over when the block ends, it is killed."""

    def __init__(self, process: Process, log_path: Path, failpoint: str) -> None:
        self._process = process
        self._failpoint = failpoint
        self.log_path = log_path

    @classmethod
    async def start(cls, setup: Setup, account: Account, name: str, *, failpoint: str = "") -> Worker:
        """Start ``trailstream worker``."""
        config, log_path = (setup.directory / f"{name}.{kind}" for kind in ("toml", "log"))
        setup.write(account, config)
        log_path.touch()
        variables = wiped_environment() | dict(setup.variables) | ({FAILPOINT_VARIABLE: failpoint} if failpoint else {})
        process = await setup.start(["worker", "--config", str(config)], variables, log_path)
        return cls(process, log_path, failpoint)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_over(self) -> bool:
        return self._process.returncode is not None

    @property
    def was_killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self._process.returncode == -signal.SIGKILL

    @property
    def reached_failpoint(self) -> bool:
        """Whether its failpoint has fired."""
        return self._failpoint != "" and f'"{REACHED}"' in self.log_path.read_text()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still lives."""
        if not self.is_over:
            self._process.send_signal(number)

    async def kill(self) -> None:
        self.send(signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> int:
        """End it as an operator does; return its exit code. Raises :class:`TimeoutError` where it does not obey.

        A second signal would end it at once, so none is sent where its failpoint has sent one.
        """
        while not (self.is_over or STARTED in self.log_path.read_text()):  # noqa: ASYNC110 - a file only to be read
            await asyncio.sleep(0.05)  # before that, the signal simply ends it
        if not (self._failpoint.endswith(":term") and self.reached_failpoint):
            self.send(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            return await self._process.wait()
