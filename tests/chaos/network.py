"""What a network and a service in trouble do to calls, of every service that the worker talks to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .experiment import PUBLISH_BATCH, Experiment
from .proxy import FaultProxy, Rule
from .theatre import Drive

SHARE = 0.15
"""Of the calls that are hurt."""

OBJECTS = 25
"""More than elsewhere, for more calls."""

SLOTS = 32
"""As by default: calls that fail keep slots for as long as they are tried again."""

CLAIM_SECONDS = 20
"""Time for a call to the topic to be tried again by the client, and to be answered in the end."""

KINDS: Mapping[str, Mapping[str, Any]] = {
    "throttled": {"error": {"code": "SlowDown", "status": 503}},
    "fail with 500": {"error": {"code": "InternalError", "status": 500}},
    "reset before the answer": {"reset": True},
    "slow": {"latency": {"min": 100, "max": 2500}},
    "answer cut off": {"response": {"abort_frac": 0.3}},
    "answer truncated": {"response": {"truncate_frac": 0.5}},
    "answer garbled": {"response": {"corrupt_bytes": 8}},
}
"""What a rule does, in the proxy's words."""

UNANSWERED = frozenset({"slow", "answer cut off", "answer truncated", "answer garbled"})
"""After these nobody knows whether the call was obeyed. So each on its way to the topic may repeat a batch."""


def through(proxy: FaultProxy, kinds: Sequence[str], *, fifo: bool = False) -> Drive:
    """Return the fault that does these things to the calls of one worker, about as often each."""

    async def drive(experiment: Experiment) -> None:
        experiment.setup = replace(experiment.setup, claim_seconds=CLAIM_SECONDS, slots=SLOTS)
        name = experiment.account.name
        rules = [(kind, rule) for kind in kinds for rule in _rules(kind, name, SHARE / len(kinds))]
        numbers = await proxy.add([rule for _, rule in rules])
        try:
            worker = await experiment.start(endpoint_url=proxy.url)
            await experiment.finish(worker)
        finally:
            fired = await proxy.fired(numbers)
            await proxy.remove([rule for _, rule in rules])
            experiment.struck += sum(fired)
            if not fifo:
                experiment.may_repeat += PUBLISH_BATCH * sum(
                    count
                    for count, (kind, rule) in zip(fired, rules, strict=True)
                    if kind in UNANSWERED and rule["service"] in {"sns", "dynamodb"}
                )

    return drive


def _rules(kind: str, name: str, probability: float) -> list[Rule]:
    """Return a rule for each service; the account's name tells its calls from those of others."""
    does = {**KINDS[kind], "probability": probability}
    sns = does | {"error": {"code": "Throttled", "status": 429}} if kind == "throttled" else does
    return [
        {"service": "s3", "resource": name} | does,
        {"service": "sqs", "body": f"QueueUrl && contains(QueueUrl, '{name}')"} | does,
        {"service": "sns", "body": f"TopicArn && contains(TopicArn, '{name}')"} | sns,
        {"service": "dynamodb", "resource": name} | does,
    ]
