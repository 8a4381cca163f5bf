"""What a queue's attributes mean for whether an alert can be lost. Pure: the worker says it at its start."""

from __future__ import annotations

from dataclasses import dataclass

from trailstream.model.problems import Problem
from trailstream.pipeline.ports import QueueFacts

FEWEST_RECEIVES = 3
"""Below this, one deploy and one hiccup of S3 send a good message to the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class QueueVerdict:
    """What is wrong with the queue: what to refuse it for, and what to warn of."""

    refusals: list[Problem]
    warnings: list[Problem]


def judge_queue(facts: QueueFacts) -> QueueVerdict:
    """Judge the queue's redrive policy and retention."""
    if facts.max_receive_count is None:
        return QueueVerdict(
            [
                Problem(
                    "queue.url",
                    "the queue has no redrive policy, so a message that nobody can read loops until it expires",
                    "give it a dead-letter queue, or set queue.allow_no_redrive",
                )
            ],
            [],
        )
    warnings = []
    if facts.max_receive_count < FEWEST_RECEIVES:
        warnings.append(
            Problem(
                "maxReceiveCount",
                f"is {facts.max_receive_count}: a restart and a short outage are enough to give a message up",
                f"set it to {FEWEST_RECEIVES} or more",
            )
        )
    retention, dead_letter_retention = facts.retention_seconds, facts.dead_letter_retention_seconds
    if retention is not None and dead_letter_retention is not None and dead_letter_retention <= retention:
        warnings.append(
            Problem(
                "MessageRetentionPeriod",
                f"of the dead-letter queue ({dead_letter_retention} s) is not longer than the queue's ({retention} s): "
                "a message keeps its age when it is moved, and may expire on arrival",
                "make it the longer one; SQS allows 14 days",
            )
        )
    return QueueVerdict([], warnings)
