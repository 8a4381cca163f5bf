"""All faults, as lines of the table."""

from __future__ import annotations

from collections.abc import Sequence

from . import crashes, network, rule_changes, surroundings
from .campaign import Fault, Stage
from .experiment import Experiment, Outcome
from .partial import partial_failures
from .theatre import Drive, Theatre
from .workers import LedgerKind

KILLS_AT_EACH_STEP = 45
FAULTS_OF_EACH_KIND = 240
PARTIAL_SHARE = 0.2
"""Of the entries of a batch that fail."""


def every_fault() -> Sequence[Fault]:
    """Return them in the order of the table."""
    return [*_crashes(), *_network(), *_surroundings()]


def staged(drive: Drive, *, fifo: bool = False, ledger: LedgerKind = "sqlite") -> Stage:
    """Return the stage on which nothing but the drive hurts the worker."""

    async def stage(theatre: Theatre, seed: int) -> Outcome:
        return await theatre.stage(drive, seed, fifo=fifo, ledger=ledger)

    return stage


def _crashes() -> list[Fault]:
    at_steps = [
        Fault(f"kill -9 at {step}", staged(crashes.killed_at(step)), KILLS_AT_EACH_STEP) for step in crashes.STEPS
    ]
    any_moment = crashes.killed_at_any_moment
    return [
        *at_steps,
        Fault("kill -9 at any moment", staged(any_moment), 60),
        Fault("kill -9, ledger in DynamoDB", staged(any_moment, ledger="dynamodb"), 30),
        Fault("kill -9, no ledger, FIFO topic", staged(_never_repeated(any_moment), ledger="none", fifo=True), 30),
        Fault("kill -9, two workers", staged(crashes.several_at_once(2)), 20),
        Fault("kill -9, eight workers", staged(crashes.several_at_once(8)), 8),
        Fault("kill -9, eight workers, DynamoDB", staged(crashes.several_at_once(8), ledger="dynamodb"), 8),
        Fault("kill -9 in a storm", staged(crashes.killed_in_a_storm), 20),
        Fault("SIGTERM in the middle", staged(crashes.told_to_stop), 30),
        Fault("frozen while another works", staged(crashes.held_while_another_works), 10),
    ]


def _network() -> list[Fault]:
    kinds = [
        Fault(f"calls: {kind}", _through_proxy([kind]), FAULTS_OF_EACH_KIND, quick_strikes=10) for kind in network.KINDS
    ]
    every = list(network.KINDS)
    return [
        *kinds,
        Fault("calls: all of these", _through_proxy(every), FAULTS_OF_EACH_KIND, quick_strikes=10),
        Fault("calls: all, DynamoDB", _through_proxy(every, ledger="dynamodb"), 100, quick_strikes=10),
        Fault("calls: all, FIFO topic", _through_proxy(every, fifo=True), 100, quick_strikes=10),
        Fault("batches fail in part", staged(_partial_failures), 100, quick_strikes=10),
    ]


def _surroundings() -> list[Fault]:
    no_clock = "" if surroundings.faketime() else "faketime is not installed here"
    return [
        Fault("endpoint stopped and started", surroundings.endpoint_restarted, 10),
        Fault("clock jumps", staged(surroundings.clock_jumps), 20, absent=no_clock),
        Fault("clocks disagree", staged(surroundings.clocks_disagree), 10, absent=no_clock),
        Fault(
            "disk full under the ledger",
            staged(surroundings.disk_full),
            10,
            absent="" if surroundings.may_mount() else "only root may mount a small disk",
        ),
        Fault("files may not grow", staged(surroundings.files_may_not_grow), 10),
        Fault("rules change", staged(rule_changes.exchanged), 30),
    ]


def _through_proxy(kinds: Sequence[str], *, fifo: bool = False, ledger: LedgerKind = "sqlite") -> Stage:
    async def stage(theatre: Theatre, seed: int) -> Outcome:
        assert theatre.proxy is not None
        drive = network.through(theatre.proxy, kinds, fifo=fifo)
        return await theatre.stage(drive, seed, fifo=fifo, ledger=ledger, small_objects=network.OBJECTS)

    return stage


def _never_repeated(drive: Drive) -> Drive:
    """Return the same without the repeats that it excuses: the topic drops them."""

    async def strict(experiment: Experiment) -> None:
        await drive(experiment)
        experiment.may_repeat = 0

    return strict


async def _partial_failures(experiment: Experiment) -> None:
    async with partial_failures(experiment.setup.endpoint_url, experiment.rng, PARTIAL_SHARE) as proxy:
        worker = await experiment.start(endpoint_url=proxy.url)
        await experiment.finish(worker)
        experiment.struck += proxy.failed
