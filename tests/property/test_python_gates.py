"""Gates of rules in code lose no match: whatever the code, a record that it matches, or that moves it, passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import panther_rules
from corpora import delivered_records, needs_corpora
from generated_code import BODIES, RECORDS, let_through, text_of
from trailstream.adapters.python_rules.child.event import PantherEvent
from trailstream.rules.loading import load


def in_code(code: str) -> Callable[[dict[str, Any]], bool]:
    """Return what says of a record whether the code matches it, or does something that outlasts it."""
    counted: list[None] = []
    module: dict[str, Any] = {"count": lambda: counted.append(None)}
    exec(compile(code, "generated", "exec", dont_inherit=True), module)

    def moves(record: dict[str, Any]) -> bool:
        counted.clear()
        try:
            matched = bool(module["rule"](PantherEvent(record)))
        except Exception:  # noqa: BLE001 -- what raises is no match
            matched = False
        return matched or bool(counted)

    return moves


@settings(deadline=None, max_examples=300)
@given(BODIES, st.lists(RECORDS, min_size=1, max_size=6))
def test_no_gate_of_code_holds_back_a_record_that_the_code_matches(
    body: list[str], records: list[dict[str, Any]]
) -> None:
    code = text_of(body)
    loaded = load([("a.py", code)])
    assert loaded.problems == []
    moves = in_code(code)
    passed = {index for index, _ in let_through(loaded.rules, records)}
    assert {index for index, record in enumerate(records) if moves(record)} <= passed


@needs_corpora
@pytest.mark.parametrize(
    "path", [path for path in panther_rules.FILES if path.startswith("rules/") and path.endswith(".py")]
)
def test_a_real_log_loses_no_match_to_the_gates_of_code(path: str) -> None:
    files = {name: text for name, text in panther_rules.FILES.items() if not name.startswith("rules/")}
    loaded = load([*files.items(), (path, panther_rules.FILES[path])])
    (rule,) = loaded.rules
    records = list(delivered_records())
    passed = {index for index, _ in let_through([rule], records)}
    held_back = [record for index, record in enumerate(records) if index not in passed]
    assert not any(map(matcher(path), held_back))


def matcher(path: str) -> Callable[[dict[str, Any]], bool]:
    """Return the rule as plain Python runs it, with what it imports put into one module."""
    parts = [panther_rules.BASE_HELPERS, panther_rules.CLOUD_HELPERS, panther_rules.FILES[path]]
    code = "\n".join(
        line
        for line in "\n".join(parts).splitlines()
        if not line.startswith(
            ("import boto3", "from base_helpers", "from cloud_helpers", "from panther_", "def resources")
        )
    ).replace(
        '    global TABLE\n    TABLE = TABLE or boto3.resource("dynamodb").Table("resources")\n    return TABLE\n', ""
    )
    module: dict[str, Any] = {"add_to_string_set": lambda *_: ("a", "b", "c"), "PantherEvent": PantherEvent}
    exec(compile(code, path, "exec"), module)

    def matches(record: dict[str, Any]) -> bool:
        try:
            return bool(module["rule"](PantherEvent(record)))
        except Exception:  # noqa: BLE001 -- what raises is no match
            return False

    return matches
