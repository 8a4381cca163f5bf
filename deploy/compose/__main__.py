"""The account that ``deploy/compose.yaml`` plays in: made at the start, then written to for as long as it runs."""

from __future__ import annotations

import argparse
import asyncio
import itertools
from datetime import UTC, datetime
from pathlib import Path

from deploy.demo.aws_account import Account, connected, furnish
from deploy.demo.generator import Generator
from deploy.demo.workload import NOTABLE, SEED, workload

FIRST_OBJECTS, OBJECTS_A_ROUND = 300, 20
ROUND_SECONDS = 15


def main() -> None:
    """Run until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m deploy.compose", description=__doc__)
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--furnished", type=Path, required=True, help="is made when everything is there to start with")
    options = parser.parse_args()
    asyncio.run(_run(options.endpoint_url, options.furnished))


async def _run(endpoint_url: str, furnished: Path) -> None:
    async with connected(endpoint_url) as clients:
        account = await furnish(clients)
        await asyncio.to_thread(furnished.touch)
        await _deliver(account)


async def _deliver(account: Account) -> None:
    for each in workload(SEED, datetime.now(UTC), small_objects=FIRST_OBJECTS, large_object_mb=10):
        await account.upload(each)
    for seed in itertools.count(SEED + 1):
        await asyncio.sleep(ROUND_SECONDS)
        for each in Generator(seed, datetime.now(UTC)).objects(OBJECTS_A_ROUND, planted=NOTABLE):
            await account.upload(each)


if __name__ == "__main__":
    main()
