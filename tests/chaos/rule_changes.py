"""The rules change while the worker works: for usable ones, and for broken ones."""

from __future__ import annotations

import asyncio
import signal

from .experiment import LOOK_EVERY_SECONDS, PUBLISH_BATCH, Experiment
from .workers import STARTED

CHANGES = 9
BROKEN_EVERY = 3
MORE = "id: more\ntitle: Nobody calls this\nseverity: low\npattern: {{eventName: [Nothing{}]}}\n"
BROKEN = "colour: red\n"


async def exchanged(experiment: Experiment) -> None:
    """Change the rules again and again from the start of the work on."""
    worker = await experiment.start()
    more = experiment.setup.directory / "rules" / "more.yaml"
    while STARTED not in worker.log_path.read_text():  # noqa: ASYNC110 - a file only to be read
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    for number in range(CHANGES):
        more.write_text(MORE.format(number) if number % BROKEN_EVERY else BROKEN)
        worker.send(signal.SIGHUP)
        await asyncio.sleep(experiment.rng.uniform(0, 0.1))
        if number == 0:
            await experiment.strike(excuses=PUBLISH_BATCH)  # a busy machine may take longer than a claim lasts
    more.unlink()
    await experiment.finish(worker)
    if '"event":"rules ' not in worker.log_path.read_text():
        experiment.trouble.append("the rules were never read again")
