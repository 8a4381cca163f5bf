from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from trailstream.adapters.aws import AwsClients
from trailstream.bootstrap.sinks import SINKS, open_sinks
from trailstream.config.sinks import HeardSinks, SinksSettings, SnsSettings, SqsSettings, StdoutSettings

EVERY_SINK = SinksSettings(
    sns=SnsSettings(topic_arn="arn:aws:sns:eu-west-1:111122223333:alerts"),
    sqs=SqsSettings(url="https://sqs.eu-central-1.amazonaws.com/111122223333/alerts"),
    stdout=StdoutSettings(),
)


async def names_of(settings: SinksSettings) -> list[str]:
    async with (
        AwsClients(region="us-east-1", endpoint_url=None, connections=1) as aws,
        open_sinks(settings, aws) as sinks,
    ):
        return [sink.name for sink in sinks]


def test_every_sink_that_can_be_configured_stands_in_the_table() -> None:
    assert SINKS.keys() == SinksSettings.model_fields.keys()


async def test_every_section_opens_a_sink_that_metrics_and_health_name_as_the_section_is_named() -> None:
    assert await names_of(EVERY_SINK) == list(SinksSettings.model_fields)


@pytest.mark.parametrize("name", SinksSettings.model_fields)
async def test_one_sink_of_any_kind_is_enough_and_the_last_cannot_be_switched_off(name: str) -> None:
    alone = {name: getattr(EVERY_SINK, name)}
    assert await names_of(SinksSettings(**alone)) == [name]
    off = {name: getattr(EVERY_SINK, name).model_copy(update={"enabled": False})}
    with pytest.raises(ValueError, match="no sink is configured"):
        TypeAdapter(HeardSinks).validate_python(off)
    others = {other: getattr(EVERY_SINK, other) for other in SinksSettings.model_fields if other != name}
    assert await names_of(SinksSettings(**others, **off)) == list(others)
