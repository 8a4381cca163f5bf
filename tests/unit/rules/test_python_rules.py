"""Rules that are Python code, as they are read: what is a rule of them, what it says of itself, and what is wrong."""

from __future__ import annotations

import pytest

import panther_rules
from trailstream.model.alert import RuleInfo, Severity
from trailstream.model.shaping import Shaping
from trailstream.rules.code import CLOUDTRAIL, ModelField
from trailstream.rules.languages.python.specs import steps_of
from trailstream.rules.loading import LoadedRules, load
from trailstream.rules.rule import Rule

CODE = "def rule(event):\n    return event.get('eventName') == 'StopLogging'\n"
SPEC = "AnalysisType: rule\nFilename: a.py\nRuleID: A\nEnabled: true\nLogTypes: [AWS.CloudTrail]\nSeverity: High\n"


def loaded(**files: str) -> LoadedRules:
    """Load files whose names have an underscore for the dot before their suffix."""
    return load((".".join(name.rsplit("_", 1)), text) for name, text in files.items())


def only_rule(found: LoadedRules) -> Rule:
    assert [str(problem) for problem in found.problems] == []
    (rule,) = found.rules
    return rule


def test_a_directory_as_it_is_written_for_panther_is_read_whole() -> None:
    found = load(panther_rules.FILES.items())
    assert found.problems == []
    assert sorted(rule.info.id for rule in found.rules) == [
        "Test.Failed.SignIn",
        "Test.Root.SignIn",
        "Test.Secrets.Read",
        "Test.SecurityGroup.Opened",
    ]
    assert all(rule.judged and rule.alerts for rule in found.rules)


def test_a_rule_says_of_itself_what_its_yaml_does() -> None:
    found = load(panther_rules.FILES.items())
    (rule,) = (rule for rule in found.rules if rule.info.id == "Test.Root.SignIn")
    assert rule.info == RuleInfo(
        id="Test.Root.SignIn",
        title="Root signed in",
        severity=Severity.HIGH,
        language="python",
        path="rules/cloudtrail/root_sign_in.yml",
        description="Nobody signs in as root.",
        tags=("AWS", "Initial Access:Valid Accounts", "attack.ta0001", "attack.t1078.004"),
        references=("https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html",),
        shaping=Shaping(period_seconds=900, threshold=2, runbook="Ask who it was."),
    )
    assert rule.code is not None
    assert rule.code.path == "rules/cloudtrail/root_sign_in.py"


def test_a_rule_brings_its_tests_along_with_their_mocks() -> None:
    found = load(panther_rules.FILES.items())
    (rule,) = (rule for rule in found.rules if rule.info.id == "Test.Root.SignIn")
    assert [(test.name, test.expected, test.mocks) for test in rule.tests] == [
        ("root signs in", True, {"account_name": "production"}),
        ("somebody else does", False, {}),
    ]
    assert rule.tests[0].record["eventTime"] == "2026-01-02T03:04:05Z"


def test_the_record_of_a_test_may_be_a_text_of_json_and_a_test_without_one_is_noted() -> None:
    tests = """Tests:
- {Name: as text, ExpectedResult: true, Log: '{"eventName": "StopLogging"}'}
- {Name: no json, ExpectedResult: true, Log: '{'}
- {Name: no object, ExpectedResult: true, Log: [1]}
- not even a test
"""
    found = loaded(a_yml=SPEC + tests, a_py=CODE)
    assert [(test.name, test.record) for test in only_rule(found).tests] == [("as text", {"eventName": "StopLogging"})]
    assert [note.what for note in found.notes] == [
        f"A: test {number} has no Log that is an object, and is not run" for number in (2, 3, 4)
    ]


