"""A process that shares a SQLite ledger with others: ``python ledger_process.py claim|record|fill FILE HOLDER``."""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import sys
from pathlib import Path

from trailstream.adapters.ledgers.sqlite import SqliteLedger
from trailstream.model.errors import LedgerUnavailableError

SINK = "sns"
NOW = 1_700_000_000.0
BATCH = 10
CLAIMED_BATCHES = 50
FILE_SIZE_LIMIT = 200_000


def batch_of(owner: str, number: int) -> list[str]:
    return [f"{owner}-{number}-{position}" for position in range(BATCH)]


async def claim(ledger: SqliteLedger, holder: str) -> None:
    """Claim alerts that everybody wants; print those that were ours."""
    ours: list[str] = []
    for number in range(CLAIMED_BATCHES):
        alerts = batch_of("shared", number)
        claims = await ledger.claim(SINK, alerts, holder=holder, now=NOW, until=NOW + 60)
        ours += [alert for alert, claim in zip(alerts, claims, strict=True) if claim.state == "ours"]
    say(json.dumps(ours))


async def record(ledger: SqliteLedger, holder: str) -> None:
    """Claim and record batch after batch, until somebody ends this; print the number of each that is recorded."""
    for number in itertools.count():
        await record_batch(ledger, holder, number)
        say(str(number))


async def fill(ledger: SqliteLedger, holder: str) -> None:
    """Record until no file may grow further; print how many batches were recorded, and what was said of the next.

    Then lift the limit, and record that one again.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE_LIMIT, hard))
    for number in itertools.count():
        try:
            await record_batch(ledger, holder, number)
        except LedgerUnavailableError as error:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            await record_batch(ledger, holder, number)
            say(json.dumps({"recorded": number, "said": str(error)}))
            break


async def record_batch(ledger: SqliteLedger, holder: str, number: int) -> None:
    alerts = batch_of(holder, number)
    await ledger.claim(SINK, alerts, holder=holder, now=NOW, until=NOW + 60)
    await ledger.record_sent(SINK, alerts, now=NOW, until=NOW + 3600)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(what: str, path: str, holder: str) -> None:
    async with SqliteLedger(Path(path), busy_seconds=30) as ledger:
        await {"claim": claim, "record": record, "fill": fill}[what](ledger, holder)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
