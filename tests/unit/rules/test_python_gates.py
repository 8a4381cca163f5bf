"""What is found out of a rule's code by looking at it: which records need not be put before it."""

from __future__ import annotations

import pytest

from trailstream.model.record import Record
from trailstream.rules.evaluator import evaluator
from trailstream.rules.gate import gate_of
from trailstream.rules.languages.record_fields import IDENTITY_FIELDS, RECORD_FIELDS, as_cloudtrail_names_them
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
    return "\n    ".join(("def rule(event):", *lines))


NAMED_X = 'if event.get("eventName") != "X":'

FLAGGED = "FLAG = 0\n"
COUNTER = "from panther_detection_helpers.caching import increment_counter\n"

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


SEES_ALL = {
    "the default matches": body('return event.get("eventName", "X") == "X"'),
    "null matches": body('return event.get("eventName") in ("X", None)'),
    "it is negated": body('return event.get("eventName") != "X"'),
    "it is absent": body('return not event.get("errorCode")'),
    "the event is another": body("event = {}", 'return event.get("eventName") == "X"'),
    "the name is given twice": body('name = event.get("eventName")', 'name = "X"', 'return name == "X"'),
    "the name is another function's": body(
        "def other():", '    name = event.get("eventName")', "    return name", 'return name == "X"'
    ),
    "a constant is changed": 'NAMES = ["X"]\nNAMES.append("Y")\n\n' + body('return event.get("eventName") in NAMES'),
    "a constant is given twice": 'NAMES = ["X"]\nNAMES = ["Y"]\n\n' + body('return event.get("eventName") in NAMES'),
    "a constant is lent": "import random\nNAMES = ['X']\nrandom.shuffle(NAMES)\n\n"
    + body('return event.get("eventName") in NAMES'),
    "a constant is made by code": "import os\nNAMES = os.listdir()\n\n"
    + body('return event.get("eventName") in NAMES'),
    "a field of ours": body('return event.get("p_log_type") == "AWS.CloudTrail"'),
    "something is done before": "from helpers import remember\n\n"
    + body("remember(event)", 'return event.get("eventName") == "X"'),
    "the data model says otherwise": body('return event.udm("kind") != "failed"'),
    "the data model does not ask itself": body('return event.udm("nested")'),
    "the data model may say nothing": "import kinds\n" + body('return event.udm("kind") == kinds.NONE'),
    "a constant is given from outside": "import kinds\n" + body('return event.udm("kind") == kinds.GIVEN'),
    "a list of another module is changed": "import kinds\nkinds.LIST.append('x')\n"
    + body('return event.get("eventName") in kinds.LIST'),
    "a part of a text": body('return event.udm("kind") in "failed or not"'),
    "a name that the data model has not": body('return event.udm("other") == "failed"'),
    "a local name among constants": "NAME = 'Y'\n"
    + body("NAME = event.get('eventSource')", "return event.get('eventName') in (NAME, 'Z')"),
    "something is remembered before": FLAGGED
    + body("global FLAG", "FLAG += 1", NAMED_X, "    return False", "return FLAG"),
    "something is remembered by a function within": FLAGGED
    + body(
        "def count(event):",
        "    global FLAG",
        "    FLAG += 1",
        "any(map(count, [event]))",
        'return event.get("eventName") == "X"',
    ),
    "something is added to what lasts": "SEEN = []\n\n"
    + body("seen = SEEN", "seen += [1]", 'return len(SEEN) > 2 and event.get("eventName") == "X"'),
    "something is added to what lasts within": "SEEN = []\n\n"
    + body(
        "def note():",
        "    seen = SEEN",
        "    seen += [1]",
        "    return len(SEEN) > 2",
        'return note() and event.get("eventName") == "X"',
    ),
    "something is remembered by a loop": FLAGGED
    + body("global FLAG", "for FLAG in [1, 2]:", "    pass", 'return event.get("eventName") == "X"'),
    "something is counted by a function within": COUNTER
    + body("def count():", '    return increment_counter("x")', 'return count() > 2 and event.get("eventName") == "X"'),
    "something is done beside": "from helpers import remember\n\n"
    + body('return remember(event) and event.get("eventName") == "X"'),
    "something unknown is called": "from unknown import note\n\n"
    + body("note(event)", 'return event.get("eventName") == "X"'),
    "a handler says yes": body("try:", '    return event["eventName"] == "X"', "except KeyError:", "    return True"),
    "it is finally so": body("try:", '    return event.get("eventName") == "X"', "finally:", "    return True"),
    "a loop ends otherwise": body("for _ in []:", '    return event.get("eventName") == "X"', "return True"),
    "it is a generator": body('yield event.get("eventName") == "X"'),
    "a helper says it otherwise": "from helpers import succeeded\n\n" + body("return not succeeded(event)"),
    "it is decorated": "import functools\n\n@functools.cache\n" + body('return event.get("eventName") == "X"'),
    "deep_get is one's own": "def deep_get(event, *keys):\n    return remember()\n\n"
    + body('return deep_get(event, "userIdentity", "type") == "Root"'),
    "deep_get makes it lower case": "def deep_get(event, *keys):\n"
    "    value = event.deep_get(*keys)\n    return str(value).lower()\n\n"
    + body('return deep_get(event, "userIdentity", "type") == "root"'),
    "any is one's own": "def any(values):\n    return True\n\n"
    + body('return any(event.get("eventName") == name for name in ("X", "Y"))'),
    "bool is one's own": "bool = lambda value: True\n\n" + body('return bool(event.get("eventName") == "X")'),
    "set is one's own": "def set(names):\n    return ['Y']\n\nNAMES = set(['X'])\n"
    + body('return event.get("eventName") in NAMES'),
    "a parameter counts": "import itertools\n\n"
    "def rule(event, numbers=itertools.count(1)):\n"
    '    number = next(numbers)\n    return number > 1 and event.get("eventName") == "X"\n',
    "a constant is lent by get": 'NAMES = ["X"]\n{}.get("k", NAMES).append("Y")\n\n'
    + body('return event.get("eventName") in NAMES'),
    "a constant is changed by exec": 'NAMES = ["X"]\nexec("NAMES.append(\'Y\')")\n\n'
    + body('return event.get("eventName") in NAMES'),
    "a constant is given by globals": 'NAME = "X"\nglobals()["NAME"] = "Y"\n\n'
    + body('return event.get("eventName") == NAME'),
    "a constant is hidden by an import": "NAME = 'X'\nimport NAME.more\n\n"
    + body('return event.get("eventName") == NAME'),
    "an object counts": "class T:\n    n = 0\n    def count(self, x):\n        self.n += 1\n        return self.n\n\n"
    "t = T()\n" + body('n = t.count(event.get("eventName"))', 'return n > 1 and event.get("eventName") == "X"'),
    "an imported object counts": "from unknown import numbers\n\n"
    + body("n = numbers.get(event)", 'return n > 1 and event.get("eventName") == "X"'),
    "an object counts its attributes": "from unknown import numbers\n\n"
    + body("n = numbers.n", 'return n > 1 and event.get("eventName") == "X"'),
    "an iterator counts": "import itertools\nIDS = itertools.count(1)\n\n"
    + body("n = next(IDS)", 'return n > 1 and event.get("eventName") == "X"'),
    "an iterator counts that is declared": "import itertools\nIDS = itertools.count(1)\n\n"
    + body("global IDS", "n = next(IDS)", 'return n > 1 and event.get("eventName") == "X"'),
    "an iterator has the name of another": "import itertools\nIDS = itertools.count(1)\n\n"
    + body("[IDS for IDS in ()]", "n = next(IDS)", 'return n > 1 and event.get("eventName") == "X"'),
    "a loop changes what lasts": 'SEEN = {"n": 1}\n\n'
    + body(
        'n = SEEN["n"]',
        'for SEEN["n"], other in [(2, 2)]:',
        "    pass",
        'return n > 1 and event.get("eventName") == "X"',
    ),
    "an iterator is looped over": "import itertools\nIDS = itertools.count(1)\n\n"
    + body("for n in IDS:", "    break", 'return n > 1 and event.get("eventName") == "X"'),
    "a collection is changed through a call": "SEEN = set()\n\n"
    + body('list(map(SEEN.add, [event.get("eventID")]))', 'return len(SEEN) > 1 and event.get("eventName") == "X"'),
    "a collection is changed by a key": "SEEN = []\n\n"
    + body("sorted([1], key=SEEN.append)", 'return len(SEEN) > 1 and event.get("eventName") == "X"'),
    "a collection within is changed": 'SEEN = {"n": []}\n\n'
    + body('list.append(SEEN["n"], 1)', 'return len(SEEN["n"]) > 1 and event.get("eventName") == "X"'),
    "a collection within is changed by its name": 'SEEN = {"n": []}\n\n'
    + body(
        'list(map(getattr(SEEN["n"], "append"), [1]))',
        'return len(SEEN["n"]) > 1 and event.get("eventName") == "X"',
    ),
    "a dictionary makes what it is asked for": "from collections import defaultdict\nSEEN = defaultdict(int)\n\n"
    + body('SEEN[event.get("eventID")]', 'return len(SEEN) > 1 and event.get("eventName") == "X"'),
    "the data model counts": body('n = event.udm("number")', 'return n > 1 and event.get("eventName") == "X"'),
    "another parameter comes first": "def is_it(other, /, event={}):\n    return other.get('eventName') == 'Y'\n\n"
    + body("return is_it(event)"),
    "an annotation counts": "SEEN = []\n\n"
    + body("def inner(x: SEEN.append(1)): pass", 'return event.get("eventName") == "X" and len(SEEN) > 2'),
    "an annotation within a function within counts": "SEEN = []\n\n"
    + body(
        "def inner():",
        "    def innermost() -> SEEN.append(1): pass",
        "inner()",
        'return event.get("eventName") == "X" and len(SEEN) > 2',
    ),
    "an iterator is made by an annotation": "import itertools\n\n"
    "def other(x: (IDS := itertools.count(1))): pass\n\n"
    + body("[IDS for IDS in ()]", "n = next(IDS)", 'return n > 1 and event.get("eventName") == "X"'),
    "an iterator is made by a method": "import re\nIDS = re.compile('.').finditer('0123')\n\n"
    + body("for n in IDS:", "    break", 'return n.group() == "1" and event.get("eventName") == "X"'),
    "json makes what counts": "import itertools, json\n"
    "IDS = json.loads('{}', object_hook=lambda _: itertools.count(1))\n\n"
    + body("for n in IDS:", "    break", 'return n > 1 and event.get("eventName") == "X"'),
    "json is given what counts": "import itertools, json\nHOW = ['{}']\nIDS = json.loads(*HOW)\n\n"
    + body("for n in IDS:", "    break", 'return n > 1 and event.get("eventName") == "X"'),
    "a text counts": "class T(str):\n    n = 0\n    def count(self, _):\n        T.n += 1\n        return T.n\n"
    "    def __str__(self):\n        return self\n\nTEXT = str(T())\n"
    + body("n = TEXT.count('x')", 'return event.get("eventName") == "X" and n > 1'),
    "a mock is in the module": "from unittest.mock import MagicMock\nMOCK = MagicMock()\n\n"
    + body("return isinstance(MOCK, MagicMock)"),
    "it is a number of more digits than a float has": body('return event.get("eventName") == 1e20'),
    "it is one of such numbers": body('return event.get("eventName") in (1, 9007199254740993)'),
    "events are changed": "from panther_core import PantherEvent\nPantherEvent.get = lambda *_: 'X'\n\n"
    + body('return event.get("eventName") == "X"'),
}


