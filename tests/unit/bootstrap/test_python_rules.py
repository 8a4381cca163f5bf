"""Whether rules that are code are run, by where they came from."""

from __future__ import annotations

from typing import Literal

import pytest

from trailstream.bootstrap.python_rules import permitted
from trailstream.config import PythonRulesSettings
from trailstream.rules.loading import load

CODE = ("a.py", "def rule(event):\n    return event.get('eventName') == 'StopLogging'\n")
DATA = ("b.json", '{"eventName": ["StopLogging"]}')


@pytest.mark.parametrize(
    ("run", "from_directory", "rules"),
    [
        ("never", True, ["b.json"]),
        ("never", False, ["b.json"]),
        ("from-directory", True, ["a", "b.json"]),
        ("from-directory", False, ["b.json"]),
        ("always", False, ["a", "b.json"]),
    ],
)
def test_code_is_run_only_where_the_operator_lets_it(
    run: Literal["never", "from-directory", "always"], *, from_directory: bool, rules: list[str]
) -> None:
    found = permitted(load([CODE, DATA]), PythonRulesSettings(run=run), from_directory=from_directory)
    assert [rule.info.id for rule in found.rules] == rules
    notes = [] if "a" in rules else [f"a.py: not evaluated: it is Python code, and rules.python.run is {run}"]
    assert [str(note) for note in found.notes] == notes
