"""The settings of sinks, and of how alerts are sent to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from trailstream.config.section import Section


class SinkSettings(Section):
    """What can be set of every sink."""

    enabled: bool = True
    """Whether alerts are sent there."""


class SnsSettings(SinkSettings):
    """Alerts as SNS notifications."""

    topic_arn: str = Field(pattern=r"^arn:[^:]+:sns:[^:]+:\d{12}:.+$")
    """The topic, standard or FIFO."""
    format: Literal["text", "json"] = "text"
    """``text`` is for people (email, chat); ``json`` is the alert as one JSON object, for programs."""


class SqsSettings(SinkSettings):
    """Alerts as messages on a queue, for programs."""

    url: str = Field(pattern=r"^https?://")
    """A queue of its own, standard or FIFO. Each message is an alert as one JSON object."""


class StdoutSettings(SinkSettings):
    """Alerts as JSON lines on standard output."""


class SinksSettings(Section):
    """Where alerts go. A delivery is done only when every sink has accepted every alert."""

    sns: SnsSettings | None = None
    sqs: SqsSettings | None = None
    stdout: StdoutSettings | None = None

    @property
    def enabled(self) -> Mapping[str, SinkSettings]:
        """The settings of each sink that alerts are sent to, by the sink's name."""
        return {name: sink for name, sink in self if sink is not None and sink.enabled}


def _somebody_listens(sinks: SinksSettings) -> SinksSettings:
    if not sinks.enabled:
        raise ValueError("no sink is configured, so no alert would reach anybody")
    return sinks


HeardSinks = Annotated[SinksSettings, AfterValidator(_somebody_listens)]
"""Sinks of which at least one is sent to."""


class AlertSettings(Section):
    """How alerts are sent, to whichever sink."""

    patience_seconds: float = Field(default=900, ge=0, le=36000)
    """How long a sink that takes nothing is tried before a delivery is handed back, which costs it one receive."""
    budget: int = Field(default=100, ge=1)
    """Alerts of its own that a rule has in a period, at each sink of each worker; a storm alert counts the rest."""
    period_seconds: float = Field(default=300, ge=1, le=3600)
    """How long that period is, from the rule's first alert on; the storm alert is sent at its end."""