@pytest.mark.parametrize("code", SEES_ALL.values(), ids=SEES_ALL)
def test_what_is_not_certain_holds_no_record_back(code: str) -> None:
    assert evaluator(rule_of(code).condition)({})


BY_ANOTHER = {
    "all its names": "from lists import *\nWATCHED.append('Y')\n",
    "the name itself": "import lists\nlists.WATCHED = ['Y']\n",
    "the value": "from lists import WATCHED\nWATCHED.append('Y')\n",
    "the value by another name": "from lists import WATCHED as w\nw.append('Y')\n",
    "the value by the module": "import lists\nlists.WATCHED.append('Y')\n",
    "the value by the package": "import lists as l\nmodule = l\nmodule.WATCHED.append('Y')\n",
    "the value within a function": "def do():\n    from lists import WATCHED\n    WATCHED.append('Y')\n\ndo()\n",
    "the value from beside": "from .lists import WATCHED\nWATCHED.append('Y')\n",
    "the value by getattr": "import lists\nnames = getattr(lists, 'WATCHED')\nnames.append('Y')\n",
    "any value by getattr": "import lists\nfor n in dir(lists):\n    getattr(lists, n)\n",
    "any name by a dictionary": "import lists\nname = '__dict__'\ngetattr(lists, name)['WATCHED'] = ['Y']\n",
    "any name by setattr": "import lists\nsetattr(lists, 'WATCHED', ['Y'])\n",
    **{
        f"the value by {name}": "from lists import WATCHED\nclass C:\n"
        f"    def {name}(self, names):\n        names.append('Y')\n{use}\n"
        for name, use in {
            "__lshift__": "C() << WATCHED",
            "__rrshift__": "WATCHED >> C()",
            "__matmul__": "C() @ WATCHED",
            "__truediv__": "C() / WATCHED",
            "__class_getitem__": "C[WATCHED]",
            "__getitem__": "C()[WATCHED]",
        }.items()
    },
    "the value by __instancecheck__": "from lists import WATCHED\nclass M(type):\n"
    "    def __instancecheck__(cls, names):\n        names.append('Y')\n\n"
    "class C(metaclass=M): pass\n\nisinstance(WATCHED, C)\n",
    "the value by an operator of a class that is made": "from lists import WATCHED\n"
    "C = type('C', (), {'__lshift__': lambda _, names: names.append('Y')})\nC() << WATCHED\n",
    "the value by an operator that is a keyword": "from lists import WATCHED\n"
    "C = type('C', (), dict(__lshift__=lambda _, names: names.append('Y')))\nC() << WATCHED\n",
    "all names by a wrapper": "import functools, lists, others\nfunctools.update_wrapper(lists, others)\n",
    "all names by wraps": "from functools import wraps\nimport lists, others\nwraps(others)(lists)\n",
    "all names by wraps by another name": "from functools import wraps as w\nimport lists, others\nw(others)(lists)\n",
    "all names by wraps by its name": "import functools, lists, others\ngetattr(functools, 'wraps')(others)(lists)\n",
    "all names by a wrapper by its name": "import functools as f, lists, others\n"
    "getattr(f, 'update_wrapper')(lists, others)\n",
    "a function": "import lists\nlists.is_watched = lambda event: event.get('eventName') == 'Y'\n",
}


