"""What other modules may change of what a rule uses, so that no record is held back for it."""

from __future__ import annotations

import pytest

from gate_rules import HELPERS, body
from trailstream.rules.evaluator import evaluator
from trailstream.rules.loading import load

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
