"""What log objects are read with: one client for every bucket, each with its owner and its role."""

from __future__ import annotations

from collections.abc import Mapping

from trailstream.adapters.assumed_role import Role
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.lean_clients import LeanS3
from trailstream.config.settings import LogsSettings


async def make_logs_client(settings: LogsSettings, aws: AwsClients) -> LeanS3:
    """Make the client that reads the buckets of the settings as they say, and every other one as ourselves."""
    owners = {name: bucket.account for name, bucket in settings.buckets.items()}
    return await aws.lean_s3(owners=owners, roles=roles_of(settings))


def roles_of(settings: LogsSettings) -> Mapping[str, Role]:
    """Return the roles that are assumed, by bucket."""
    return {
        name: Role(bucket.role_arn, bucket.external_id)
        for name, bucket in settings.buckets.items()
        if bucket.role_arn is not None
    }
