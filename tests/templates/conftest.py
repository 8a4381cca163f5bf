"""Fixtures of the tests of templates."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from endpoint import Endpoint, running_endpoint
from templates.account import BUCKET, Account

ENFORCING = {"AUTH": "true", "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1"}
"""Permissions are enforced, and what failed in Lambda is tried again soon (AWS waits a minute, and then two)."""


@pytest.fixture(scope="session")
def _strict_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running_endpoint(tmp_path_factory.mktemp("strict"), variables=ENFORCING) as endpoint:
        yield endpoint


@pytest.fixture
async def account(_strict_process: Endpoint) -> AsyncIterator[Account]:
    """An account that enforces permissions, with nothing in it but the bucket."""
    _strict_process.reset()
    async with _strict_process.clients() as aws:
        await (await aws.s3()).create_bucket(Bucket=BUCKET)
        yield Account(_strict_process, aws)