@pytest.mark.parametrize("change", BY_ANOTHER.values(), ids=BY_ANOTHER)
def test_what_another_module_may_change_is_not_certain(change: str) -> None:
    lists = "WATCHED = ['X']\n\ndef is_watched(event):\n    return event.get('eventName') in WATCHED\n"
    code = "import change\nimport lists\n\n" + body("return lists.is_watched(event)")
    found = load([("a.py", code), ("lists.py", lists), ("change.py", change)])
    assert evaluator(found.rules[0].condition)({"eventName": "Y"})


BY_A_CLASS = {
    "the name itself": "global __WATCHED\n        __WATCHED = ['Y']",
    "the name from outside": "import lists\n        lists.__WATCHED = ['Y']",
    "the value": "__WATCHED.append('Y')",
    "the value from outside": "import lists\n        lists.__WATCHED.append('Y')",
}


@pytest.mark.parametrize("change", BY_A_CLASS.values(), ids=BY_A_CLASS)
def test_what_a_class_may_change_by_a_shorter_name_is_not_certain(change: str) -> None:
    lists = f"_C__WATCHED = ['X']\n\nclass C:\n    def change(self):\n        {change}\n"
    code = "import lists\n\n" + body('return event.get("eventName") in lists._C__WATCHED')
    found = load([("a.py", code), ("lists.py", lists)])
    assert evaluator(found.rules[0].condition)({"eventName": "Y"})


