"""What a record must have for a rule in code to match it: a look at the code that never runs it.

Of each way through the function it is asked what must hold for it to be taken: to end in a true value, or to do
something that a later event may meet (a counter counted up). What is not understood asks for nothing, so that the
condition is never narrower than the code:

- what raises is no match, so a test that raises where it is not met may be taken for met;
- a name counts if it is bound once and no file has a way to bind it anew; a constant if all that is done with it
  anywhere is to read it; a builtin if no name of the module hides it;
- what is not the event, made on the way, plain data, or a function that does nothing else may do anything;
- a ``try`` may leave its body at any point, a loop may run its body or not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trailstream.rules.condition import Condition
from trailstream.rules.languages.python.assignments import Given, assignments, lasting_names, targets_of
from trailstream.rules.languages.python.bindings import names_bound_in
from trailstream.rules.languages.python.comparisons import OPPOSITES, Tests
from trailstream.rules.languages.python.deep_get import is_deep_get
from trailstream.rules.languages.python.expressions import annotations_of, parts_of
from trailstream.rules.languages.python.harmless import Scope, are_named
from trailstream.rules.languages.python.logic import ALWAYS, NEVER, both, either
from trailstream.rules.languages.python.modules import Names, NotConstantError, TooIntricateError
from trailstream.rules.languages.python.plain import is_plain
from trailstream.rules.languages.python.subjects import Reader

DEEPEST_CALL = 4
MOST_STEPS = 20_000
"""Real rules take some hundreds."""
_MOCKS = frozenset(["unittest.mock.MagicMock", "unittest.mock.Mock"])
MOST_ELEMENTS = 100
"""Of a collection that a comprehension runs over."""


def needed_to_match(path: str, names: Names) -> Condition:
    """Return what a record must have for the rule in a file to match it."""
    found = names.function(path, ast.Name("rule"))
    if found is None:
        return ALWAYS
    names.steps = iter(range(MOST_STEPS))
    try:
        return Function.of(*found, names, depth=0).to_be_true()
    except (TooIntricateError, RecursionError):
        return ALWAYS


@dataclass(frozen=True, slots=True)
class Function:
    """A function whose first parameter is the event."""

    path: str
    node: ast.FunctionDef
    names: Names
    reader: Reader
    assigned: Mapping[str, Sequence[Given]]
    depth: int
    lasting: frozenset[str] | None
    """Names of its module that it gives values, which a later event meets; None where nobody follows how."""
    counts: bool = True
    """Whether what it returns counts, or only what it does on the way."""

    @classmethod
    def of(cls, path: str, node: ast.FunctionDef, names: Names, depth: int) -> Function:
        """Look at a function; one whose event may be another before long asks for nothing."""
        event = next((each.arg for each in (*node.args.posonlyargs, *node.args.args)), "")
        bound = names_bound_in(node)
        assigned = assignments(node)
        named = {name: given[0].value for name, given in assigned.items() if len(given) == 1}

        def gets_deep(name: str) -> bool:
            found = None if name in bound else names.function(path, ast.Name(name))
            return found is not None and is_deep_get(*found, names)

        def constant(expression: ast.expr) -> Any:
            if any(isinstance(part, ast.Name) and part.id in bound for part in ast.walk(expression)):
                raise NotConstantError
            return names.constant(path, expression)

        certain = event if bound[event] == 1 else ""
        lasting = lasting_names(node)
        return cls(path, node, names, Reader(certain, named, constant, gets_deep), assigned, depth, lasting)

    @property
    def scope(self) -> Scope:
        """What its names mean."""
        return Scope(self.path, self.node, self.names)

    @property
    def tests(self) -> Tests:
        """Its tests of the event's fields."""
        return Tests(self.reader)

    def to_be_true(self) -> Condition:
        """Return what must hold for the function to return something true, or to do something on the way."""
        if any(isinstance(inner, (ast.Yield, ast.YieldFrom, ast.Await)) for inner in ast.walk(self.node)):
            return ALWAYS
        if self.lasting is None or not self.scope.has_plain_defaults():
            return ALWAYS
        return self._of_all(self.node.body, NEVER)

    def _of_all(self, statements: Sequence[ast.stmt], after: Condition) -> Condition:
        """Return what must hold for statements to matter, if what comes after them matters where ``after`` holds."""
        for statement in reversed(statements):
            after = self._of(statement, after)
        return after

    def _of(self, statement: ast.stmt, after: Condition) -> Condition:
        match statement:
            case ast.If(test=test, body=body, orelse=orelse):
                yes = both(self._true(test), self._of_all(body, after))
                no = both(self._false(test), self._of_all(orelse, after))
                return either(self._effect(test), yes, no)
            case ast.For(target=target, iter=given, body=body, orelse=orelse):
                looped = either(self._effect(target), self._effect(given), self._of_all(body, NEVER))
                return either(looped, self._of_all(orelse, after), after)
            case ast.While(test=test, body=body, orelse=orelse):
                return either(self._effect(test), self._of_all(body, NEVER), self._of_all(orelse, after), after)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
                ends, after = self._of_all(finalbody, NEVER), self._of_all(finalbody, after)
                if not all(handler.type is None or are_named(handler.type) for handler in handlers):
                    return ALWAYS
                handled = (self._of_all(handler.body, after) for handler in handlers)
                return either(self._of_all([*body, *orelse], after), *handled, ends)
        return self._of_simple(statement, after)

    def _of_simple(self, statement: ast.stmt, after: Condition) -> Condition:  # noqa: PLR0911 -- one for each kind
        match statement:
            case ast.Return(value=None) | ast.Continue() | ast.Break():
                return NEVER
            case ast.Return(value=ast.expr() as value):
                return either(self._effect(value), self._true(value) if self.counts else NEVER)
            case ast.Assert(test=test):
                return either(self._effect(test), both(self._true(test), after))
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value) | ast.AugAssign(value=value) if all(
                map(self._is_local, targets_of(statement))
            ) and not self.scope.may_change_what_lasts(statement):
                return either(self._effect(value), after)
            case ast.Expr(value=value):
                return either(self._effect(value), after)
            case ast.Raise():
                return either(*map(self._effect, parts_of(statement)))
            case ast.Import() | ast.ImportFrom():
                return after if self.scope.imports_library_alone(statement) else ALWAYS
            case ast.Pass() | ast.Global() | ast.AnnAssign(value=None):
                return after
            case ast.FunctionDef(decorator_list=[], args=ast.arguments(defaults=[], kw_defaults=[])):
                return either(*map(self._effect, annotations_of(statement)), after)
        return ALWAYS

    def _is_local(self, target: ast.expr) -> bool:
        if isinstance(target, ast.Tuple):
            return all(map(self._is_local, target.elts))
        return isinstance(target, ast.Name) and target.id not in (self.lasting or ())

    def _effect(self, expression: ast.expr) -> Condition:
        """Return what must hold for the evaluation of an expression to do something."""
        self.names.step()
        match expression:
            case ast.BoolOp(op=operator, values=[first, *others]):
                goes_on = self._true if isinstance(operator, ast.And) else self._false
                rest = NEVER if not others else self._effect(ast.BoolOp(op=operator, values=others))
                return either(self._effect(first), both(goes_on(first), rest))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return either(
                    self._effect(test),
                    both(self._true(test), self._effect(body)),
                    both(self._false(test), self._effect(orelse)),
                )
            case ast.Call():
                return either(self._effect_of_call(expression), *map(self._effect, self.scope.parts(expression)))
        if not self.scope.leaves_nothing(expression):
            return ALWAYS
        return either(*map(self._effect, self.scope.parts(expression)))

    def _effect_of_call(self, call: ast.Call) -> Condition:
        if self.scope.is_harmless_call(call):
            return NEVER
        inner = self._called_with_event(call)
        return ALWAYS if inner is None else replace(inner, counts=False).to_be_true()

    def _called_with_event(self, call: ast.Call) -> Function | None:
        """Return the own function that is called with the event and nothing else, be it through the data model."""
        if self.depth >= DEEPEST_CALL:
            return None
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=event), attr="udm"),
                args=[ast.Constant(value=str() as name)],
                keywords=[],
            ) if event == self.reader.event and (found := self.names.modelled(name)) is not None:
                return Function.of(*found, self.names.without_model(), self.depth + 1)
            case ast.Call(func=function, args=[ast.Name(id=event)], keywords=[]) if (
                event == self.reader.event and self.scope.is_from_outside(function)
            ):
                found = self.names.function(self.path, function)
                if found is not None and len((*found[1].args.posonlyargs, *found[1].args.args)) == 1:
                    return Function.of(*found, self.names, self.depth + 1)
        return None

    def _true(self, expression: ast.expr) -> Condition:  # noqa: PLR0911 -- one return for each kind of expression
        """Return what must hold for an expression to be true."""
        self.names.step()
        match expression:
            case ast.Constant(value=value):
                return ALWAYS if value else NEVER
            case ast.BoolOp(op=ast.And(), values=values):
                return both(*map(self._true, values))
            case ast.BoolOp(op=ast.Or(), values=values):
                return either(*map(self._true, values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._false(operand)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return either(both(self._true(test), self._true(body)), both(self._false(test), self._true(orelse)))
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self._compared(left, operator, right)
            case ast.Name(id=name) if name in self.reader.named:
                return self._true(self.reader.named[name])
            case ast.Name(id=name) if name in self.assigned:
                # Whatever it is now, it was given somewhere, and the tests around that place ended as they had to.
                return either(*(both(*self._way(each), self._true(each.value)) for each in self.assigned[name]))
            case ast.Call():
                return self._true_call(expression)
        return self.tests.true(expression)

    def _way(self, given: Given) -> Iterator[Condition]:
        return (self._true(test) if ended else self._false(test) for test, ended in given.way)

    def _false(self, expression: ast.expr) -> Condition:  # noqa: PLR0911 -- one return for each kind of expression
        """Return what must hold for an expression to be false."""
        self.names.step()
        match expression:
            case ast.Constant(value=value):
                return NEVER if value else ALWAYS
            case ast.BoolOp(op=ast.And(), values=values):
                return either(*map(self._false, values))
            case ast.BoolOp(op=ast.Or(), values=values):
                return both(*map(self._false, values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._true(operand)
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in OPPOSITES:
                return self._compared(left, OPPOSITES[type(operator)](), right)
            case ast.Name(id=name) if name in self.reader.named:
                return self._false(self.reader.named[name])
            case ast.Call(func=function, args=[ast.List() | ast.Tuple() as given], keywords=[]):
                falsities = map(self._false, given.elts)
                match self.scope.builtin(function):
                    case "all":
                        return either(*falsities)
                    case "any":
                        return both(*falsities)
        return ALWAYS

    def _true_call(self, call: ast.Call) -> Condition:  # noqa: PLR0911 -- one return for each function that is known
        match self.scope.builtin(call.func), call:
            case "bool", ast.Call(args=[value], keywords=[]):
                return self._true(value)
            case "isinstance", ast.Call(args=[asked, kind]) if self._is_mock(kind) and self._is_data(asked):
                return NEVER  # Only tests put mocks in its place, and gates are not asked of those.
            case "all", ast.Call(args=[ast.List() | ast.Tuple() as given], keywords=[]):
                return both(*map(self._true, given.elts))
            case "any", ast.Call(args=[ast.List() | ast.Tuple() as given], keywords=[]):
                return either(*map(self._true, given.elts))
            case "any", ast.Call(args=[ast.GeneratorExp() | ast.ListComp() as given], keywords=[]):
                return self._true_of_any(given)
            case None, ast.Call(
                func=ast.Attribute(value=value, attr="startswith" | "endswith" as kind), args=[part], keywords=[]
            ):
                return self.tests.with_parts(value, "startswith" if kind == "startswith" else "endswith", part)
        inner = self._called_with_event(call)
        return self.tests.true(call) if inner is None else inner.to_be_true()

    def _is_mock(self, kind: ast.expr) -> bool:
        return self.scope.is_from_outside(kind) and self.names.foreign(self.path, kind) in _MOCKS

    def _is_data(self, expression: ast.expr) -> bool:
        """Say whether an expression is a name of the module for plain data, however often it is given anew."""
        return self.scope.is_from_outside(expression) and is_plain(self.path, expression, self.names)

    def _compared(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Condition:
        inner = self._called_with_event(left) if isinstance(left, ast.Call) else None
        if inner is None:
            return self.tests.compared(left, operator, right)
        return inner.to_be_true() if self.tests.asks_for_truth(operator, right) else ALWAYS

    def _true_of_any(self, given: ast.GeneratorExp | ast.ListComp) -> Condition:
        match given.generators:
            case [ast.comprehension(target=ast.Name(id=name), iter=iterated, ifs=[], is_async=0)]:
                elements = self.tests.constant(iterated)
                if isinstance(elements, tuple) and len(elements) <= MOST_ELEMENTS:
                    return either(*(self._with_element(name, element)._true(given.elt) for element in elements))  # noqa: SLF001 -- of our own class
        return ALWAYS

    def _with_element(self, name: str, element: Any) -> Function:
        named = {**self.reader.named, name: ast.Constant(element)}
        outer = self.reader.constant

        def constant(expression: ast.expr) -> Any:
            return element if isinstance(expression, ast.Name) and expression.id == name else outer(expression)

        return replace(self, reader=replace(self.reader, named=named, constant=constant))
