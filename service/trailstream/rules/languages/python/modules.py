"""What the names in a module certainly mean: constants that nobody changes, and functions, across imports."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from trailstream.rules.code import NO_MODEL, DataModel
from trailstream.rules.languages.python.sources import Source

READING = frozenset(
    ["get", "items", "keys", "values", "copy", "index", "count", "union", "intersection", "difference", "issubset"]
)
"""Methods that change nothing of a collection."""
_READERS = frozenset(["all", "any", "bool", "dict", "frozenset", "isinstance", "len", "list", "set", "sorted", "tuple"])
_TEXT_TESTS = frozenset(["startswith", "endswith"])

_DEEPEST_IMPORT = 5


class TooIntricateError(Exception):
    """Code is too intricate to be looked at in reasonable time."""


class NotConstantError(Exception):
    """Nobody knows what an expression is before the code runs."""


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """A module, as far as its names are certain."""

    functions: Mapping[str, ast.FunctionDef]
    values: Mapping[str, ast.expr]
    """What is assigned once and never changed."""
    imports: Mapping[str, tuple[str, str]]
    """(module, name there) of what is imported from one; an empty name for a module itself."""


@dataclass(slots=True)
class Names:
    """Looks names up, from module to module."""

    sources: Mapping[str, Source]
    modules: Mapping[str, str]
    model: DataModel = NO_MODEL
    """For CloudTrail."""
    steps_left: int = 0
    """How many more expressions are looked at."""
    _known: dict[str, Module] = field(default_factory=dict)
    _changed: frozenset[tuple[str, str]] | None = None

    def step(self) -> None:
        """Look at one more expression. Raises :class:`TooIntricateError`."""
        self.steps_left -= 1
        if self.steps_left < 0:
            raise TooIntricateError

    def module(self, path: str) -> Module:
        """Return what is certain of a file."""
        if path not in self._known:
            self._known[path] = _module_of(self.sources[path].tree)
        return self._known[path]

    def function(self, path: str, name: str, depth: int = 0) -> tuple[str, ast.FunctionDef] | None:
        """Return the function that a name of a module is, and the file that it stands in."""
        module = self.module(path)
        if name in module.functions:
            return path, module.functions[name]
        found = self._imported(path, name, depth)
        return None if found is None else self.function(*found, depth + 1)

    def called(self, path: str, what: ast.expr) -> tuple[str, ast.FunctionDef] | None:
        """Return the function that ``name`` or ``module.name`` is in a file, and the file that it stands in."""
        match what:
            case ast.Name(id=name):
                return self.function(path, name)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                module = self.modules.get(self.origin(path, owner) or "")
                return None if module is None else self.function(module, name)
        return None

    def modelled(self, name: str) -> tuple[str, ast.FunctionDef] | None:
        """Return the data model's function that answers ``event.udm(name)``, and the file that it stands in."""
        named = [each.function for each in self.model.fields if each.name == name and each.function]
        return self.function(self.model.path, named[-1]) if named and self.model.path else None

    def origin(self, path: str, name: str) -> str | None:
        """Return the full name of what a name of a module was imported as; None where it was not."""
        found = self.module(path).imports.get(name)
        return None if found is None else ".".join(filter(None, found))

    def constant(self, path: str, expression: ast.expr, depth: int = 0) -> Any:  # noqa: PLR0911 -- one for each kind
        """Return the value of an expression of constants. Raises :class:`NotConstantError`."""
        match expression:
            case ast.Constant(value=value):
                return value
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return tuple(self.constant(path, element, depth) for element in elements)
            case ast.Set(elts=elements):
                return frozenset(self._hashable(path, element, depth) for element in elements)
            case ast.Dict(keys=keys) if None not in keys:
                return tuple(self.constant(path, key, depth) for key in keys if key is not None)
            case ast.Call(
                func=ast.Name(id="set" | "frozenset" | "tuple" | "list" | "sorted"), args=[inner], keywords=[]
            ):
                return tuple(self._collection(path, inner, depth))
            case ast.Call(func=ast.Attribute(value=ast.Name() as owner, attr="keys"), args=[], keywords=[]):
                return self.constant(path, owner, depth)
            case ast.BinOp(left=left, op=ast.Add() | ast.BitOr(), right=right):
                return (*self._collection(path, left, depth), *self._collection(path, right, depth))
            case ast.Name(id=name):
                return self._named(path, name, depth)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                return self._of_module(path, owner, name, depth)
        raise NotConstantError

    def _of_module(self, path: str, owner: str, name: str, depth: int) -> Any:
        module, there = self.module(path).imports.get(owner, ("", ""))
        if there or module not in self.modules or self._is_given_elsewhere(name):
            raise NotConstantError
        found = self._named(self.modules[module], name, depth + 1)
        if not isinstance(found, (str, int)):  # What is not can be changed by whoever has the module.
            raise NotConstantError
        return found

    def _is_given_elsewhere(self, name: str) -> bool:
        """Say whether somebody gives a name of a module a value from outside."""
        return any(
            isinstance(node, ast.Attribute) and node.attr == name and not isinstance(node.ctx, ast.Load)
            for source in self.sources.values()
            if f".{name}" in source.text
            for node in ast.walk(source.tree)
        )

    def _named(self, path: str, name: str, depth: int) -> Any:
        module = self.module(path)
        if name in module.values and not self._is_changed(path, name):
            return self.constant(path, module.values[name], depth)
        found = self._imported(path, name, depth)
        if found is None:
            raise NotConstantError
        return self._named(*found, depth + 1)

    def _collection(self, path: str, expression: ast.expr, depth: int) -> tuple[Any, ...]:
        found = self.constant(path, expression, depth)
        if not isinstance(found, (tuple, frozenset)):
            raise NotConstantError
        return tuple(found)

    def _hashable(self, path: str, expression: ast.expr, depth: int) -> Any:
        found = self.constant(path, expression, depth)
        return tuple(found) if isinstance(found, frozenset) else found

    def _imported(self, path: str, name: str, depth: int) -> tuple[str, str] | None:
        module, there = self.module(path).imports.get(name, ("", ""))
        if not there or module not in self.modules or depth >= _DEEPEST_IMPORT:
            return None
        return self.modules[module], there

    def _is_changed(self, path: str, name: str) -> bool:
        """Say whether a module that imports the value may change it."""
        if self._changed is None:
            self._changed = frozenset(
                (self.modules[module], there)
                for source in self.sources.values()
                for local, (module, there) in self.module(source.path).imports.items()
                if there and module in self.modules and not _only_reads(source.tree, local)
            )
        return (path, name) in self._changed


