"""Filter patterns made at random, their text, and a second interpreter of them that shares nothing with the first."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

NAMES = ("eventName", "userIdentity", "type", "a.b")
WORDS = ("Create", "CREATEuser", "createUser", "true", "4", "0.5", "x", "", "1e3", 'say "yes" \\', "s")
MAX_WILDCARDS, MAX_REGULAR_EXPRESSIONS = 3, 2


@dataclass(frozen=True)
class Test:
    """One test of a pattern."""

    __test__ = False

    selector: tuple[Any, ...]
    """Names, positions, and ``*`` in a tuple of its own for ``.*``, in a list for ``[*]``."""
    comparison: str
    value: Any
    """A text with wildcards, ``("regex", ...)``, or a number."""

    def __str__(self) -> str:
        steps = "".join(map(_written_step, self.selector))
        if self.comparison in ("IS", "NOT"):
            return f"${steps} {self.comparison} {self.value}"
        return f"${steps} {self.comparison} {_written(self.value)}"


@dataclass(frozen=True)
class Group:
    """Tests joined with && or ||."""

    sign: str
    parts: tuple[Any, ...]
    parenthesised: bool

    def __str__(self) -> str:
        return f" {self.sign} ".join(self._part(part) for part in self.parts)

    def _part(self, part: Any) -> str:
        needed = isinstance(part, Group) and self.sign == "&&" and part.sign == "||"
        return f"({part})" if needed or self.parenthesised else str(part)


def _written_step(step: Any) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if step == ("*",):
        return ".*"
    if step == "*":
        return "[*]"
    return f".['{step}']" if "." in step else f".{step}"


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return f"%{value[1]}%"
    if isinstance(value, str):
        return value if re.fullmatch(r"[A-Za-z]+\*?", value) else '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
    return str(value)


def holds(pattern: Test | Group, record: dict[str, Any]) -> bool:
    """Say whether a pattern matches a record, in the words of the user guide and of docs/rules.md."""
    if isinstance(pattern, Group):
        return (all if pattern.sign == "&&" else any)(holds(part, record) for part in pattern.parts)
    found = list(_selected([record], list(pattern.selector)))
    if pattern.comparison == "NOT":
        return not found
    if pattern.comparison == "IS":
        return any(value is {"NULL": None, "TRUE": True, "FALSE": False}[pattern.value] for value in found)
    return any(_compares(value, pattern) for value in found)


def _selected(values: list[Any], steps: list[Any]) -> Iterator[Any]:
    if not steps:
        yield from values
        return
    for value in values:
        below: list[Any] = []
        match steps[0], value:
            case int(position), list() if position < len(value):
                below = [value[position]]
            case "*", list():
                below = value
            case ("*",), dict():
                below = list(value.values())
            case str(name), dict() if name in value and name != "*":
                below = [value[name]]
        yield from _selected(below, steps[1:])


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _compares(value: Any, test: Test) -> bool:
    if value is None or isinstance(value, (list, dict)):
        return False
    if test.comparison in _ORDER:
        number = _number(value)
        return number is not None and _ORDER[test.comparison](number, test.value)
    return _equals(value, test.value) is (test.comparison == "=")


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _equals(value: Any, wanted: Any) -> bool:
    text = value if isinstance(value, str) else json.dumps(value)
    if isinstance(wanted, tuple):
        return re.search(wanted[1], text) is not None
    if isinstance(wanted, str):
        return re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), text, re.DOTALL) is not None
    if isinstance(value, str):
        return value == str(wanted)
    return not isinstance(value, bool) and bool(value == wanted)


TEXTS = st.sampled_from(WORDS) | st.text("ab1é\N{LATIN SMALL LETTER LONG S}", max_size=3)
SCALARS = st.none() | st.booleans() | st.integers(-1, 1) | st.sampled_from([0.5, 1000.0, 4]) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)

STEPS = st.sampled_from(NAMES) | st.integers(0, 1) | st.sampled_from(["*", ("*",)])
SELECTORS = (
    st.tuples(st.sampled_from(NAMES) | st.just(("*",)), st.lists(STEPS, max_size=2))
    .map(lambda made: (made[0], *made[1]))
    .filter(lambda selector: _wildcards(selector) <= 1)
)
NUMBERS = st.integers(-1, 1) | st.sampled_from([0.5, 1000.0, 4])
REGEXES = st.sampled_from(["^Create", "[a-z]oot$", r"\d+", "a|b", "x{0,2}s", r"\x28"]).map(lambda text: ("regex", text))
WANTED = (
    TEXTS
    | TEXTS.map(lambda text: text + "*")
    | st.sampled_from(["*", "*e*", "C*r", "*User", "C*at*e", "*x*x*"])
    | NUMBERS
    | REGEXES
)
TESTS = st.one_of(
    st.builds(Test, SELECTORS, st.sampled_from(["=", "!="]), WANTED),
    st.builds(Test, SELECTORS, st.sampled_from(["<", "<=", ">", ">="]), NUMBERS),
    st.builds(Test, SELECTORS, st.just("IS"), st.sampled_from(["NULL", "TRUE", "FALSE"])),
    st.builds(Test, SELECTORS, st.just("NOT"), st.just("EXISTS")),
)


def _wildcards(selector: tuple[Any, ...]) -> int:
    return sum(step in ("*", ("*",)) for step in selector)


def _tests(pattern: Test | Group) -> Iterator[Test]:
    if isinstance(pattern, Test):
        yield pattern
    else:
        for part in pattern.parts:
            yield from _tests(part)


def _within_quotas(pattern: Test | Group) -> bool:
    tests = list(_tests(pattern))
    return (
        sum(_wildcards(test.selector) for test in tests) <= MAX_WILDCARDS
        and sum(isinstance(test.value, tuple) for test in tests) <= MAX_REGULAR_EXPRESSIONS
    )


PATTERNS = st.recursive(
    TESTS,
    lambda inner: st.builds(
        Group, st.sampled_from(["&&", "||"]), st.lists(inner, min_size=2, max_size=3).map(tuple), st.booleans()
    ),
    max_leaves=6,
).filter(_within_quotas)


def text_of(pattern: Test | Group) -> str:
    """Return a pattern as it is written."""
    return f"{{ {pattern} }}"
