"""The quarantine, made from its settings."""

from __future__ import annotations

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.quarantines.file import FileQuarantine
from trailstream.adapters.quarantines.nothing import NoQuarantine
from trailstream.adapters.quarantines.s3 import S3Quarantine
from trailstream.adapters.quarantines.sqs import SqsQuarantine
from trailstream.adapters.sqs import SqsQueue, queue_region
from trailstream.adapters.sqs_inlet import SqsInlet
from trailstream.config.stores import QuarantineSettings
from trailstream.pipeline.ports import Quarantine


async def make_quarantine(settings: QuarantineSettings, aws: AwsClients) -> Quarantine:
    """Make the quarantine that the settings name: a new kind is a branch here and a section there."""
    if settings.file is not None:
        return FileQuarantine(directory=settings.file.directory)
    if settings.s3 is not None:
        return S3Quarantine(client=await aws.s3(), bucket=settings.s3.bucket, prefix=settings.s3.prefix)
    if settings.sqs is not None:
        url = settings.sqs.url
        client = await aws.lean_sqs(region=queue_region(url))
        return SqsQuarantine(queue=SqsQueue(client=client, queue_url=url), inlet=SqsInlet(client=client, queue_url=url))
    return NoQuarantine()
