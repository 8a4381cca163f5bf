"""What of a rule's code is not certain, so that no record is held back for it."""

from __future__ import annotations

import pytest

from gate_rules import COUNTER, FLAGGED, NAMED_X, body, rule_of
from trailstream.rules.evaluator import evaluator

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
