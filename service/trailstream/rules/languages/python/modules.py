"""What the names in a module certainly mean: constants that nobody changes, and functions, across imports."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from trailstream.rules.code import NO_MODEL, DataModel
from trailstream.rules.languages.python.bindings import EVERYTHING, bound_by, names_bound_in, names_of_module
from trailstream.rules.languages.python.changes import Changes, changes_in
from trailstream.rules.languages.python.sources import Source

_DEEPEST_IMPORT = 5

Place: TypeAlias = tuple[str, str]
"""A file, and a name that is bound in it."""


class TooIntricateError(Exception):
    """Code is too intricate to be looked at in reasonable time."""


class NotConstantError(Exception):
    """Nobody knows what an expression is before the code runs."""


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """A module, as far as its names are certain."""

    bound: Container[str]
    """All names that it binds anywhere, certain or not."""
    own: Container[str]
    """Those that are not of one of its functions alone."""
    functions: Mapping[str, ast.FunctionDef]
    assigned: Mapping[str, Sequence[ast.expr]]
    """All that a name is given, where that is by assignment alone and nobody changes what it then is."""
    values: Mapping[str, ast.expr]
    """What is assigned once and never changed."""
    collections: Container[str]
    """Names of collections, assigned once, whatever is in them by now."""
    imports: Mapping[str, str]
    """The full names of what is imported, modules and what is in them."""


@dataclass(slots=True)
class Names:
    """Looks names up, from module to module."""

    sources: Mapping[str, Source]
    """All files that may run."""
    modules: Mapping[str, str]
    model: DataModel = NO_MODEL
    """For CloudTrail."""
    steps: Iterator[int] = field(default_factory=lambda: iter(()))
    """As many as expressions are still looked at."""
    changes: Changes = field(init=False)
    _known: dict[str, Module] = field(default_factory=dict)
    _roots: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.changes = changes_in({path: source.tree for path, source in self.sources.items()})
        self._roots = frozenset(name.partition(".")[0] for name in self.modules)

    def step(self) -> None:
        """Look at one more expression. Raises :class:`TooIntricateError`."""
        if next(self.steps, None) is None:
            raise TooIntricateError

    def module(self, path: str) -> Module:
        """Return what is certain of a file."""
        if path not in self._known:
            self._known[path] = _module_of(path, self.sources[path].tree, self.changes)
        return self._known[path]

    def imported(self, path: str, expression: ast.expr) -> str | None:
        """Return the full name of what a name of a file, or a dotted name, is imported as; None where it is not."""
        match expression:
            case ast.Name(id=name):
                return self.module(path).imports.get(name)
            case ast.Attribute(value=owner, attr=name):
                found = self.imported(path, owner)
                return None if found is None else f"{found}.{name}"
        return None

    def foreign(self, path: str, expression: ast.expr) -> str | None:
        """Return the full name of what comes from outside the rules directory as it is there; None for all else."""
        found = self.imported(path, expression)
        return found if found is not None and self.is_foreign(found) else None

    def is_foreign(self, name: str) -> bool:
        """Say whether a full name is of something from outside the rules directory, as it is there."""
        return name.partition(".")[0] not in self._roots and self.changes.given.isdisjoint(name.split("."))

    def is_namespace(self, path: str, expression: ast.expr) -> bool:
        """Say whether a name is imported as a module, or anything from outside: what has names of its own."""
        found = self.imported(path, expression)
        if found is None:
            return False
        if found.partition(".")[0] not in self._roots:
            return True
        return any(name == found or name.startswith(f"{found}.") for name in self.modules)

    def builtin(self, path: str, expression: ast.expr) -> str | None:
        """Return the name of the builtin that an expression is; None for all else."""
        if not isinstance(expression, ast.Name) or self.changes.is_opaque:
            return None
        bound = self.module(path).bound
        return None if expression.id in bound or EVERYTHING in bound else expression.id

    def place(self, path: str, expression: ast.expr, depth: int = 0) -> Place | None:
        """Return where in the rules directory a name, or ``module.name``, is bound, its imports followed."""
        found = self.imported(path, expression)
        if found is None:
            is_own = isinstance(expression, ast.Name) and expression.id in self.module(path).bound
            return (path, expression.id) if isinstance(expression, ast.Name) and is_own else None
        module, _, name = found.rpartition(".")
        if depth >= _DEEPEST_IMPORT or not self._is_module(module):
            return None
        return self.place(self.modules[module], ast.Name(name), depth + 1)

    def _is_module(self, name: str) -> bool:
        """Say whether a full name is that of a file here, and not of what a package has put in its place."""
        package, _, last = name.rpartition(".")
        while package:
            bound = self.module(self.modules[package]).bound if package in self.modules else ()
            if last in bound or EVERYTHING in bound or last in self.changes.given:
                return False
            package, _, last = package.rpartition(".")
        return name in self.modules

    def function(self, path: str, expression: ast.expr) -> tuple[str, ast.FunctionDef] | None:
        """Return the function that ``name`` or ``module.name`` is in a file, and the file that it stands in."""
        place = self.place(path, expression)
        found = None if place is None else self.module(place[0]).functions.get(place[1])
        return None if place is None or found is None else (place[0], found)

    def without_model(self) -> Names:
        """Return the same names as the data model's own functions have them, whose event is given no model."""
        found = copy(self)
        found.model = NO_MODEL
        return found

    def is_modelled(self, name: str) -> bool:
        """Say whether a function of the data model answers ``event.udm(name)``."""
        return any(each.name == name and each.function for each in self.model.fields)

    def modelled(self, name: str) -> tuple[str, ast.FunctionDef] | None:
        """Return the data model's function that answers ``event.udm(name)``, and the file that it stands in."""
        named = [each.function for each in self.model.fields if each.name == name and each.function]
        return self.function(self.model.path, ast.Name(named[-1])) if named and self.model.path else None

    def value(self, path: str, expression: ast.expr) -> tuple[str, ast.expr] | None:
        """Return what ``name`` or ``module.name`` is assigned once and for all, and the file where it is."""
        place = self.place(path, expression)
        found = None if place is None else self.module(place[0]).values.get(place[1])
        return None if place is None or found is None else (place[0], found)

    def assigned(self, place: Place) -> Sequence[ast.expr]:
        """Return all that is ever given to a name; nothing where that is not certain."""
        return self.module(place[0]).assigned.get(place[1], ())

    def is_collection(self, path: str, expression: ast.expr) -> bool:
        """Say whether a name is a collection of Python's own, in which nothing acts when it is compared."""
        place = self.place(path, expression)
        return place is not None and place[1] in self.module(place[0]).collections and not self.changes.lends_all

    def constant(self, path: str, expression: ast.expr) -> Any:  # noqa: PLR0911 -- one return for each kind
        """Return the value of an expression of constants, of any collection a tuple of what is in it, or of its keys.

        Raises :class:`NotConstantError`.
        """
        self.step()
        match expression:
            case ast.Constant(value=value):
                return value
            case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
                return tuple(self._elements(path, elements))
            case ast.Dict(keys=keys) if None not in keys:
                return tuple(self._elements(path, [key for key in keys if key is not None]))
            case ast.Call(func=function, args=[inner], keywords=[]) if self.builtin(path, function) in _COPIES:
                return self._collection(path, inner)
            case ast.Call(func=ast.Attribute(value=ast.Name() as owner, attr="keys"), args=[], keywords=[]):
                return self._collection(path, owner)
            case ast.BinOp(left=left, op=ast.Add() | ast.BitOr(), right=right):
                return (*self._collection(path, left), *self._collection(path, right))
            case ast.Name() | ast.Attribute() if (found := self.value(path, expression)) is not None:
                return self.constant(*found)
        raise NotConstantError

    def _collection(self, path: str, expression: ast.expr) -> tuple[Any, ...]:
        found = self.constant(path, expression)
        if not isinstance(found, tuple):
            raise NotConstantError
        return found

    def _elements(self, path: str, elements: list[ast.expr]) -> Iterator[Any]:
        for element in elements:
            found = self.constant(path, element)
            if isinstance(found, tuple):  # Whoever is given it may change it: no name says so.
                raise NotConstantError
            yield found