def test_a_decorator_that_wraps_and_what_is_called_by_its_name_change_nothing() -> None:
    helpers = (
        "from functools import wraps\nWATCHED = ['X']\n\ndef twice(function):\n    @wraps(function)\n"
        "    def inner(*_):\n        return [function() for __ in range(2)]\n    return inner\n\n"
        "class C:\n    def __init__(self):\n        self.name = 1\n"
    )
    code = "from helpers import WATCHED\n\n" + body('return event.get("eventName") in WATCHED')
    found = load([("a.py", code), ("helpers.py", helpers)])
    assert not evaluator(found.rules[0].condition)({"eventName": "Y"})


BY_STARS = {
    "after one's own": ('NAMES = ["A"]\nfrom h import *\n', {}),
    "within try": ('NAMES = ["A"]\ntry:\n    from h import *\nexcept ImportError:\n    pass\n', {}),
    "after an import": ("from defaults import NAMES\nfrom h import *\n", {"defaults.py": 'NAMES = ["A"]\n'}),
    "of builtins": ("from b import *\nNAMES = ['A']\n", {"b.py": "def any(values):\n    return True\n"}),
}


@pytest.mark.parametrize(("code", "others"), BY_STARS.values(), ids=BY_STARS)
def test_what_an_import_of_all_names_may_hide_is_not_certain(code: str, others: dict[str, str]) -> None:
    code += body('return any(event.get("eventName") == name for name in NAMES)')
    found = load([("a.py", code), ("h.py", 'NAMES = ["Y"]\n'), *others.items()])
    assert evaluator(found.rules[0].condition)({"eventName": "Y"})


