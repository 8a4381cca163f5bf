"""The worker is killed: at each named step, and at any moment; or told to stop, or held for a while."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import replace

from .experiment import LOOK_EVERY_SECONDS, PUBLISH_BATCH, Experiment
from .processes import execute
from .theatre import Drive
from .workers import Worker

KILLS = 3
"""How often one experiment's workers are killed, at the most, before one may finish."""

FEW_SLOTS = 2
"""A worker that stops with grace finishes what it holds: some must be left."""

STORM_BUDGET = 4
STORM_STEPS = (("AlertOverBudget", 20), ("StormReported", 2))

HELD_SECONDS = 5
"""Longer than both a message's visibility and a claim."""

STEPS: Mapping[str, tuple[int, int]] = {
    "DeliveryReceived": (8, PUBLISH_BATCH),
    "progress": (15, PUBLISH_BATCH),
    "RecordsRead": (4, PUBLISH_BATCH),
    "SightingsCommitted": (8, PUBLISH_BATCH),
    "WindowTold": (3, PUBLISH_BATCH),
    "AlertsClaimed": (6, 0),
    "AlertAccepted": (50, PUBLISH_BATCH),
    "AlertsRecorded": (6, 0),
    "DeliverySettled": (5, PUBLISH_BATCH),
    "DeliveriesForgotten": (4, PUBLISH_BATCH),
}
"""Each step with how often it happens, about, in one experiment, and with the repeats that a kill there may cause.

One batch is on its way to the topic at a time. The steps of that way itself are not within the window between the
acceptance and its record, so a kill there repeats nothing; the other steps may coincide with it.
"""


def killed_at(step: str) -> Drive:
    """Return the fault that kills the worker at this step, again and again."""
    most, excuses = STEPS[step]

    async def drive(experiment: Experiment) -> None:
        for kill in range(KILLS):
            if await experiment.account.is_worked_off():
                return
            failpoint = f"{step}:{experiment.rng.randint(1, max(1, most // (kill + 1)))}:kill"
            worker = await experiment.start(failpoint=failpoint)
            if await experiment.until_over(worker):
                await experiment.stop(worker)
                return
            if not (worker.was_killed and worker.reached_failpoint):
                experiment.trouble.append(f"ended, but not at its failpoint: {worker.log_path.name}")
                return
            await experiment.strike(excuses=excuses)
        await experiment.finish()

    return drive


async def killed_at_any_moment(experiment: Experiment) -> None:
    """Kill the worker after a time that has nothing to do with what it does."""
    for _ in range(KILLS):
        worker = await experiment.start()
        await asyncio.sleep(experiment.rng.uniform(0.1, 0.9))
        await worker.kill()
        if not await experiment.strike(excuses=PUBLISH_BATCH):
            break
    await experiment.finish()


async def killed_in_a_storm(experiment: Experiment) -> None:
    """Kill the worker while a rule has more matches than it may tell one by one.

    What it had counted is counted or told again. The object of each match is named, or the match itself is told.
    """
    experiment.setup = replace(experiment.setup, budget=STORM_BUDGET)
    for _ in range(KILLS):
        if await experiment.account.is_worked_off():
            return
        step, most = experiment.rng.choice(STORM_STEPS)
        worker = await experiment.start(failpoint=f"{step}:{experiment.rng.randint(1, most)}:kill")
        if await experiment.until_over(worker):
            await experiment.stop(worker)
            return
        await experiment.strike(excuses=PUBLISH_BATCH)
    await experiment.finish()


async def told_to_stop(experiment: Experiment) -> None:
    """SIGTERM in the middle, from which nothing may be repeated; to the program as its user starts it."""
    experiment.setup = replace(experiment.setup, start=execute, slots=FEW_SLOTS)
    for _ in range(KILLS):
        if await experiment.account.is_worked_off():
            return
        step = experiment.rng.choice(list(STEPS))
        worker = await experiment.start(failpoint=f"{step}:{experiment.rng.randint(1, STEPS[step][0])}:term")
        await experiment.until_over(worker)
        await experiment.stop(worker)
        await experiment.strike(excuses=0)
    await experiment.finish()


def several_at_once(workers: int) -> Drive:
    """Return the fault that lets so many workers share the queue and the ledger, and kills one after the other."""

    async def drive(experiment: Experiment) -> None:
        running = [await experiment.start() for _ in range(workers)]
        for _ in range(KILLS):
            await asyncio.sleep(experiment.rng.uniform(0.1, 1.0))
            if await experiment.account.is_worked_off():
                break
            await running.pop(0).kill()
            await experiment.strike(excuses=PUBLISH_BATCH)
            running.append(await experiment.start())
        await experiment.finish(*running)

    return drive


async def held_while_another_works(experiment: Experiment) -> None:
    """Freeze the worker until its messages and claims are another's, and let it go on then.

    It may have been about to send, or have sent and not recorded: one batch.
    """
    held = await start_held(experiment)
    await experiment.strike(excuses=PUBLISH_BATCH)
    other = await experiment.start()
    await asyncio.sleep(HELD_SECONDS)
    held.send(signal.SIGCONT)
    await experiment.finish(held, other)


async def start_held(experiment: Experiment) -> Worker:
    """Start a worker and freeze it at some step of its work; one that was too quick for that has worked off all."""
    step = experiment.rng.choice(list(STEPS))
    worker = await experiment.start(failpoint=f"{step}:{experiment.rng.randint(1, STEPS[step][0])}:stop")
    while not (worker.reached_failpoint or await experiment.account.is_worked_off()):  # noqa: ASYNC110 - only to be asked
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return worker
