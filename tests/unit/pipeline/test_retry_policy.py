from __future__ import annotations

import pytest

from trailstream.model import errors
from trailstream.model.delivery import Delivery, Reject, Retry
from trailstream.model.errors import (
    CorruptGzipError,
    MissingOrDeniedError,
    NotUnderstoodError,
    ObjectDeniedError,
    ObjectMissingError,
    ObjectUnavailableError,
    RoleDeniedError,
    SinkUnavailableError,
    TrailstreamError,
)
from trailstream.pipeline.retry import Backoff
from trailstream.pipeline.retry_policy import RetryPolicy

POLICY = RetryPolicy(Backoff(5, 900), missing_receives=2, denied_receives=4)


def received(times: int) -> Delivery:
    return Delivery("message-1", "body", receive_count=times)


@pytest.mark.parametrize(
    ("error", "given_up_at"),
    [
        (ObjectMissingError("404"), 2),
        (ObjectDeniedError("403"), 4),
        (MissingOrDeniedError("403"), 4),
        (RoleDeniedError("403"), 4),
        (CorruptGzipError("checksum"), 1),
        (NotUnderstoodError("envelope"), 1),
    ],
)
def test_each_kind_of_error_is_given_up_at_its_own_receive(error: TrailstreamError, given_up_at: int) -> None:
    for times in range(1, given_up_at):
        assert isinstance(POLICY.outcome(error, received(times)), Retry)
    for times in (given_up_at, given_up_at + 1, 1000):
        assert POLICY.outcome(error, received(times)) == Reject(error.code)


@pytest.mark.parametrize("error", [ObjectUnavailableError("503"), SinkUnavailableError("503")])
def test_what_time_heals_is_tried_for_as_long_as_the_queue_allows(error: TrailstreamError) -> None:
    assert isinstance(POLICY.outcome(error, received(10_000)), Retry)


def test_the_last_receive_that_the_queue_allows_is_a_reject_with_its_reason_and_no_retry_without() -> None:
    policy = RetryPolicy(Backoff(5, 900), missing_receives=9, max_receive_count=3)
    for error in (SinkUnavailableError("503"), ObjectDeniedError("403"), ObjectMissingError("404")):
        assert isinstance(policy.outcome(error, received(2)), Retry)
        assert policy.outcome(error, received(3)) == Reject(error.code)


def test_the_wait_is_the_backoff_s_for_that_receive_of_that_message() -> None:
    outcome = POLICY.outcome(SinkUnavailableError("503"), received(3))
    assert outcome == Retry(POLICY.backoff.seconds(3, of="message-1"), "sink_unavailable")


PERMANENT = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.PermanentError)
]


@pytest.mark.parametrize("kind", [kind for kind in PERMANENT if kind is not ObjectMissingError])
def test_nothing_permanent_but_a_missing_object_is_ever_tried_again(kind: type[TrailstreamError]) -> None:
    assert POLICY.outcome(kind("it"), received(1)) == Reject(kind.code)