@pytest.mark.parametrize(
    ("tests", "note"),
    [
        ("[{Log: {}}]", "test 1 has no ExpectedResult that is true or false, and is not run"),
        ("[{Log: {}, ExpectedResult: 'true'}]", "test 1 has no ExpectedResult that is true or false, and is not run"),
        (
            "[{Log: {}, ExpectedResult: true, Mocks: {objectName: f, returnValue: 1}}]",
            "test 1 has Mocks that are no list of objectName and returnValue, and is not run",
        ),
        (
            "[{Log: {}, ExpectedResult: true, Mocks: [{objectName: f}]}]",
            "test 1 has Mocks that are no list of objectName and returnValue, and is not run",
        ),
        ("{Log: {}, ExpectedResult: true}", "Tests is no list, and none of it is run"),
    ],
)
def test_what_is_no_test_is_noted_and_does_not_pass(tests: str, note: str) -> None:
    found = loaded(a_yml=f"{SPEC}Tests: {tests}\n", a_py=CODE)
    assert only_rule(found).tests == ()
    assert [each.what for each in found.notes] == [f"A: {note}"]


def test_the_data_model_for_cloudtrail_is_part_of_the_library() -> None:
    code = load(panther_rules.FILES.items()).rules[0].code
    assert code is not None
    model = code.library.models[CLOUDTRAIL]
    assert model.path == "data_models/cloudtrail_data_model.py"
    assert ModelField("first_resource", ("resources", 0, "ARN")) in model.fields
    assert ModelField("actor_user", function="actor") in model.fields


def test_a_data_model_for_other_logs_is_there_for_tests_and_noted() -> None:
    found = load(panther_rules.FILES.items())
    code = found.rules[0].code
    assert code is not None
    assert code.library.models["Okta.SystemLog"].path == "data_models/okta_data_model.py"
    notes = [note.what for note in found.notes if note.path == "data_models/okta_data_model.yml"]
    assert notes == ["not evaluated: for other logs: Okta.SystemLog"]


MODEL = "AnalysisType: datamodel\nDataModelID: M\nFilename: m.py\nLogTypes: [AWS.CloudTrail]\nMappings:\n"


def test_a_data_model_whose_functions_are_nowhere_is_a_problem() -> None:
    found = loaded(m_yml=MODEL + "- {Name: actor_user, Method: actor}\n", a_py=CODE)
    assert [(problem.where, problem.what) for problem in found.problems] == [("m.yml:3", "m.py is not there")]


def test_of_two_data_models_for_cloudtrail_the_first_counts_and_the_second_is_noted() -> None:
    found = loaded(a_yml=MODEL + "- {Name: user, Path: a}\n", b_yml=MODEL + "- {Name: user, Path: b}\n", a_py=CODE)
    code = found.rules[0].code
    assert code is not None
    assert code.library.models[CLOUDTRAIL].fields == (ModelField("user", ("a",)),)
    assert ("b.yml", "not evaluated: another data model for CloudTrail comes before it") in [
        (note.path, note.what) for note in found.notes
    ]


def test_a_data_model_that_is_switched_off_is_none() -> None:
    found = loaded(m_yml=MODEL + "- {Name: user, Path: a}\nEnabled: false\n", a_py=CODE)
    code = found.rules[0].code
    assert code is not None
    assert code.library.models == {}


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("sourceIPAddress", ("sourceIPAddress",)),
        ("$.a.b", ("a", "b")),
        ("a[0].b[*].c", ("a", 0, "b", None, "c")),
        ("$['a b'].c", ("a b", "c")),
        ("$.a[?(@.b == 1)]", ()),
        ("$..a", ()),
        ("", ()),
    ],
)
def test_a_path_of_a_data_model_is_read_as_far_as_it_is_a_path(path: str, steps: tuple[object, ...]) -> None:
    assert steps_of(path) == steps


def test_a_module_that_no_yaml_describes_is_a_rule_called_by_its_path() -> None:
    rule = only_rule(loaded(a_py=f'"""A trail was stopped.\n\nAsk why."""\n{CODE}'))
    assert (rule.info.id, rule.info.title, rule.info.description) == ("a", "A trail was stopped.", "Ask why.")
    assert rule.info.severity is Severity.MEDIUM
    assert rule.info.shaping == Shaping()


