"""``trailstream worker``: the long-running door."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from pathlib import Path

import uvloop

from trailstream.bootstrap.worker import open_worker
from trailstream.config import WorkerSettings, load_settings
from trailstream.pipeline.worker import Worker

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_worker(config: Path | None) -> int:
    """Work until a signal says stop; return 0 once what was begun is settled or handed back."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # whoever asks before the rules are read gets those that are there
    settings = load_settings(WorkerSettings, config)
    uvloop.run(_work(settings))
    return 0


async def _work(settings: WorkerSettings) -> None:
    async with open_worker(settings) as worker:
        _obey_signals(worker)
        # What was made so far stays to the end: no collection need look at it again.
        gc.collect()
        gc.freeze()
        await worker.run()


def _obey_signals(worker: Worker) -> None:
    """Let the first signal stop the worker with grace, and the second at once: what is unsettled stays on the queue.

    SIGHUP has it read its rules again.
    """
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if worker.stopping:
            os._exit(128 + number)
        worker.stop()

    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    loop.add_signal_handler(signal.SIGHUP, worker.reload_rules)
