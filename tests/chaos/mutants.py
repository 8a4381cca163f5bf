"""Bugs planted into a copy of the package. A suite that does not notice them proves nothing."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trailstream

from .campaign import Fault, campaign
from .theatre import Theatre

PACKAGE = Path(trailstream.__file__).parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug: text of one module, and what stands there instead."""

    name: str
    module: str
    original: str
    planted: str
    fault: str
    """The name of the fault that is to show it."""

    @property
    def source(self) -> str:
        """The module with the bug. Raises :class:`ValueError` where its text does not stand there exactly once."""
        text = (PACKAGE / self.module).read_text()
        if (times := text.count(self.original)) != 1:
            raise ValueError(f"{self.name}: {self.module} holds the text to be replaced {times} times, not once")
        return text.replace(self.original, self.planted)

    def plant(self, directory: Path) -> None:
        """Copy the package into the directory, with the bug."""
        copy = directory / PACKAGE.name
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        (copy / self.module).write_text(self.source)


async def is_caught(mutant: Mutant, fault: Fault, theatre: Theatre) -> bool:
    """Say whether a worker with the bug is seen to break a promise, by a few strikes of the fault."""
    package = theatre.directory / theatre.fresh_name()
    mutant.plant(package)
    async with theatre.of_package(package) as mutated:
        tallies = await campaign(mutated, [fault], first_seed=1, lanes=2, quick=True, stop_at_failure=True)
    return any(outcome.breaks_a_promise for tally in tallies for outcome in tally.outcomes)


MUTANTS: Sequence[Mutant] = (
    Mutant(
        "a delivery is deleted before its alerts are sent",
        "pipeline/consumer.py",
        "            await self._custody.settle(held, await self._outcome(held))\n",
        "            from trailstream.model.delivery import Done\n"
        "            await self._custody.settle(held, Done())\n            await self._outcome(held)\n",
        fault="kill -9 at AlertsClaimed",
    ),
    Mutant(
        "a claim counts as sent",
        "adapters/ledgers/sqlite.py",
        '    if until <= now or held_by == holder:\n        return Claim("ours")\n'
        '    return Claim("sent") if held_by is None else Claim("taken", until)\n',
        '    return Claim("ours") if held_by == holder else Claim("sent")\n',
        fault="kill -9 at AlertsClaimed",
    ),
    Mutant(
        "failed entries of a batch are ignored",
        "adapters/alert_batches.py",
        'return [None if entry["Id"] in confirmed else _entry_error',
        'return [None if entry["Id"] in confirmed or entry["Id"] in failed else _entry_error',
        fault="batches fail in part",
    ),
    Mutant(
        "what is counted is not kept when its delivery is done",
        "pipeline/counting.py",
        "        self._store = store\n",
        "        from trailstream.adapters.windows.memory import MemoryWindows\n\n"
        "        self._store = MemoryWindows()\n",
        fault="kill -9 at DeliveriesForgotten",
    ),
)
