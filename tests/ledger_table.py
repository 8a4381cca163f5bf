"""The table of the DynamoDB ledger, made as the documentation tells an operator to make it, but without TTL.

The ledger never relies on TTL, and the endpoint's would clean away what tests write with times of years ago.
"""

from __future__ import annotations

from trailstream.adapters.aws import AwsClients

TABLE = "trailstream-ledger"


async def create_ledger_table(aws: AwsClients, name: str = TABLE) -> str:
    """Return its name."""
    client = await aws.dynamodb()
    await client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name
