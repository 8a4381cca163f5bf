"""Rules in Python whose gates are looked at, and the modules around them."""

from __future__ import annotations

from trailstream.rules.loading import load
from trailstream.rules.rule import Rule

HELPERS = """
from collections.abc import Mapping
from functools import reduce

WATCHED = {"DeleteTrail"}
SEEN = []


def deep_get(dictionary, *keys, default=None):
    found = reduce(lambda at, key: at.get(key, default) if isinstance(at, Mapping) else default, keys, dictionary)
    return default if found is None else found


def succeeded(event):
    return not (event.get("errorCode") or event.get("errorMessage"))


def stops_a_trail(event):
    return event.get("eventName") in ("StopLogging", "DeleteTrail")


def remember(event):
    SEEN.append(event.get("eventID"))
    return True
"""


KINDS = 'FAILED = "failed"\nNONE = ""\nGIVEN = "x"\nLIST = ["failed"]\n'
MODEL = """
import kinds

kinds.GIVEN = ""
SEEN = []


def kind_of(event):
    if event.get("eventName") == "X":
        return kinds.FAILED
    return None


def nested(event):
    return event.udm("kind")


def number(event):
    SEEN.append(1)
    return len(SEEN)
"""
MODEL_YAML = """
AnalysisType: datamodel
LogTypes: [AWS.CloudTrail]
DataModelID: M
Filename: model.py
Mappings:
- {Name: kind, Method: kind_of}
- {Name: nested, Method: nested}
- {Name: number, Method: number}
"""


def rule_of(code: str) -> Rule:
    """Load a rule of this code beside helpers and a data model."""
    files = {
        "helpers.py": HELPERS,
        "kinds.py": KINDS,
        "names.py": "LIST = ['X']\n",
        "model.py": MODEL,
        "model.yml": MODEL_YAML,
    }
    found = load([("a.py", code), *files.items()])
    assert found.problems == []
    (rule,) = found.rules
    return rule


def body(*lines: str) -> str:
    """Write a rule function of these lines."""
    return "\n    ".join(("def rule(event):", *lines))


NAMED_X = 'if event.get("eventName") != "X":'

FLAGGED = "FLAG = 0\n"
COUNTER = "from panther_detection_helpers.caching import increment_counter\n"
