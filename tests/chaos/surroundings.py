"""What the worker stands on fails: its endpoint goes away, its clock jumps, its disk is full."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from endpoint import free_port, running_endpoint

from .account import furnish
from .crashes import start_held
from .experiment import PUBLISH_BATCH, Experiment, Outcome
from .processes import execute
from .theatre import Theatre
from .trails import trail_of
from .workers import Worker

JUMPS_SECONDS = (3600, -3600, 86400, -86400, 20, -20)
JUMPS = 4
AHEAD_SECONDS = 15

DISK = "size=1m"
FULL_SECONDS = 3.0
RESTARTS = 2


# -- the endpoint ----------------------------------------------------------------------------------------------------


async def endpoint_restarted(theatre: Theatre, seed: int) -> Outcome:
    """Stop an endpoint of the experiment's own cleanly, with persistence, and start it again."""
    name = theatre.fresh_name()
    directory = theatre.directory / f"{name}-endpoint"
    directory.mkdir()
    port = free_port()
    places = {"STATE_DIR": str(directory / "state"), "S3_DATA_DIR": str(directory / "s3")}
    variables = {"PERSIST_STATE": "1", "S3_PERSIST": "1"} | places

    with ExitStack() as running:

        async def drive(experiment: Experiment) -> None:
            worker = await start_held(experiment)
            for _ in range(RESTARTS):
                await experiment.strike(excuses=PUBLISH_BATCH)
                await asyncio.to_thread(running.close)
                worker.send(signal.SIGCONT)
                await asyncio.sleep(experiment.rng.uniform(0.1, 1.0))
                running.enter_context(running_endpoint(directory, port=port, variables=variables))
                await asyncio.sleep(experiment.rng.uniform(0.1, 1.0))
            await experiment.finish(worker)

        endpoint = running.enter_context(running_endpoint(directory, port=port, variables=variables))
        async with endpoint.clients() as aws:
            own = replace(theatre, endpoint=endpoint, aws=aws)
            experiment = own.experiment(trail_of(seed), seed, await furnish(aws, name))
            outcome = await experiment.run(drive)
    theatre.clear(name, outcome)
    return outcome


# -- the clock -------------------------------------------------------------------------------------------------------


def faketime() -> Path | None:
    """Return libfaketime, where it is installed: Debian's package ``faketime``."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


async def clock_jumps(experiment: Experiment) -> None:
    """Let the wall clock jump forward and back under a worker; what measures durations does not jump."""
    clock = _own_clock(experiment)
    worker = await start_held(experiment)
    for _ in range(JUMPS):
        await experiment.strike(excuses=0)
        clock.write_text(f"{experiment.rng.choice(JUMPS_SECONDS):+}")
        worker.send(signal.SIGCONT)
        await asyncio.sleep(experiment.rng.uniform(0.1, 0.5))
    await experiment.finish(worker)


async def clocks_disagree(experiment: Experiment) -> None:
    """Let two workers share a ledger whose clocks are apart by more than a claim lasts.

    The one that is ahead takes over what the other is sending, so whatever is on its way may be sent by both.
    """
    ordinary = experiment.setup
    late = await experiment.start()
    _own_clock(experiment).write_text(f"+{AHEAD_SECONDS}")
    ahead = await experiment.start()
    experiment.setup = ordinary
    await experiment.strike(excuses=len(experiment.expected))
    await experiment.finish(late, ahead)


def _own_clock(experiment: Experiment) -> Path:
    """Give workers from now on a clock of their own; return the file that says how far it is from the real one."""
    library = faketime()
    assert library is not None
    clock = experiment.setup.directory / "clock"
    clock.write_text("+0")
    experiment.setup = replace(
        experiment.setup,
        start=execute,  # a library is only preloaded into what is executed
        variables={
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        },
    )
    return clock


# -- the disk --------------------------------------------------------------------------------------------------------


def may_mount() -> bool:
    """Say whether a small disk can be made."""
    return os.geteuid() == 0


async def disk_full(experiment: Experiment) -> None:
    """Fill the disk under the SQLite ledger for a while. A batch that was accepted may then not be recorded."""
    disk = experiment.setup.directory / "disk"
    disk.mkdir()
    await _run("mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(disk))
    try:
        experiment.setup = replace(experiment.setup, ledger_path=disk / "ledger.sqlite")
        worker = await start_held(experiment)
        await experiment.strike(excuses=PUBLISH_BATCH)
        _fill(disk / "filler")
        worker.send(signal.SIGCONT)
        await asyncio.sleep(FULL_SECONDS)
        (disk / "filler").unlink()
        await experiment.finish(worker)
    finally:
        await _run("umount", "--lazy", str(disk))


async def files_may_not_grow(experiment: Experiment) -> None:
    """Forbid the worker to write beyond the start of any file for a while: its ledger, and its log."""
    worker = await start_held(experiment)
    await experiment.strike(excuses=PUBLISH_BATCH)
    _limit_files(worker, 4096)
    worker.send(signal.SIGCONT)
    await asyncio.sleep(FULL_SECONDS)
    _limit_files(worker, resource.RLIM_INFINITY)
    await experiment.finish(worker)


async def _run(*command: str) -> None:
    await asyncio.to_thread(subprocess.run, command, check=True)


def _fill(path: Path) -> None:
    """Write until nothing goes on the disk any more."""
    with path.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            return


def _limit_files(worker: Worker, most_bytes: int) -> None:
    _, hard = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (most_bytes, hard))
