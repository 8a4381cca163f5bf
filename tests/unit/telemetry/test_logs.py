from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, get_args

import pytest

from trailstream.model.alert import Alert
from trailstream.model.delivery import Delivery, Done, ObjectRef, Outcome, Reject, Retry
from trailstream.model.facts import (
    DeliveriesForgotten,
    DeliverySettled,
    ErrorHappened,
    Fact,
    PutAside,
    QueueJudged,
    QueuePolled,
    RuleFailed,
    VisibilityExtended,
)
from trailstream.model.printable import MAX_CHARACTERS
from trailstream.model.problems import Problem
from trailstream.telemetry.log_facts import LogFacts
from trailstream.telemetry.logs import configure_logs

if TYPE_CHECKING:
    from .conftest import Clock

HOSTILE = 'a"b\\\n{"level":"info"}\r\x1b[2J\x9b31m\u202e\u2028\ud800\x00'
MAX_LINE_CHARACTERS = 20_000


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Log(io.StringIO):
    def lines(self) -> list[dict[str, Any]]:
        text = self.getvalue()
        assert not text or text.endswith("\n")
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def bare(self) -> list[dict[str, Any]]:
        """The lines without what differs from run to run."""
        return [{name: value for name, value in line.items() if name != "timestamp"} for line in self.lines()]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def facts(log: Log, clock: Clock) -> LogFacts:
    return LogFacts(configure_logs(log, level="debug", form="json"), clock=clock)


def settled(delivery: Delivery, outcome: Outcome) -> DeliverySettled:
    return DeliverySettled(delivery, outcome, objects=1, records=1200, matches=2, skipped=3, duration_seconds=0.7500001)


def test_the_canonical_line_of_a_delivery_carries_everything(facts: LogFacts, log: Log, delivery: Delivery) -> None:
    facts.observe(settled(delivery, Done()))
    assert log.bare() == [
        {
            "level": "info",
            "logger": "trailstream",
            "event": "delivery settled",
            "delivery": "message-1",
            "outcome": "done",
            "receive_count": 1,
            "sent_at": "2023-11-14T22:13:17+00:00",
            "received_at": "2023-11-14T22:13:20+00:00",
            "duration_seconds": 0.75,
            "objects": 1,
            "records": 1200,
            "matches": 2,
            "skipped": 3,
            "body_characters": 15,
        }
    ]


def test_a_line_begins_with_its_time_in_utc(facts: LogFacts, log: Log, delivery: Delivery) -> None:
    facts.observe(settled(delivery, Done()))
    assert list(log.lines()[0])[:4] == ["timestamp", "level", "logger", "event"]
    assert log.lines()[0]["timestamp"].endswith("+00:00")


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (Done(), {"level": "info", "outcome": "done"}),
        (
            Retry(7.5, "object_denied"),
            {"level": "warning", "outcome": "retry", "code": "object_denied", "delay_seconds": 7.5},
        ),
        (Reject("not_understood"), {"level": "error", "outcome": "reject", "code": "not_understood"}),
    ],
)
def test_the_level_says_whether_somebody_must_act(
    facts: LogFacts, log: Log, delivery: Delivery, outcome: Outcome, line: dict[str, Any]
) -> None:
    facts.observe(settled(delivery, outcome))
    assert line.items() <= log.lines()[0].items()


def test_every_fact_is_spoken_of_or_passed_over_on_purpose(
    facts: LogFacts, log: Log, every_fact: Sequence[Fact]
) -> None:
    assert {type(fact) for fact in every_fact} == set(get_args(Fact))
    for fact in every_fact:
        facts.observe(fact)
    assert [line["event"] for line in log.lines()] == [
        "queue polled",
        "queue not reached",
        "entry skipped",
        "object processed",
        "object processed",
        "own record matched",
        "rule failed",
        "rule raised",
        "rule disabled",
        "process of the rules lost",
        "evaluations skipped",
        "alert accepted",
        "alert repeated",
        "storm reported",
        "sightings dropped",
        "alert kept",
        "put aside",
        "put aside",
        "receiving again",
        "receiving paused",
        "scale-in protection asked for",
        "error happened",
        "visibility extended",
        "delivery settled",
        "deliveries forgotten",
        "rules exchanged",
        "rules unchanged",
        "rules not read",
        "rules refused",
        "queue reached again",
        "queue judged",
        "stop requested",
    ]


