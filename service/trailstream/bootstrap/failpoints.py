"""A worker that dies, stops or stalls at a named step of its work: how tests meet a crash exactly where they want it.

``TRAILSTREAM_FAILPOINT=AlertAccepted:3:kill`` sends the process SIGKILL at the third ``AlertAccepted``. A step is the
name of a fact, or ``progress``: a stretch of an object that was read, matched and handed on. Actions are ``kill``,
``term`` and ``stop`` (SIGSTOP). A line on standard error says that the step was reached, before the signal is sent.
"""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import get_args
from urllib.parse import urlsplit

from trailstream.config import FAILPOINT_VARIABLE, failpoint_from_environment
from trailstream.model.facts import Emit, Fact
from trailstream.model.problems import ConfigurationError, Problem

PROGRESS = "progress"
STEPS = frozenset({PROGRESS, *(fact.__name__ for fact in get_args(Fact))})
SIGNALS: Mapping[str, signal.Signals] = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "stop": signal.SIGSTOP}
REACHED = "failpoint reached"
"""The event of the line that is written."""


class Failpoint:
    """Counts one step, and sends this process a signal when it is reached for the given time, once."""

    def __init__(self, step: str, count: int, action: str, *, send: Callable[[signal.Signals], None]) -> None:
        """``send`` sends a signal to this process."""
        self._step = step
        self._count = count
        self._action = action
        self._send = send
        self._reached = 0

    def reach(self, step: str) -> None:
        """Say that a step was reached. With ``kill``, nothing of this process runs afterwards."""
        if step != self._step:
            return
        self._reached += 1
        if self._reached == self._count:
            line = {"level": "warning", "event": REACHED, "step": step, "count": self._count, "action": self._action}
            sys.stderr.write(f"{json.dumps(line)}\n")
            sys.stderr.flush()
            self._send(SIGNALS[self._action])


def armed(emit: Emit, progress: Callable[[], None], *, endpoint_url: str | None) -> tuple[Emit, Callable[[], None]]:
    """Return both as they are, or followed by the failpoint that the environment asks for.

    Raises :class:`ConfigurationError` where it asks for one that does not exist, or with another endpoint than one on
    this machine: then the queue might be somebody's real one.
    """
    text = failpoint_from_environment()
    if text is None:
        return emit, progress
    failpoint = failpoint_of(text, endpoint_url)

    def emit_and_fail(fact: Fact) -> None:
        emit(fact)
        failpoint.reach(type(fact).__name__)

    def progress_and_fail() -> None:
        progress()
        failpoint.reach(PROGRESS)

    return emit_and_fail, progress_and_fail


def _send_to_this_process(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def failpoint_of(
    text: str, endpoint_url: str | None, *, send: Callable[[signal.Signals], None] = _send_to_this_process
) -> Failpoint:
    """Read ``STEP:COUNT:ACTION``. Raises :class:`ConfigurationError`; see :func:`armed`."""
    if not _is_loopback(endpoint_url):
        raise _refused("failpoints are for tests against an AWS endpoint on a loopback address", "unset it")
    step, _, rest = text.partition(":")
    count, _, action = rest.partition(":")
    if step not in STEPS:
        raise _refused(f"no such step: {step!r}", f"known: {', '.join(sorted(STEPS))}")
    if action not in SIGNALS or not (count.isdecimal() and int(count)):
        raise _refused(f"not STEP:COUNT:ACTION: {text!r}", f"COUNT is 1 or more, ACTION one of {', '.join(SIGNALS)}")
    return Failpoint(step, int(count), action, send=send)


def _is_loopback(endpoint_url: str | None) -> bool:
    host = urlsplit(endpoint_url or "").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError([Problem(FAILPOINT_VARIABLE, message, remedy)])