def test_a_module_without_the_function_rule_is_none() -> None:
    found = loaded(a_py="def helper(event):\n    return True\n", b_py=CODE)
    assert [rule.info.id for rule in found.rules] == ["b"]
    assert found.problems == []
    assert found.notes == []


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (SPEC.replace("Enabled: true", "Enabled: false"), "Enabled is false"),
        (SPEC.replace("AWS.CloudTrail", "Okta.SystemLog"), "for other logs: Okta.SystemLog"),
        (SPEC.replace(": rule", ": policy"), "a policy"),
        (SPEC.replace(": rule", ": scheduled_rule"), "a rule on the results of a query"),
        (SPEC.replace(": rule", ": correlation_rule"), "a correlation of Panther's"),
        (SPEC.replace(": rule", ": saved_query"), "a query"),
        (SPEC.replace(": rule", ": something"), "AnalysisType is something"),
        (SPEC + "BaseDetection: B\n", "what it derives from is not here: B"),
        (SPEC.replace("Filename: a.py", "Detection: [{All: []}]"), "its detection is written in YAML"),
    ],
)
def test_what_is_no_rule_on_cloudtrail_is_noted_and_passed_over(spec: str, reason: str) -> None:
    found = loaded(a_yml=spec, a_py=CODE)
    assert found.rules == []
    assert found.problems == []
    assert found.notes[0].what.startswith(f"not evaluated: {reason}")


@pytest.mark.parametrize(
    ("spec", "code", "where", "what"),
    [
        (SPEC, "def rule(event):\n    return (\n", "a.py:2", "not valid Python: '(' was never closed"),
        (SPEC, "def policy(resource):\n    return True\n", "a.yml:1", "a.py has no function named rule"),
        (SPEC.replace("High", "Terrible"), CODE, "a.yml:6", '"Terrible" is no severity'),
        (SPEC.replace("RuleID: A\n", ""), CODE, "a.yml:1", 'the key "RuleID" is missing'),
        (SPEC.replace("a.py", "b.py"), CODE, "a.yml:2", "b.py is not there"),
        (SPEC + "Threshold: none\n", CODE, "a.yml:7", '"Threshold" must be a whole number'),
        (SPEC + "Gate: {eventName: StopLogging}\n", CODE, "a.yml:7", '"eventName" must be an object or an array'),
    ],
)
def test_what_is_broken_is_a_problem_with_its_line(spec: str, code: str, where: str, what: str) -> None:
    found = loaded(a_yml=spec, a_py=code)
    assert "A" not in [rule.info.id for rule in found.rules]
    (problem,) = found.problems
    assert (problem.where, problem.what) == (where, what)


def test_a_file_that_no_rule_needs_may_be_broken() -> None:
    found = loaded(a_yml=SPEC, a_py=CODE, b_py="this is no Python\n")
    assert only_rule(found).info.id == "A"


def test_beside_rules_that_describe_themselves_files_may_lie_that_are_none() -> None:
    others = {
        "compose_yml": 'version: "3"\nservices: {}\n',
        "empty_yml": "",
        "package_json": '{"name": "rules", "version": "1.0.0"}',
        "scenario_yml": "Format: json\nLogs: []\n",
    }
    found = loaded(a_yml=SPEC, a_py=CODE, **others)
    assert only_rule(found).info.id == "A"
    passed_over = ["compose.yml:1", "empty.yml:1", "package.json:1", "scenario.yml:1"]
    assert sorted(note.path for note in found.notes) == passed_over
    assert all(note.what.startswith("passed over: ") for note in found.notes)
    assert sorted(problem.where for problem in loaded(**others).problems) == passed_over


