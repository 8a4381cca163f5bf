"""All faults, as lines of the table."""

from __future__ import annotations

from collections.abc import Sequence

from . import crashes
from .campaign import Fault, Stage
from .experiment import Outcome
from .theatre import Drive, Theatre
from .workers import LedgerKind

KILLS_AT_EACH_STEP = 55


def every_fault() -> Sequence[Fault]:
    """Return them in the order of the table."""
    return [*_crashes()]


def _crashes() -> list[Fault]:
    at_steps = [
        Fault(f"kill -9 at {step}", staged(crashes.killed_at(step)), KILLS_AT_EACH_STEP) for step in crashes.STEPS
    ]
    return [
        *at_steps,
        Fault("kill -9 at any moment", staged(crashes.killed_at_any_moment), 60),
        Fault("kill -9, ledger in DynamoDB", staged(crashes.killed_at_any_moment, ledger="dynamodb"), 30),
        Fault("SIGTERM in the middle", staged(crashes.told_to_stop), 30),
        Fault("frozen while another works", staged(crashes.held_while_another_works), 10),
    ]


def staged(drive: Drive, *, fifo: bool = False, ledger: LedgerKind = "sqlite") -> Stage:
    """Return the stage on which nothing but the drive hurts the worker."""

    async def stage(theatre: Theatre, seed: int) -> Outcome:
        return await theatre.stage(drive, seed, fifo=fifo, ledger=ledger)

    return stage
