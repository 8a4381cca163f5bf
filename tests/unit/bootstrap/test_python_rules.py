"""Whether rules that are code are run, by where they came from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from trailstream.bootstrap.python_rules import permitted
from trailstream.bootstrap.rules import load_rules
from trailstream.config.settings import PythonRulesSettings
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


def test_a_catalogue_that_is_too_large_keeps_no_project_from_being_read(tmp_path: Path) -> None:
    (tmp_path / "catalogue.json").write_text(f'["{"x" * 300_000}"]')
    (tmp_path / "a.py").write_text(CODE[1])
    assert len(load_rules(tmp_path).problems) == 1
    (tmp_path / "a.yml").write_text("AnalysisType: rule\nRuleID: A\nFilename: a.py\n")
    found = load_rules(tmp_path)
    assert found.problems == []
    assert [str(note) for note in found.notes] == ["catalogue.json: passed over: is larger than 256 KiB"]
