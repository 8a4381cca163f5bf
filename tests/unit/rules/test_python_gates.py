"""What is found out of a rule's code by looking at it: which records need not be put before it."""

from __future__ import annotations

import pytest

from gate_rules import FLAGGED, NAMED_X, body, rule_of
from trailstream.model.record import Record
from trailstream.rules.evaluator import evaluator
from trailstream.rules.gate import gate_of
from trailstream.rules.languages.record_fields import IDENTITY_FIELDS, RECORD_FIELDS, as_cloudtrail_names_them
from trailstream.rules.loading import load

NEEDS_X = {
    "before it remembers something": FLAGGED
    + body("global FLAG", NAMED_X, "    return False", "FLAG = len(event)", "FLAG += 1", "return FLAG > 1"),
    "unless a test put a mock there": "import json\nfrom unittest.mock import MagicMock\n"
    + FLAGGED
    + body(
        "global FLAG",
        "if isinstance(FLAG, MagicMock):",
        "    FLAG = json.loads(FLAG())",
        'return event.get("eventName") == "X"',
    ),
    "the data model": "import kinds\n" + body('return event.udm("kind") == kinds.FAILED'),
    "the data model, early": "from kinds import FAILED\n"
    + body('if event.udm("kind") != FAILED:', "    return False", "return event.udm('user') is not None"),
    "one of what the data model says": body('return event.udm("kind") in ("failed", "other")'),
    "what a function makes of it": "def kind(event):\n    return event.get('eventName') == 'X' and 'x'\n\n"
    + body('return kind(event) == "x"'),
    "a function within that does nothing": body(
        "def is_it():", '    return event.get("eventName")', 'return is_it() and event.get("eventName") == "X"'
    ),
    "an annotated function within": body(
        "def name() -> str | None:",
        '    return event.get("eventName")',
        'return name() and event.get("eventName") == "X"',
    ),
    "a comparison": body('return event.get("eventName") == "X"'),
    "the other way round": body('return "X" == event.get("eventName")'),
    "an early return": body(NAMED_X, "    return False", "return True"),
    "the value of a name": body('name = event.get("eventName", "")', 'return name == "X" and len(name) > 0'),
    "by subscript": body('return event["eventName"] == "X"'),
    "in another case": body('return event.get("EVENTNAME") == "X"'),
    "made lower case": body('return event.get("eventName", "").lower() == "x"'),
    "one of a list": body('return event.get("eventName") in ["X"]'),
    "one of a constant": 'NAMES = {"X"}\n\n' + body('return event.get("eventName") in NAMES'),
    "one of a constant's keys": 'NAMES = {"X": 1}\n\n' + body('return event.get("eventName") in NAMES.keys()'),
    "one of a list of another module": "import names\n\n" + body('return event.get("eventName") in names.LIST'),
    "a constant that is lent elsewhere, and another test": 'NAMES = ["X"]\n\n'
    + body('return event.get("eventName") in NAMES and event.get("eventName") == "X"')
    + "\n\ndef alert_context(event):\n    return {'names': NAMES}\n",
    "one of constants joined": 'A = ["X"]\nB = set(A) | {"X"}\n\n' + body('return event.get("eventName") in B'),
    "an annotated constant": 'NAMES: list[str] = ["X"]\n\n' + body('return event.get("eventName") in NAMES'),
    "all of a list": body('return all([event.get("eventName") == "X", event.get("a")])'),
    "any of a list": body('return any([event.get("eventName") == "X", event.get("eventName") == "X"])'),
    "none of what is not": body('return not (event.get("eventName") != "X" or event.get("errorCode"))'),
    "each of a constant": 'P = ("X",)\n\n' + body('return any(event.get("eventName", "").startswith(p) for p in P)'),
    "one of two": body('if event.get("eventName") == "X":', "    return True", "return False"),
    "a choice": body('return True if event.get("eventName") == "X" else False'),
    "bool()": body('return bool(event.get("eventName") == "X")'),
    "within try": body(
        "try:", f"    {NAMED_X}", "        return False", "except KeyError:", "    return False", "return True"
    ),
    "within a loop": body(
        "for _ in range(3):", '    if event.get("eventName") == "X":', "        return True", "return False"
    ),
    "after an assertion": body('assert event.get("eventName") == "X"', "return True"),
    "by a helper that does nothing else": "from helpers import succeeded\n\n"
    + body('return succeeded(event) and event.get("eventName") == "X"'),
    "what a name was given somewhere": body(
        'policy = ""',
        NAMED_X.replace("!=", "=="),
        '    policy = event.get("errorCode", "E")',
        "if not policy:",
        "    return False",
        "return unknown(policy)",
    ),
    "before something is done": "from helpers import remember\n\n"
    + body('return event.get("eventName") == "X" and remember(event)'),
}


@pytest.mark.parametrize("code", NEEDS_X.values(), ids=NEEDS_X)
def test_a_record_that_is_named_otherwise_is_held_back(code: str) -> None:
    rule = rule_of(code)
    assert gate_of(rule.condition) is not None
    holds = evaluator(rule.condition)
    assert holds({"eventName": "X"})
    assert not holds({"eventName": "Y"})
    assert not holds({})


