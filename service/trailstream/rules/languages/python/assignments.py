"""What the local names of a function are given, and under which tests."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from trailstream.rules.languages.python.bindings import names_bound_in

Way: TypeAlias = tuple[tuple[ast.expr, bool], ...]
"""Tests around a statement, and how each must have ended for it to be reached."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value that a name is given."""

    value: ast.expr
    way: Way


def assignments(function: ast.FunctionDef) -> Mapping[str, Sequence[Given]]:
    """Return all that each local name is given, of those that are given nothing in any other way."""
    bound = names_bound_in(function)
    found: dict[str, list[Given]] = defaultdict(list)
    for statement, way in _statements(function.body, ()):
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                found[name].append(Given(value, way))
    return {name: given for name, given in found.items() if len(given) == bound[name]}


def targets_of(statement: ast.stmt) -> Sequence[ast.expr]:
    """Return what an assignment assigns to; nothing for any other statement."""
    match statement:
        case ast.Assign(targets=targets):
            return targets
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return [target]
    return []


def lasting_names(function: ast.FunctionDef) -> frozenset[str] | None:
    """Return the names of its module that a function gives values; None where not by its own assignments alone."""
    own = [statement for statement, _ in _statements(function.body, ())]
    known = Counter(name for each in own if isinstance(each, ast.Global) for name in each.names)
    stored = (node for each in own for target in targets_of(each) for node in ast.walk(target))
    known.update(node.id for node in stored if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    declared = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
    bound = names_bound_in(function)
    return frozenset(declared) if all(bound[name] == known[name] for name in declared) else None


def _statements(body: Sequence[ast.stmt], way: Way) -> Iterator[tuple[ast.stmt, Way]]:
    """Yield the statements of a function with the way to each, without those of functions and classes in it."""
    pending = [(statement, way) for statement in body]
    while pending:
        statement, way = pending.pop()
        yield statement, way
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                continue
            case ast.If(test=test, body=then, orelse=otherwise):
                pending += [(inner, (*way, (test, True))) for inner in then]
                pending += [(inner, (*way, (test, False))) for inner in otherwise]
            case _:
                pending += [(inner, way) for inner in _within(statement)]


def _within(statement: ast.stmt) -> Iterator[ast.stmt]:
    """Yield the statements that stand directly within another."""
    pending: list[ast.AST] = list(ast.iter_child_nodes(statement))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.stmt):
            yield node
        else:
            pending += ast.iter_child_nodes(node)