def test_a_file_that_is_called_as_a_module_of_ours_is_not_what_is_imported() -> None:
    code = "from panther_core import WATCHED\n\n" + body('return event.get("eventName") in WATCHED')
    found = load([("a.py", code), ("panther_core.py", "WATCHED = ['X']\n")])
    assert evaluator(found.rules[0].condition)({"eventName": "Y"})


@pytest.mark.parametrize("statement", ["import dateutil.arm", "from dateutil import arm", "from dateutil.arm import N"])
def test_a_module_that_is_called_as_one_that_does_nothing_may_do_anything(statement: str) -> None:
    code = "import state\n\n" + body(statement, 'return event.get("eventName") == "X" and len(state.SEEN) > 0')
    arm = "import state\nN = 1\nstate.SEEN.append(N)\n"
    found = load([("a.py", code), ("state.py", "SEEN = []\n"), ("dateutil/__init__.py", ""), ("dateutil/arm.py", arm)])
    assert evaluator(found.rules[0].condition)({})


def test_a_module_that_no_rule_imports_changes_nothing() -> None:
    code = "from helpers import WATCHED\n\n" + body('return event.get("eventName") in WATCHED')
    changing = "from helpers import WATCHED\nWATCHED.add('Y')\n"
    found = load([("a.py", code), ("helpers.py", HELPERS), ("other.py", changing)])
    assert not evaluator(found.rules[0].condition)({"eventName": "Y"})


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
