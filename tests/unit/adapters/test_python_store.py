"""What rules of Python code remember between events."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from trailstream.adapters.python_rules.child import store


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    store.forget_all()
    yield
    store.forget_all()
    store.at_time_of(time.time)


def test_counters_count() -> None:
    assert store.get_counter("a") == 0
    assert [store.increment_counter("a"), store.increment_counter("a", 2)] == [1, 3]
    store.reset_counter("a")
    assert store.get_counter("a") == 0


def test_sets_grow_and_shrink() -> None:
    assert store.add_to_string_set("a", "x") == {"x"}
    assert store.add_to_string_set("a", ["y", "z"]) == {"x", "y", "z"}
    assert store.remove_from_string_set("a", "y") == {"x", "z"}
    store.put_string_set("a", ["q"])
    assert store.get_string_set("a") == {"q"}
    store.reset_string_set("a")
    assert store.get_string_set("a") == set()


def test_a_set_that_is_given_out_is_not_the_one_that_is_kept() -> None:
    store.add_to_string_set("a", "x").add("y")
    assert store.get_string_set("a") == {"x"}


def test_dictionaries_are_kept() -> None:
    store.put_dictionary("a", {"b": 1})
    assert store.get_dictionary("a") == {"b": 1}
    assert store.get_dictionary("b") == {}


@pytest.mark.parametrize("epoch_seconds", [-1, int(time.time()) - 1])
def test_what_has_expired_is_forgotten(epoch_seconds: int) -> None:
    store.increment_counter("a", epoch_seconds=epoch_seconds)
    assert store.get_counter("a") == 0


@pytest.mark.parametrize("epoch_seconds", ["-1", str(time.time() - 1)])
def test_an_expiry_may_be_written_as_a_text(epoch_seconds: str) -> None:
    store.put_string_set("a", ["x"])
    store.set_key_expiration("a", epoch_seconds)
    assert store.get_string_set("a") == set()


A_YEAR_AGO = time.time() - 365 * 24 * 60 * 60


@pytest.mark.parametrize("epoch_seconds", [900, A_YEAR_AGO + 900])
def test_what_is_kept_for_a_while_is_kept_in_the_time_of_the_events(epoch_seconds: float) -> None:
    store.at_time_of(lambda: A_YEAR_AGO)
    store.add_to_string_set("a", "x", epoch_seconds)
    store.at_time_of(lambda: A_YEAR_AGO + 899)
    assert store.get_string_set("a") == {"x"}
    store.at_time_of(lambda: A_YEAR_AGO + 900)
    assert store.get_string_set("a") == set()


def test_an_event_that_does_not_know_its_time_happens_now() -> None:
    store.at_time_of(lambda: 0)
    store.add_to_string_set("a", "x", time.time() + 60)
    assert store.get_string_set("a") == {"x"}
    store.add_to_string_set("b", "x", time.time() - 60)
    assert store.get_string_set("b") == set()


def test_an_expiry_is_set_later_and_for_all_that_is_under_a_key() -> None:
    store.increment_counter("a")
    store.put_string_set("a", ["x"])
    store.set_key_expiration("a", int(time.time()) - 1)
    assert (store.get_counter("a"), store.get_string_set("a")) == (0, set())


def test_a_threshold_is_met_and_begins_anew() -> None:
    assert [store.evaluate_threshold("a", threshold=3) for _ in range(4)] == [False, False, True, False]


def test_an_account_is_new_while_something_is_kept_of_it() -> None:
    assert not store.check_account_age("a")
    store.put_string_set("a", ["x"], epoch_seconds=3600)
    assert store.check_account_age("a")
    assert not store.check_account_age(None)


def test_the_oldest_are_forgotten_first() -> None:
    for number in range(store.MAX_KEYS + 1):
        store.increment_counter(str(number))
    assert store.get_counter("0") == 0
    assert store.get_counter("1") == 1
