"""Workers forked from a process that has imported everything already: most of the cost of a start is imports.

Each is a process of its own, of which a SIGKILL takes everything. Requests and answers are JSON lines: what to start,
and which process was started or has ended.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
from typing import Any

READ_BYTES = 1 << 16


def main() -> None:
    """Start a worker for each request, and tell of its end, until there are no more requests; then end them all."""
    from trailstream.entrypoints import (  # noqa: PLC0415 - only the process that forks is to have it
        cli,
        worker,  # noqa: F401 - the command line imports it late
    )

    gc.freeze()
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(wake)
    running: set[int] = set()
    requests = b""
    while True:
        ready, _, _ = select.select([sys.stdin, woken], [], [])
        if woken in ready:
            os.read(woken, READ_BYTES)
            _tell_of_the_dead(running)
        if sys.stdin not in ready:
            continue
        received = os.read(sys.stdin.fileno(), READ_BYTES)
        if not received:
            break
        *complete, requests = (requests + received).split(b"\n")
        for line in complete:
            request = json.loads(line)
            pid = os.fork()
            if not pid:
                _become(request)
                sys.exit(cli.main(request["arguments"]))
            running.add(pid)
            _tell(started=pid)
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def _become(request: dict[str, Any]) -> None:
    """Be what a freshly executed program would be: its own environment, files and signals."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(request["environment"])
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDWR)
    for source, target in ((nothing, 0), (nothing, 1), (log, 2)):
        os.dup2(source, target)


def _tell_of_the_dead(running: set[int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        running.discard(pid)
        _tell(ended=pid, code=os.waitstatus_to_exitcode(status))


def _tell(**news: int) -> None:
    sys.stdout.write(f"{json.dumps(news)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
