from __future__ import annotations

from trailstream.adapters.aws import AwsClients
from trailstream.bootstrap.core import make_sinks
from trailstream.config import SinksSettings, SnsSettings, SqsSettings, StdoutSettings

EVERY_SINK = SinksSettings(
    sns=SnsSettings(topic_arn="arn:aws:sns:eu-west-1:111122223333:alerts"),
    sqs=SqsSettings(url="https://sqs.eu-central-1.amazonaws.com/111122223333/alerts"),
    stdout=StdoutSettings(),
)


async def test_every_section_makes_a_sink_that_metrics_and_health_name_as_the_section_is_named() -> None:
    async with AwsClients(region="us-east-1", endpoint_url=None, connections=1) as aws:
        sinks = await make_sinks(EVERY_SINK, aws)
    assert [sink.name for sink in sinks] == list(SinksSettings.model_fields)
