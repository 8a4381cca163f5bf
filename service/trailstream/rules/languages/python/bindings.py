"""Which names a piece of code binds: gives a value, in whatever way."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from trailstream.rules.languages.python.expressions import annotations_of

EVERYTHING = "*"
"""Stands among bound names for those that ``from module import *`` brings."""


@lru_cache(maxsize=64)
def names_bound_in(tree: ast.AST) -> Counter[str]:
    """Return how often each name is bound anywhere, parameters and inner functions included."""
    return Counter(_bindings(tree))


def names_of_module(tree: ast.Module) -> frozenset[str]:
    """Return the names that a module has of its own: what is bound in no function or class, or declared global."""
    found = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        found.update(_bound_at(node))
        match node:
            case (
                ast.FunctionDef(args=arguments, decorator_list=decorators)
                | ast.AsyncFunctionDef(args=arguments, decorator_list=decorators)
            ):
                defaults = (each for each in arguments.kw_defaults if each is not None)
                pending += [*decorators, *arguments.defaults, *defaults, *annotations_of(node)]
            case ast.Lambda(args=arguments):
                pending += [*arguments.defaults, *(each for each in arguments.kw_defaults if each is not None)]
            case ast.ClassDef(bases=bases, decorator_list=decorators):
                pending += [*bases, *decorators]
            case _:
                pending += ast.iter_child_nodes(node)
    return frozenset(found)


def _bindings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        yield from _bound_at(node)


def _bound_at(node: ast.AST) -> Sequence[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.alias():
            return [bound_by(node)]
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return names
        case (
            ast.ExceptHandler(name=str() as name)
            | ast.MatchAs(name=str() as name)
            | ast.MatchStar(name=str() as name)
            | ast.MatchMapping(rest=str() as name)
        ):
            return [name]
    return []


def bound_by(alias: ast.alias) -> str:
    """Return the name that an import binds: ``import a.b`` binds ``a``."""
    return alias.asname or alias.name.partition(".")[0]
