"""The alert ledger, made from its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.ledgers.dynamodb import DynamoDbLedger
from trailstream.adapters.ledgers.nothing import NoLedger
from trailstream.adapters.ledgers.sqlite import SqliteLedger
from trailstream.bootstrap.files import file_to_make
from trailstream.config.stores import LedgerSettings
from trailstream.pipeline.ports import Ledger


@asynccontextmanager
async def make_ledger(settings: LedgerSettings, aws: AwsClients) -> AsyncIterator[Ledger]:
    """Open the ledger that the settings name, or none; close it when the block ends.

    Raises :class:`ConfigurationError` where the file could never be made, or was written by a later version.
    """
    if settings.sqlite is not None:
        async with SqliteLedger(file_to_make("ledger.sqlite.path", settings.sqlite.path)) as ledger:
            yield ledger
    elif settings.dynamodb is not None:
        client = await aws.dynamodb(region=settings.dynamodb.region)
        yield DynamoDbLedger(client=client, table=settings.dynamodb.table)
    else:
        yield NoLedger()
