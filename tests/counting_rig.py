"""Failed logins, a correlation that counts them, and a world with a store of windows that may fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from doors import World, log
from samples import topic_record
from trailstream.adapters.windows.memory import MemoryWindows
from trailstream.model.errors import WindowsUnavailableError
from trailstream.model.window import Group, Window
from trailstream.pipeline.ports import Known, Visit

NOW = 1_767_323_100.0
"""A while after the records' time, 2026-01-02T03:00:00Z."""

FAILED_LOGIN = """
title: Failed login
name: failed_login
id: 0e45c7a4-0000-4000-8000-000000000001
status: test
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: ConsoleLogin, errorMessage: Failed authentication}
  condition: selection
"""
BRUTE_FORCE = """
title: Many failed logins
id: 0e45c7a4-0000-4000-8000-000000000002
status: test
level: high
correlation:
  type: event_count
  rules: [failed_login]
  group-by: [sourceIPAddress]
  timespan: 5m
  condition: {gte: 3}
trailstream: {title: "{count} failed logins from {sourceIPAddress}"}
"""
BRUTE_FORCE_ID = "0e45c7a4-0000-4000-8000-000000000002"
RULES = (("failed.yml", FAILED_LOGIN), ("brute.yml", BRUTE_FORCE))


def failed(number: int, *, second: int | None = None, ip: str = "192.0.2.7", **fields: Any) -> dict[str, Any]:
    """A failed login; its number is its second, unless that is said."""
    minutes, seconds = divmod(number if second is None else second, 60)
    time = f"2026-01-02T03:{minutes:02}:{seconds:02}Z"
    record = topic_record(number, "ConsoleLogin", eventTime=time, sourceIPAddress=ip)
    return record | {"errorMessage": "Failed authentication"} | fields


def world_of(*objects: Sequence[dict[str, Any]], rules: Sequence[tuple[str, str]] = RULES, **fields: Any) -> World:
    """A world with these objects, "0", "1", ..."""
    world = World(rules=rules, now=NOW, **fields)
    for number, records in enumerate(objects):
        world.store.put("logs", str(number), log(*records))
    return world


@dataclass
class FailingWindows(MemoryWindows):
    """Fails at its next calls of one kind, before or after it has done what it was asked for."""

    at: str = "visit"
    times: int = 1
    after: bool = False
    visits: list[Visit] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def visit(self, visits: Sequence[Visit], *, now: float) -> Sequence[Known]:
        self.visits += visits
        known = await super().visit(visits, now=now) if self._does("visit") else []
        self._fail("visit")
        return known

    async def tell(self, windows: Sequence[tuple[Group, Window]], *, keep_until: float) -> Sequence[Window]:
        stand = await super().tell(windows, keep_until=keep_until) if self._does("tell") else []
        if windows:
            self._fail("tell")
        return stand

    def _does(self, call: str) -> bool:
        return self.at != call or not self.times or self.after

    def _fail(self, call: str) -> None:
        if self.at == call and self.times:
            self.times -= 1
            raise WindowsUnavailableError("out of order")