def test_a_module_that_is_not_installed_is_noted_where_it_is_imported_and_keeps_no_rule_from_running() -> None:
    found = loaded(a_yml=SPEC, a_py=f"import helper\n{CODE}", helper_py="import no_such_module.below\n")
    code = only_rule(found).code
    assert code is not None
    assert code.library.missing == {"no_such_module"}
    assert [str(note) for note in found.notes] == [
        "helper.py: not installed: no_such_module; what calls that will fail"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "import json, ipaddress, orjson",
        "from panther_core import PantherEvent",
        "from panther_detection_helpers.caching import get_counter",
        "try:\n    import no_such_module\nexcept ImportError:\n    no_such_module = None",
        "from . import sibling",
    ],
)
def test_what_is_installed_or_offered_or_done_without_is_not_missing(text: str) -> None:
    code = only_rule(loaded(a_py=f"{text}\n{CODE}", sibling_py="")).code
    assert code is not None
    assert code.library.missing == frozenset()


def test_a_rule_that_derives_from_another_is_that_one_with_what_it_says_itself() -> None:
    derived = "AnalysisType: rule\nRuleID: B\nBaseDetection: A\nSeverity: Low\nCreateAlert: false\n"
    found = loaded(a_yml=SPEC, a_py=CODE, b_yml=derived)
    assert found.problems == []
    base, rule = found.rules
    assert (rule.info.id, rule.info.severity, rule.alerts) == ("B", Severity.LOW, False)
    assert rule.code is not None
    assert base.code is not None
    assert rule.code.path == base.code.path


def test_filters_that_are_not_applied_are_noted_and_an_empty_list_of_them_is_not() -> None:
    def notes(filters: str) -> list[str]:
        return [note.what for note in loaded(a_yml=f"{SPEC}InlineFilters:\n{filters}", a_py=CODE).notes]

    assert notes("  - All: []\n") == []
    condition = "  - All: [{Key: a, Condition: Equals, Value: b}]\n"
    for filters in (condition, "  - All: 1\n"):
        assert notes(filters) == ["A: its InlineFilters are not applied: it may match more"]


def test_a_threshold_that_counts_what_is_unique_is_noted() -> None:
    code = f"{CODE}\ndef unique(event):\n    return event.get('eventID')\n"
    found = loaded(a_yml=f"{SPEC}Threshold: 3\n", a_py=code)
    assert [note.what for note in found.notes] == ["A: unique() is not asked: its threshold counts matches"]
    assert loaded(a_yml=SPEC, a_py=code).notes == []


def test_a_threshold_of_nothing_is_panthers_own() -> None:
    rule = only_rule(loaded(a_yml=f"{SPEC}Threshold: 0\nDedupPeriodMinutes: 0\n", a_py=CODE))
    assert (rule.info.shaping.threshold, rule.info.shaping.period_seconds) == (1, 3600)


def test_helpers_are_imported_by_their_names_their_ids_and_their_paths() -> None:
    code = load(panther_rules.FILES.items()).rules[0].code
    assert code is not None
    for name in ("base_helpers", "global_helpers.base_helpers"):
        assert code.library.modules[name] == "global_helpers/base_helpers.py"
    assert code.library.modules["rules.cloudtrail.root_sign_in"] == "rules/cloudtrail/root_sign_in.py"


def test_a_file_that_is_not_what_its_neighbour_imports_by_its_name_is_noted() -> None:
    importing = f"import helpers\n\n{CODE}"
    found = load(
        [*((f"{each}/r.py", importing) for each in "ab"), *((f"{each}/helpers.py", "N = 1\n") for each in "ab")]
    )
    assert [(note.path, note.what) for note in found.notes if "helpers" in note.what] == [
        ("b/r.py", "helpers is a/helpers.py, not b/helpers.py beside it; give one of them another name")
    ]


def test_no_file_takes_the_place_of_the_standard_library() -> None:
    code = only_rule(loaded(a_py=CODE, json_py="x = 1\n")).code
    assert code is not None
    assert "json" not in code.library.modules