def _module_of(tree: ast.Module) -> Module:
    bound = names_bound_in(tree)
    functions: dict[str, ast.FunctionDef] = {}
    values: dict[str, ast.expr] = {}
    imports: dict[str, tuple[str, str]] = {}
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name, decorator_list=[]) if bound[name] == 1:
                functions[name] = statement
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if bound[name] == 1 and _only_reads(tree, name):
                values[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if bound[name] == 1:
                if _only_reads(tree, name):
                    values[name] = value
            case ast.Import(names=names):
                imports |= {
                    alias.asname or alias.name: (alias.name, "")
                    for alias in names
                    if bound[alias.asname or alias.name] == 1
                }
            case ast.ImportFrom(module=str() as module, level=0, names=names):
                for alias in names:
                    if bound[alias.asname or alias.name] == 1:
                        imports[alias.asname or alias.name] = (module, alias.name)
    return Module(functions, values, imports)


@lru_cache(maxsize=64)
def names_bound_in(tree: ast.AST) -> Counter[str]:
    """Return how often each name is bound anywhere, parameters and inner functions included."""
    return Counter(_bindings(tree))


def _bindings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from names
            case (
                ast.ExceptHandler(name=str() as name)
                | ast.MatchAs(name=str() as name)
                | ast.MatchStar(name=str() as name)
            ):
                yield name


def _only_reads(tree: ast.Module, name: str) -> bool:
    """Say whether everything that a module does with a name leaves its value as it is."""
    return all(
        _is_read(parent)
        for parent in ast.walk(tree)
        for node in ast.iter_child_nodes(parent)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    )


def _is_read(parent: ast.AST) -> bool:  # noqa: PLR0911 -- one return for each kind of expression around
    match parent:
        case ast.Compare() | ast.UnaryOp() | ast.BinOp() | ast.FormattedValue() | ast.Starred():
            return True
        case ast.If() | ast.comprehension() | ast.For():
            return True
        case ast.Attribute(attr=attribute, ctx=ast.Load()):
            return attribute in READING
        case ast.Subscript(ctx=ast.Load()):
            return True
        case ast.Call(func=ast.Name(id=function)):
            return function in _READERS
        case ast.Call(func=ast.Attribute(attr=method)):
            return method in _TEXT_TESTS or method in READING
    return False