def test_one_delivery_is_one_line_where_debug_is_off(log: Log, every_fact: Sequence[Fact]) -> None:
    facts = LogFacts(configure_logs(log, level="info", form="json"))
    for fact in every_fact:
        facts.observe(fact)
    informed = [line["event"] for line in log.lines() if line["level"] == "info"]
    assert informed == [
        "alert kept",
        "put aside",
        "receiving again",
        "scale-in protection asked for",
        "delivery settled",
        "rules unchanged",
        "queue reached again",
        "stop requested",
    ]


@pytest.mark.parametrize("form", ["json", "console"])
def test_nothing_from_outside_can_break_a_line_or_steer_a_terminal(log: Log, delivery: Delivery, form: Any) -> None:
    facts = LogFacts(configure_logs(log, level="debug", form=form))
    facts.observe(ErrorHappened("read", "object_denied", HOSTILE, delivery, ObjectRef(HOSTILE, HOSTILE)))
    text = log.getvalue()
    assert text.count("\n") == 1
    assert text[:-1].isprintable()


def test_a_megabyte_of_key_makes_a_short_line(facts: LogFacts, log: Log, delivery: Delivery) -> None:
    facts.observe(ErrorHappened("read", "object_denied", "\x00" * 2**20, delivery, ObjectRef("b", "k" * 2**20)))
    assert len(log.getvalue()) < MAX_LINE_CHARACTERS
    assert log.lines()[0]["key"].startswith("k" * MAX_CHARACTERS + "…")


def test_outside_text_is_never_part_of_the_event(facts: LogFacts, log: Log, delivery: Delivery) -> None:
    facts.observe(ErrorHappened("read", HOSTILE, HOSTILE, delivery, ObjectRef(HOSTILE, HOSTILE)))
    assert log.lines()[0]["event"] == "error happened"


def test_a_bug_is_an_error_with_the_end_of_its_traceback(facts: LogFacts, log: Log, delivery: Delivery) -> None:
    traceback = "\n".join(["Traceback (most recent call last):", *["  frame"] * 500, "KeyError: 'Records'"])
    facts.observe(ErrorHappened("match", "unexpected", traceback, delivery))
    line = log.lines()[0]
    assert (line["level"], line["detail"]) == ("error", "KeyError: 'Records'")
    assert line["traceback"][-1] == "KeyError: 'Records'"


def test_a_rule_that_always_fails_is_reported_at_powers_of_ten(facts: LogFacts, log: Log) -> None:
    for _ in range(1500):
        facts.observe(RuleFailed("root-login", "no such field"))
    facts.observe(RuleFailed("topic-created", "another"))
    assert [(line["rule"], line["failures"]) for line in log.lines()] == [
        ("root-login", 1),
        ("root-login", 10),
        ("root-login", 100),
        ("root-login", 1000),
        ("topic-created", 1),
    ]


@pytest.mark.parametrize("fact", [VisibilityExtended(9, 1), DeliveriesForgotten(9, 1)])
def test_what_the_queue_did_not_do_is_a_warning(facts: LogFacts, log: Log, fact: Fact) -> None:
    facts.observe(fact)
    assert log.lines()[0]["level"] == "warning"


UNREACHABLE = QueuePolled(received=0, code="queue_unavailable", detail="NonExistentQueue")


def test_a_queue_that_stays_away_is_an_error_now_and_then_and_a_warning_each_time(facts: LogFacts, log: Log) -> None:
    for _ in range(600):
        facts.observe(UNREACHABLE)
    lines = log.lines()
    assert [line["failures"] for line in lines if line["level"] == "error"] == [5, 50, 500]
    assert [line["failures"] for line in lines] == list(range(1, 601))
    assert {(line["event"], line["detail"]) for line in lines} == {("queue not reached", "NonExistentQueue")}


@pytest.mark.parametrize("answer", [QueuePolled(received=1), QueueJudged(warnings=())])
def test_a_queue_that_came_back_is_told_with_how_long_it_was_gone(
    facts: LogFacts, log: Log, clock: Clock, answer: Fact
) -> None:
    for _ in range(3):
        facts.observe(UNREACHABLE)
        clock.now += 20
    facts.observe(answer)
    facts.observe(answer)
    facts.observe(UNREACHABLE)
    told = [line for line in log.bare() if line["event"] == "queue reached again"]
    assert [(line["level"], line["failures"], line["gone_seconds"]) for line in told] == [("info", 3, 60)]
    assert log.lines()[-1]["failures"] == 1