@pytest.mark.parametrize(
    ("code", "passing", "held_back"),
    [
        (
            "from helpers import deep_get\n\n" + body('return deep_get(event, "userIdentity", "type") == "Root"'),
            {"userIdentity": {"type": "Root"}},
            {"userIdentity": {"type": "IAMUser"}},
        ),
        (
            body('return event.get("userIdentity", {}).get("type") == "Root"'),
            {"userIdentity": {"type": "Root"}},
            {"userIdentity": {"type": "IAMUser"}},
        ),
        (
            body('return (event.get("userIdentity") or {}).get("type") == "Root"'),
            {"userIdentity": {"type": "Root"}},
            {"userIdentity": None},
        ),
        (
            body('return event.deep_get("requestParameters", "bucketName") == "my-own-bucket"'),
            {"requestParameters": {"BucketName": "my-own-bucket"}},
            {"requestParameters": {"bucketName": "another"}},
        ),
        (
            "from helpers import stops_a_trail\n\n" + body("return stops_a_trail(event)"),
            {"eventName": "DeleteTrail"},
            {"eventName": "CreateTrail"},
        ),
        (
            "import helpers\n\n" + body("return helpers.stops_a_trail(event)"),
            {"eventName": "DeleteTrail"},
            {"eventName": "CreateTrail"},
        ),
        (
            "from helpers import WATCHED\n\n" + body('return event.get("eventName") in WATCHED'),
            {"eventName": "DeleteTrail"},
            {"eventName": "CreateTrail"},
        ),
        (
            body('return event.get("eventName", "").startswith(("Delete", "Stop"))'),
            {"eventName": "StopLogging"},
            {"eventName": "UpdateTrail"},
        ),
        (
            body('return "Password" in event.get("eventName", "")'),
            {"eventName": "UpdateAccountPasswordPolicy"},
            {"eventName": "CreateUser"},
        ),
        (body('return event.get("errorCode") is not None'), {"errorCode": ""}, {"errorCode": None}),
        (body('return event.get("errorCode")'), {"errorCode": "AccessDenied"}, {"errorCode": ""}),
        (body('return event.get("readOnly") is False'), {"readOnly": False}, {"readOnly": True}),
        (
            body(
                'if event.get("eventName") == "A":',
                '    return event.get("errorCode") == "E"',
                'return event.get("eventName") == "B"',
            ),
            {"eventName": "A", "errorCode": "E"},
            {"eventName": "A"},
        ),
    ],
)
def test_what_is_understood_of_the_code_holds_records_back(code: str, passing: Record, held_back: Record) -> None:
    holds = evaluator(rule_of(code).condition)
    assert holds(passing)
    assert not holds(held_back)


@pytest.mark.parametrize("name", sorted(RECORD_FIELDS))
def test_a_field_is_found_by_whichever_of_its_names_a_record_has(name: str) -> None:
    holds = evaluator(rule_of(body(f'return event.get("{name}") == "X"')).condition)
    assert holds({name: "X"})
    assert not holds({name: "Y"})
    assert as_cloudtrail_names_them({name: "X"}) == {name: "X"}


@pytest.mark.parametrize("name", sorted(IDENTITY_FIELDS))
def test_a_field_of_the_identity_is_found_by_whichever_of_its_names_a_record_has(name: str) -> None:
    holds = evaluator(rule_of(body(f'return event.deep_get("userIdentity", "{name}") == "X"')).condition)
    assert holds({"userIdentity": {name: "X"}})
    assert not holds({"userIdentity": {name: "Y"}})


def test_the_elements_of_a_set_are_asked_about_in_the_order_in_which_they_are_written() -> None:
    written = '"Stop", "Delete", "Put", "Update", "Create", "Detach"'
    of_a_set = rule_of(body(f'return event.get("eventName", "").startswith(tuple({{{written}}}))'))
    of_a_tuple = rule_of(body(f'return event.get("eventName", "").startswith(({written}))'))
    assert of_a_set.condition == of_a_tuple.condition


def test_what_the_author_declares_is_needed_too() -> None:
    spec = 'AnalysisType: rule\nFilename: a.py\nRuleID: A\nGate: {"eventName": [{"prefix": "Delete"}]}\n'
    code = body('return event.get("eventSource") == "s3.amazonaws.com"')
    (rule,) = load([("a.yml", spec), ("a.py", code)]).rules
    holds = evaluator(rule.condition)
    assert holds({"eventSource": "s3.amazonaws.com", "eventName": "DeleteBucket"})
    assert not holds({"eventSource": "s3.amazonaws.com", "eventName": "CreateBucket"})
    assert not holds({"eventSource": "ec2.amazonaws.com", "eventName": "DeleteVpc"})


def test_a_rule_that_sees_every_record_says_what_that_costs() -> None:
    found = load([("a.py", body('return event.get("eventName") != "X"'))])
    assert [note.what for note in found.notes] == [
        "a: sees every record, which costs 15 to 80 µs of CPU each; say under Gate: what its matches have"
    ]


def test_a_condition_that_grows_without_end_says_nothing() -> None:
    lines = [
        f'x{n} = event.get("a{n}") if event.get("eventName") == "N{n}" or event.get("b") else 1' for n in range(300)
    ]
    lines += [f'if event.get("eventName") == "N{n}" and x{n}:\n        return x{n}' for n in range(300)]
    assert evaluator(rule_of(body(*lines, "return True")).condition)({})
