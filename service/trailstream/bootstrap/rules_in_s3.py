"""Rules below a prefix in S3, for tools that read them once. Loads AWS's libraries, which is slow."""

from __future__ import annotations

import asyncio

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.rule_prefix import AT_ONCE, RulePrefix
from trailstream.bootstrap.rules import compiled
from trailstream.config.settings import AwsSettings
from trailstream.pipeline.rules_place import RuleTexts
from trailstream.rules.loading import LoadedRules

_FOUND_BY_BOTOCORE = AwsSettings()


def load_prefix(uri: str, settings: AwsSettings = _FOUND_BY_BOTOCORE) -> LoadedRules:
    """Read and compile every rule below ``s3://bucket/prefix/``.

    Raises :class:`RulesUnreadError` where it cannot be read.
    """
    return compiled(asyncio.run(_read(uri, settings)))


async def _read(uri: str, settings: AwsSettings) -> RuleTexts:
    async with AwsClients(region=settings.region, endpoint_url=settings.endpoint_url, connections=AT_ONCE) as aws:
        return await RulePrefix(client=await aws.s3(), uri=uri).read()
