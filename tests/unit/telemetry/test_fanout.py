from __future__ import annotations

from trailstream.model.facts import Fact, QueuePolled
from trailstream.telemetry.fanout import Fanout, Listener

POLLED = QueuePolled(1)


class Broken:
    def observe(self, fact: Fact) -> None:
        raise KeyError(type(fact).__name__)


def test_every_listener_hears_every_fact_in_order() -> None:
    heard: list[tuple[str, Fact]] = []
    emit = Fanout(
        lambda fact: heard.append(("first", fact)),
        lambda fact: heard.append(("second", fact)),
        on_failure=lambda _, __: heard.clear(),
    )
    emit(POLLED)
    assert heard == [("first", POLLED), ("second", POLLED)]


def test_a_listener_that_raises_breaks_neither_the_flow_nor_the_others_and_is_reported_once() -> None:
    heard: list[Fact] = []
    reported: list[tuple[Listener, str]] = []
    first, second = Broken(), Broken()
    emit = Fanout(
        first.observe,
        second.observe,
        heard.append,
        on_failure=lambda listener, error: reported.append((listener, repr(error))),
    )
    for _ in range(3):
        emit(POLLED)
    assert heard == [POLLED] * 3
    assert reported == [(first.observe, "KeyError('QueuePolled')"), (second.observe, "KeyError('QueuePolled')")]
