"""The helper ``deep_get(event, *names, default=None)``, which rules bring with them, known by its code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from functools import cache

from trailstream.rules.languages.python.bindings import names_bound_in
from trailstream.rules.languages.python.modules import Names

_WRITTEN = (
    """
def deep_get(dictionary, *keys, default=None):
    out = reduce(lambda d, key: d.get(key, default) if isinstance(d, Mapping) else default, keys, dictionary)
    if out is None:
        return default
    return out
""",
    """
def deep_get(dictionary, *keys, default=None):
    out = reduce(lambda d, key: d.get(key, default) if isinstance(d, Mapping) else default, keys, dictionary)
    return default if out is None else out
""",
)
"""As Panther ships it, and as it is written too; the names in it may be others."""
_MAPPINGS = frozenset(["collections.abc.Mapping", "typing.Mapping"])


def is_deep_get(path: str, function: ast.FunctionDef, names: Names) -> bool:
    """Say whether a function gives the value at a path of names, or the default where there is none, or null."""
    return (
        _shape_of(function) in _shapes()
        and names.foreign(path, ast.Name("reduce")) == "functools.reduce"
        and names.foreign(path, ast.Name("Mapping")) in _MAPPINGS
        and names.builtin(path, ast.Name("isinstance")) is not None
    )


@cache
def _shapes() -> frozenset[str]:
    return frozenset(_shape_of(node) for text in _WRITTEN for node in ast.parse(text).body)


def _shape_of(function: ast.stmt) -> str:
    """Return what is the same of functions that differ in their names, their docstrings and their annotations alone."""
    function = deepcopy(function)
    places = {name: str(place) for place, name in enumerate(dict.fromkeys(_named(function))) if name != "default"}
    for node in ast.walk(function):
        match node:
            case ast.FunctionDef(body=[ast.Expr(value=ast.Constant()), *body]):
                node.body = body
        match node:
            case ast.FunctionDef():
                node.name, node.returns = "", None
            case ast.arg(arg=name):
                node.arg, node.annotation = places.get(name, name), None
            case ast.Name(id=name):
                node.id = places.get(name, name)
    return ast.dump(function)


def _named(function: ast.stmt) -> Iterator[str]:
    bound = names_bound_in(function)
    for node in ast.walk(function):
        name = node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else ""
        if name in bound:
            yield name
