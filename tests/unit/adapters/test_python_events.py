"""What a rule of Python code sees of a record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from trailstream.adapters.python_rules.child.containers import ImmutableCaseInsensitiveDict, ImmutableList, plain
from trailstream.adapters.python_rules.child.event import Model, PantherError, PantherEvent, event_of

RECORD: dict[str, Any] = {
    "eventName": "ConsoleLogin",
    "userIdentity": {"type": "Root", "arn": None},
    "responseElements": None,
    "requestParameters": {
        "items": [{"cidr": "10.0.0.0/8", "tags": [{"k": 1}, {"k": 2}]}, {"cidr": "0.0.0.0/0"}, {"other": True}],
        "none": [[], []],
    },
}


@pytest.fixture
def event() -> PantherEvent:
    return PantherEvent(RECORD)


def test_names_are_found_in_any_case_and_as_they_are_written_first(event: PantherEvent) -> None:
    assert event["eventname"] == event.get("EVENTNAME") == "ConsoleLogin"
    assert event["userIdentity"]["TYPE"] == "Root"
    assert "EventName" in event
    assert PantherEvent({"a": 1, "A": 2})["A"] == 2


def test_what_is_missing_is_a_key_error_or_the_default_and_null_is_a_value(event: PantherEvent) -> None:
    with pytest.raises(KeyError, match="nothing"):
        event["nothing"]
    assert event.get("nothing") is None
    assert event.get("nothing", {}).get("b") is None
    assert event.get("responseElements", {}) is None
    assert "nothing" not in event


def test_an_event_is_a_mapping_whose_parts_cannot_be_changed(event: PantherEvent) -> None:
    assert isinstance(event, Mapping)
    assert isinstance(event["requestParameters"]["items"], Sequence)
    with pytest.raises(TypeError):
        event["eventName"] = "x"  # type: ignore[index]
    with pytest.raises(TypeError):
        event["userIdentity"]["type"] = "x"
    with pytest.raises(TypeError):
        event["requestParameters"]["items"][0]["cidr"] = "x"


@pytest.mark.parametrize("copied", [PantherEvent.copy, PantherEvent.to_dict])
def test_a_copy_may_be_changed_and_changes_nothing_else(event: PantherEvent, copied: Any) -> None:
    copy = copied(event)
    copy["userIdentity"]["type"] = "x"
    assert type(copy) is dict
    assert event.deep_get("userIdentity", "type") == "Root"


def test_arrays_compare_with_lists_and_tuples() -> None:
    array = ImmutableList([1, [2]])
    assert array == [1, [2]]
    assert array == (1, [2])
    assert array != [1]
    assert list(array)[1] == [2]
    assert array[1:] == [[2]]
    assert array.as_list() == array.copy() == [1, [2]]
    assert ImmutableCaseInsensitiveDict({"a": [1]}) == {"a": [1]}


@pytest.mark.parametrize(
    ("keys", "default", "found"),
    [
        (("userIdentity", "type"), None, "Root"),
        (("useridentity", "TYPE"), None, "Root"),
        (("userIdentity", "arn"), "x", "x"),
        (("userIdentity", "nothing", "below"), "x", "x"),
        (("eventName", "below"), "x", "x"),
        (("responseElements", "ConsoleLogin"), None, None),
        (("requestParameters", "items", "cidr"), "x", "x"),
    ],
)
def test_deep_get_follows_names_and_gives_the_default_for_nothing_and_null(
    event: PantherEvent, keys: tuple[str, ...], default: Any, found: Any
) -> None:
    assert event.deep_get(*keys, default=default) == found


@pytest.mark.parametrize(
    ("keys", "options", "found"),
    [
        (("requestParameters", "items", "cidr"), {}, ["10.0.0.0/8", "0.0.0.0/0"]),
        (("requestParameters", "items", "cidr"), {"return_val": "first"}, "10.0.0.0/8"),
        (("requestParameters", "items", "cidr"), {"return_val": "last"}, "0.0.0.0/0"),
        (("requestParameters", "items", "cidr"), {"default": "x"}, ["10.0.0.0/8", "0.0.0.0/0", "x"]),
        (("requestParameters", "items", "tags", "k"), {}, [1, 2]),
        (("requestParameters", "items", "other"), {}, True),
        (("requestParameters", "none"), {"default": "x"}, "x"),
        (("requestParameters", "nothing"), {"default": "x"}, "x"),
        (("userIdentity", "type"), {}, "Root"),
        (("userIdentity", "arn"), {"default": "x"}, "x"),
    ],
)
def test_deep_walk_runs_through_arrays(
    event: PantherEvent, keys: tuple[str, ...], options: dict[str, Any], found: Any
) -> None:
    assert event.deep_walk(*keys, **options) == found


def test_what_deep_walk_finds_is_a_plain_list_of_its_own(event: PantherEvent) -> None:
    found = event.deep_walk("requestParameters", "items", "cidr")
    assert type(found) is list
    found.clear()
    assert len(event.deep_walk("requestParameters", "items", "cidr")) == 2


def test_deep_walk_gives_an_array_at_the_end_of_a_path_as_it_is() -> None:
    event = PantherEvent({"groups": ["a", "a"], "one": ["b"], "items": [{"groups": ["a", "c"]}, {"groups": ["a"]}]})
    assert event.deep_walk("groups") == ["a", "a"]
    assert event.deep_walk("one") == ["b"]
    assert event.deep_walk("items", "groups") == ["a", "c"]


def test_deep_walk_tells_objects_apart_by_what_they_hold() -> None:
    event = PantherEvent({"items": [{"user": {"id": 1}}, {"user": {"id": 1}}, {"user": {"id": 2}}]})
    assert event.deep_walk("items", "user") == [{"id": 1}, {"id": 2}]


MODEL = Model(
    {"source_ip": ("sourceIPAddress",), "cidr": ("requestParameters", "items", None, "cidr"), "first": ("a", 0, "b")},
    {"event_type": lambda event: "root" if event.deep_get("userIdentity", "type") == "Root" else None},
)


def test_udm_gives_what_the_data_model_says() -> None:
    event = PantherEvent({**RECORD, "sourceIPAddress": "198.51.100.7", "a": [{"b": {"c": 1}}]}, MODEL)
    assert event.udm("source_ip") == "198.51.100.7"
    assert event.udm("event_type") == "root"
    assert event.udm("first").get("C") == 1


def test_udm_gives_the_default_where_the_data_model_finds_nothing(event: PantherEvent) -> None:
    modelled = PantherEvent(RECORD, MODEL)
    assert modelled.udm("source_ip", default="x") == "x"
    assert modelled.udm("first") is None
    with pytest.raises(ValueError, match="2 values"):
        modelled.udm("cidr")
    assert event.udm("source_ip") is None


def test_a_function_of_the_data_model_is_given_the_event_without_the_model() -> None:
    nested = Model(MODEL.paths, {"nested": lambda event: event.udm("source_ip")})
    assert PantherEvent({**RECORD, "sourceIPAddress": "198.51.100.7"}, nested).udm("nested") is None


def _who(event: PantherEvent) -> Any:
    return event.deep_get("userIdentity", "type")


def test_udm_path_says_where_the_data_model_looks() -> None:
    model = Model({**MODEL.paths, "only": ("items", None, "cidr")}, {"who": _who})
    event = PantherEvent({"sourceIPAddress": "198.51.100.7", "a": [{"b": 1}], "items": [{}, {"cidr": "x"}]}, model)
    assert event.udm_path("source_ip") == "sourceIPAddress"
    assert event.udm_path("first") == "a.[0].b"
    assert event.udm_path("only") == "items.[1].cidr"
    assert event.udm_path("who") == "_who"
    assert event.udm_path("cidr") is None
    assert event.udm_path("nothing") is None


def test_udm_path_needs_a_data_model(event: PantherEvent) -> None:
    with pytest.raises(PantherError, match="no data model"):
        event.udm_path("source_ip")


def test_udm_of_a_name_that_no_data_model_has_is_that_of_the_event() -> None:
    event = PantherEvent({"eventName": "x", "p_udm": {"user": {"name": "me"}}}, MODEL)
    assert event.udm("user", "name") == "me"
    assert event.udm("eventName") == "x"
    assert event.udm("nothing", default=1) == 1


def test_an_event_has_what_panther_adds_as_far_as_it_follows_from_the_record() -> None:
    now = datetime(2026, 1, 2, 3, 9, tzinfo=UTC)
    event = event_of({"eventTime": "2026-01-02T03:04:05Z"}, "e-1", None, now=now)
    assert event["p_log_type"] == "AWS.CloudTrail"
    assert event["p_row_id"] == "e-1"
    assert event["p_event_time"] == "2026-01-02 03:04:05.000000000"
    assert event["p_parse_time"] == "2026-01-02 03:09:00.000000000"
    assert event.event_time_epoch() == 1767323045


@pytest.mark.parametrize("time", [None, "", "soon", 7])
def test_a_time_that_is_none_is_zero(time: Any) -> None:
    assert PantherEvent({"p_event_time": time}).event_time_epoch() == 0


def test_lookup_tables_hold_what_a_test_says() -> None:
    event = PantherEvent({"_mocked_lookup_data_": {"accounts": {"1": "production"}}})
    assert event.lookup("accounts", "1") == "production"
    assert event.lookup("accounts", "2") is None


def test_an_event_is_written_as_json_by_its_encoder(event: PantherEvent) -> None:
    assert json.loads(json.dumps(event, default=PantherEvent.json_encoder)) == RECORD
    assert json.loads(json.dumps({"a": event["requestParameters"], "b": {1}}, default=plain))["b"] == [1]