def test_an_alert_that_was_not_sent_is_told_with_its_sink_its_rule_and_its_id(
    facts: LogFacts, log: Log, delivery: Delivery, alert: Alert
) -> None:
    facts.observe(ErrorHappened("send", "alert_refused", "InvalidParameter", delivery, sink="sns", alert=alert))
    facts.observe(PutAside("message-1", "alert_refused", alert))
    failed, kept = log.lines()
    assert {"sink": "sns", "rule": "topic-created", "alert_id": alert.id}.items() <= failed.items()
    assert {"kind": "alert", "rule": "topic-created", "alert_id": alert.id}.items() <= kept.items()
    assert kept["level"] == "error"


def test_a_queue_that_endangers_alerts_is_a_warning_with_its_remedy(facts: LogFacts, log: Log) -> None:
    facts.observe(QueueJudged(warnings=(Problem("queue", "no redrive policy", "set one"),)))
    facts.observe(QueueJudged(warnings=()))
    assert [(line["level"], line["warnings"]) for line in log.lines()] == [
        ("warning", ["queue: no redrive policy (set one)"]),
        ("info", []),
    ]


def test_a_time_that_no_clock_shows_does_not_lose_the_line(facts: LogFacts, log: Log) -> None:
    facts.observe(settled(Delivery("m", "", sent_at=1e300, received_at=float("nan")), Done()))
    assert log.lines()[0]["sent_at"] is None


def test_what_libraries_log_takes_the_same_form(log: Log) -> None:
    configure_logs(log, form="json")
    logging.getLogger("aiobotocore.endpoint").warning("cannot reach %s", HOSTILE)
    line = log.bare()[0]
    assert (line["level"], line["logger"]) == ("warning", "aiobotocore.endpoint")
    assert line["event"].isprintable()


def test_libraries_are_not_heard_below_warning_even_at_debug(log: Log) -> None:
    configure_logs(log, level="debug", form="json")
    logging.getLogger("botocore.auth").debug("StringToSign: ...")
    logging.getLogger("botocore.auth").info("signed")
    assert log.lines() == []


def test_a_warning_is_a_line(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure_logs(log, form="json")
        warnings.warn("old", stacklevel=1)
        logging.captureWarnings(False)
    assert [line["logger"] for line in log.lines()] == ["py.warnings"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_message_that_cannot_be_formatted_is_one_line_too(log: Log, form: Any) -> None:
    configure_logs(log, form=form)
    logging.getLogger("library").warning("%d objects", "many")
    assert log.getvalue().count("\n") == 1
    assert "a log line could not be written" in log.getvalue()


def test_a_stream_that_is_gone_raises_nothing() -> None:
    stream = Log()
    logger = configure_logs(stream, form="json")
    stream.close()
    logger.error("stopped")
    logging.getLogger("library").error("stopped")


def test_a_traceback_is_a_list_of_lines_without_the_values_of_variables(log: Log) -> None:
    logger = configure_logs(log, form="json")

    def fail(token: str) -> None:
        raise ValueError(f"bad\nnews of {len(token)} characters")

    token = "not-for-logs"
    try:
        fail(token)
    except ValueError:
        logger.exception("worker stopped")
    line = log.lines()[0]
    assert line["exception"][0] == "Traceback (most recent call last):"
    assert line["exception"][-2:] == ["ValueError: bad", "news of 12 characters"]
    assert token not in log.getvalue()


def test_fields_cannot_replace_the_time_level_or_logger(log: Log) -> None:
    configure_logs(log, form="json").warning("stopping", level="info", logger="x", timestamp=0)
    assert log.bare() == [{"level": "warning", "logger": "trailstream", "event": "stopping"}]


def test_columns_on_a_terminal_have_colours() -> None:
    terminal = Terminal()
    configure_logs(terminal, form="console").info("started")
    assert "\x1b" in terminal.getvalue()


def test_columns_on_a_file_have_no_colours(log: Log, delivery: Delivery) -> None:
    LogFacts(configure_logs(log, form="console")).observe(settled(delivery, Done()))
    assert "\x1b" not in log.getvalue()
    assert "delivery settled" in log.getvalue()
    assert "outcome=done" in log.getvalue()


def test_configuring_again_replaces_the_former_stream(log: Log) -> None:
    former = Log()
    configure_logs(former)
    configure_logs(log).info("started")
    assert former.getvalue() == ""
    assert len(log.lines()) == 1
