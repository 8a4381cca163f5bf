"""Tests of one field of the event, as a record meets them: truth, equality, being in, beginning and ending."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trailstream.rules.condition import Condition
from trailstream.rules.languages.python.logic import ALWAYS
from trailstream.rules.languages.python.modules import NotConstantError
from trailstream.rules.languages.python.predicates import NOT_NULL, TRUTHY, TextTest, at, equal_to, texts_with
from trailstream.rules.languages.python.subjects import NO_DEFAULT, Reader, Subject
from trailstream.rules.predicate import Predicate, fold

UNKNOWN: Any = object()
"""What an expression is of which nobody knows the value before the code runs."""
EXACT = 2**53
"""Beyond it a number that is read as an integer and one that is read as a float differ, and may have been equal."""
OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


@dataclass(frozen=True, slots=True)
class Tests:
    """The tests of one function."""

    reader: Reader

    def true(self, expression: ast.expr) -> Condition:
        """Return what must hold for the value of a field to be true."""
        subject = self._subject(expression)
        return ALWAYS if subject is None else _needed(subject, TRUTHY, bool)

    def compared(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Condition:
        """Return what must hold for a comparison to be true."""
        match operator:
            case ast.Eq() | ast.Is():
                return self._equal(left, right)
            case ast.In():
                return self._in(left, right)
            case ast.NotEq() | ast.IsNot():
                return self._unequal(left, right)
        return ALWAYS

    def asks_for_truth(self, operator: ast.cmpop, right: ast.expr) -> bool:
        """Say whether nothing that is false, empty or null compares so with an expression of constants."""
        value = self.constant(right)
        if isinstance(operator, ast.In):
            return isinstance(value, tuple) and all(value)
        return isinstance(operator, ast.Eq) and value is not UNKNOWN and bool(value)

    def _equal(self, left: ast.expr, right: ast.expr) -> Condition:
        for one, other in ((left, right), (right, left)):
            subject, value = self._subject(one), self.constant(other)
            if subject is not None and value is not UNKNOWN and not isinstance(value, tuple):
                return _needed_equal(subject, frozenset([value]))
        return ALWAYS

    def _unequal(self, left: ast.expr, right: ast.expr) -> Condition:
        subject, value = self._subject(left), self.constant(right)
        if subject is None or value is not None:
            return ALWAYS
        return _needed(subject, NOT_NULL, lambda found: found is not None)

    def _in(self, left: ast.expr, right: ast.expr) -> Condition:
        subject, values = self._subject(left), self.constant(right)
        if subject is not None and isinstance(values, tuple):
            if any(isinstance(value, tuple) for value in values):
                return ALWAYS
            return _needed_equal(subject, frozenset(values))
        part = self.constant(left)
        return self.with_parts(right, "contains", left) if isinstance(part, str) else ALWAYS

    def with_parts(self, value: ast.expr, kind: TextTest, part: ast.expr) -> Condition:
        """Return what must hold for the value of a field to begin with, end with or hold one of some texts."""
        subject, parts = self._subject(value), self.constant(part)
        parts = (parts,) if isinstance(parts, str) else parts
        if subject is None or subject.folded or not isinstance(parts, tuple) or not parts:
            return ALWAYS
        if not all(isinstance(each, str) for each in parts):
            return ALWAYS
        predicate = texts_with(kind, parts)
        return _needed(subject, predicate, predicate.holds)

    def _subject(self, expression: ast.expr) -> Subject | None:
        try:
            return self.reader.subject(expression) if self.reader.event else None
        except NotConstantError:
            return None

    def constant(self, expression: ast.expr) -> Any:
        """Return the value of an expression; :data:`UNKNOWN` where it is not certain."""
        try:
            return self.reader.constant(expression)
        except NotConstantError:
            return UNKNOWN


def _needed_equal(subject: Subject, values: frozenset[Any]) -> Condition:
    if any(isinstance(value, (int, float)) and abs(value) > EXACT for value in values):
        return ALWAYS
    predicate = equal_to(values, folded=subject.folded)
    return _needed(subject, predicate, predicate.holds)


def _needed(subject: Subject, predicate: Predicate, passes: Callable[[Any], bool]) -> Condition:
    """Return what a record must have for the value of a field to pass: nothing where what stands in for it does."""
    stand_ins = [value for value in (subject.default, subject.null) if value is not NO_DEFAULT]
    if any(passes(fold(value) if subject.folded and isinstance(value, str) else value) for value in stand_ins):
        return ALWAYS
    return at(subject.path, predicate)
