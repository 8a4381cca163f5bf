"""No file of code, and no description, keeps the files beside it from being read."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from generated_code import BODIES, text_of
from trailstream.rules.loading import load


@settings(deadline=None, max_examples=200)
@given(
    st.one_of(st.text(), st.text(alphabet=" \n\t()[]{}:=.,'\"#@*abdefilnoprstuvwy0_"), BODIES.map(text_of)), st.data()
)
def test_no_text_of_a_file_of_code_keeps_the_files_beside_it_from_being_read(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    beside = "import a\n\ndef rule(event):\n    return a.rule(event)\n"
    loaded = load([("a.py", text[:cut] + text[cut + 1 :]), ("b.py", beside)])
    assert "b" in {rule.info.id for rule in loaded.rules}
    assert {problem.where.partition(":")[0] for problem in loaded.problems} <= {"a.py"}


SPEC_KEYS = [
    "AnalysisType",
    "RuleID",
    "Filename",
    "Enabled",
    "LogTypes",
    "Severity",
    "DisplayName",
    "Tags",
    "Reports",
    "DedupPeriodMinutes",
    "Threshold",
    "Tests",
    "Gate",
    "BaseDetection",
    "InlineFilters",
    "Detection",
    "GlobalID",
    "Mappings",
    "Runbook",
    "Reference",
    "CreateAlert",
]
WHATEVER = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["rule", "a.py", "../x.py", "/", "MITRE ATT&CK", "Name"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["Name", "Log", "Mocks", "All", "Path", "MITRE ATT&CK", "eventName"]), inner, max_size=3
        )
    ),
    max_leaves=4,
)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(["rule", "global", "datamodel", "policy", "x"]),
    st.dictionaries(st.sampled_from(SPEC_KEYS), WHATEVER, max_size=6),
)
def test_no_description_keeps_the_others_from_being_read(kind: str, spec: dict[str, Any]) -> None:
    files = [("a.json", json.dumps({"AnalysisType": kind, **spec})), ("a.py", "def rule(event):\n    return True\n")]
    loaded = load(
        [*files, ("b.json", '{"AnalysisType": "rule", "RuleID": "B", "Filename": "b.py"}'), ("b.py", files[1][1])]
    )
    assert "B" in [rule.info.id for rule in loaded.rules]
