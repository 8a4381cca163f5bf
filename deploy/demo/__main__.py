"""``make demo``: trailstream at work on this machine, and nothing left of it afterwards."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from rich.console import Console

from .aws_account import BUCKET
from .demo import Demo
from .errors import DemoError
from .generator import LogObject
from .plain_loop import Expected, expected_alerts
from .screen import Screen
from .stage import Stage, stage
from .workload import add_options, workload

FAILED, INTERRUPTED = 1, 130
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Return 0 where exactly the expected alerts arrived, 1 where not or something failed, 130 when interrupted."""
    options = _options()
    screen = Screen(Console(highlight=False))
    # A shell starts its background jobs with SIGINT ignored, and Python leaves it so.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        screen.say("Writing CloudTrail logs, and reading them with a plain loop ...")
        now = datetime.now(UTC)
        logs = workload(options.seed, now, small_objects=options.objects, large_object_mb=options.large_mb)
        objects = list(logs)
        expected = expected_alerts(objects)
        return 0 if asyncio.run(_run(options, screen, objects, expected)) else FAILED
    except (asyncio.CancelledError, KeyboardInterrupt):
        screen.say("Interrupted. Nothing was left behind.")
        return INTERRUPTED
    except DemoError as error:
        screen.say(f"Failed: {error}")
        return FAILED


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--endpoint", type=Path, required=True, help="the executable of the local AWS endpoint")
    add_options(parser, large_object_mb=48)
    parser.add_argument("--stay", action="store_true", help="keep everything running until Ctrl-C")
    return parser.parse_args()


async def _run(options: argparse.Namespace, screen: Screen, objects: Sequence[LogObject], expected: Expected) -> bool:
    _stop_at_the_first_signal()
    screen.say("Starting the local AWS endpoint and the worker ...")
    accounts = sorted({each.account for each in objects})
    async with stage(options.endpoint, accounts) as running, aiohttp.ClientSession() as http:
        screen.say(f"The worker is running. Its metrics: {running.metrics_url}")
        demo = Demo(running, screen, objects, expected, http)
        as_expected = await demo.run()
        if options.stay:
            screen.say(_what_to_try(running))
            with contextlib.suppress(asyncio.CancelledError):
                await demo.stay()
        return as_expected


def _stop_at_the_first_signal() -> None:
    """Let the first signal unwind everything. Later ones change nothing: what is being taken away is taken away."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in SIGNALS:
        loop.add_signal_handler(number, lambda: task.cancelling() or task.cancel())


def _what_to_try(running: Stage) -> str:
    return (
        f"Everything keeps running until Ctrl-C. Metrics: {running.metrics_url}; health: {running.worker_url}/healthz\n"
        "Give it a log of your own, with any AWS credentials in the environment:\n"
        f"  aws --endpoint-url {running.endpoint_url} s3 cp YOUR_LOG.json.gz s3://{BUCKET}/AWSLogs/"
    )


if __name__ == "__main__":
    sys.exit(main())