_COPIES = frozenset(["set", "frozenset", "tuple", "list", "sorted"])


def _module_of(path: str, tree: ast.Module, changes: Changes) -> Module:
    bound = names_bound_in(tree)
    functions: dict[str, ast.FunctionDef] = {}
    assigned = _assigned_in(tree, path, changes)
    values: dict[str, ast.expr] = {}
    collections: set[str] = set()
    imports: dict[str, str] = {}

    def is_certain(name: str) -> bool:
        return bound[name] == 1 and not changes.may_give(name)

    for statement in () if changes.is_opaque or EVERYTHING in bound else tree.body:
        match statement:
            case ast.FunctionDef(name=name, decorator_list=[]) if is_certain(name):
                functions[name] = statement
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if is_certain(name):
                if name in assigned:
                    values[name] = value
                if isinstance(value, ast.List | ast.Set | ast.Dict | ast.Tuple):
                    collections.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                named = ((bound_by(alias), full) for alias in names if (full := _full_name(statement, alias)))
                imports |= {name: full for name, full in named if is_certain(name)}
    return Module(bound, names_of_module(tree), functions, assigned, values, collections, imports)


def _assigned_in(tree: ast.Module, path: str, changes: Changes) -> dict[str, list[ast.expr]]:
    bound = names_bound_in(tree)
    if changes.is_opaque or EVERYTHING in bound:
        return {}
    found: dict[str, list[ast.expr]] = defaultdict(list)
    declared: Counter[str] = Counter()
    for node in ast.walk(tree):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                found[name].append(value)
            case ast.Global(names=names):
                declared.update(names)
    return {
        name: values
        for name, values in found.items()
        if len(values) + declared[name] == bound[name] and not changes.may_give(name)
        if all(map(_is_immutable, values)) or not changes.may_reach(path, name)
    }


def _is_immutable(value: ast.expr) -> bool:
    match value:
        case ast.Constant():
            return True
        case ast.Tuple(elts=elements):
            return all(map(_is_immutable, elements))
    return False


def _full_name(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    """Return what an import makes a name stand for; nothing where it is relative."""
    match statement:
        case ast.Import():
            return alias.name if alias.asname else bound_by(alias)
        case ast.ImportFrom(module=str() as module, level=0):
            return f"{module}.{alias.name}"
    return ""
