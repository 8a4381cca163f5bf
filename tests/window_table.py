"""The table of the DynamoDB window store, made as the documentation tells an operator to make it, but without TTL."""

from __future__ import annotations

from trailstream.adapters.aws import AwsClients

TABLE = "trailstream-windows"


async def create_window_table(aws: AwsClients, name: str = TABLE) -> str:
    """Return its name."""
    client = await aws.dynamodb()
    await client.create_table(
        TableName=name,
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name
