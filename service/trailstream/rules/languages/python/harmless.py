"""Which calls do nothing that a later event may meet: only then may a record that cannot match be kept from a rule."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable

from trailstream.rules.languages.python.modules import READING, Names, names_bound_in

_METHODS = READING | frozenset(
    """
    as_list casefold deep_get deep_walk encode decode endswith event_time_epoch find findall finditer format fullmatch
    group groups intersection is_global is_loopback is_private isalnum isalpha isdecimal isdigit isdisjoint islower
    isnumeric isoformat issuperset isupper join ljust lookup lower lstrip match partition raw_view removeprefix
    removesuffix replace rfind rjust rpartition rsplit rstrip search split splitlines startswith strftime strip sub
    symmetric_difference timestamp title to_dict total_seconds translate udm upper zfill overlaps subnet_of supernet_of
    """.split()  # noqa: SIM905 -- a list would take a line for each
)
_CHANGING = frozenset(["add", "append", "extend", "insert", "pop", "remove", "setdefault", "sort", "update", "discard"])
_BUILTINS = frozenset(
    """
    abs all any bool bytes chr dict divmod enumerate filter float format frozenset getattr hasattr hash int isinstance
    issubclass iter len list map max min next ord pow print range repr reversed round set slice sorted str sum tuple
    type zip
    """.split()  # noqa: SIM905 -- a list would take a line for each
) | {name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)}
_MODULES = frozenset(
    """
    base64 binascii collections copy dataclasses datetime dateutil decimal difflib enum fnmatch fractions functools
    hashlib html ipaddress itertools json logging math operator re string textwrap time typing unicodedata urllib uuid
    """.split()  # noqa: SIM905 -- a list would take a line for each
)
"""Modules of which every function is harmless, as far as rules go."""
_FRESH = frozenset(["Counter", "OrderedDict", "defaultdict", "dict", "list", "set", "sorted"])

_DEEPEST_CALL = 8


def is_harmless(path: str, function: ast.FunctionDef, names: Names, depth: int = 0) -> bool:
    """Say whether a call of a function, with whatever arguments, leaves nothing behind."""
    if depth > _DEEPEST_CALL or function.decorator_list:
        return False
    fresh = fresh_names(function)
    for node in ast.walk(function):
        match node:
            case ast.Global() | ast.Nonlocal() | ast.Await() | ast.With() | ast.AsyncWith() | ast.Delete():
                return False
            case ast.Subscript(value=value, ctx=ast.Store()) | ast.Attribute(value=value, ctx=ast.Store()):
                if not (isinstance(value, ast.Name) and value.id in fresh):
                    return False
            case ast.AugAssign():
                if may_change_what_lasts(node, function):
                    return False
            case ast.Call():
                if not is_harmless_call(node, path, names, function, depth=depth):
                    return False
    return True


def may_change_what_lasts(statement: ast.stmt, function: ast.FunctionDef) -> bool:
    """Say whether a statement adds to what a name was given from elsewhere: ``x = KNOWN; x += [...]`` changes KNOWN."""
    match statement:
        case ast.AugAssign(target=ast.Name(id=name)):
            return name not in _own_names(function)
    return isinstance(statement, ast.AugAssign)


def is_harmless_call(  # noqa: PLR0911 -- one return for each way to call
    call: ast.Call, path: str, names: Names, within: ast.FunctionDef, *, depth: int = 0
) -> bool:
    """Say whether a call that stands in a function leaves nothing behind, its arguments aside."""
    names.step()
    local = names_bound_in(within)
    match call.func:
        case ast.Name(id=name) if name in local:
            inner = [node for node in ast.walk(within) if isinstance(node, ast.FunctionDef) and node.name == name]
            return bool(inner) and all(is_harmless(path, each, names, depth + 1) for each in inner)
        case ast.Name(id=name):
            return _is_harmless_name(name, path, names, depth)
        case ast.Attribute(value=ast.Name(id=owner), attr=method) if owner not in local:
            origin = names.origin(path, owner)
            if origin is not None:
                return _is_harmless_member(origin, method, names, depth)
            return method in _METHODS
        case ast.Attribute(value=ast.Name(id=owner), attr=method):
            return method in _METHODS or (method in _CHANGING and owner in fresh_names(within))
        case ast.Attribute(value=value, attr=method):
            root = _root_of(value)
            origin = None if root is None or root in local else names.origin(path, root)
            return method in _METHODS or (origin is not None and origin.partition(".")[0] in _MODULES)
    return False


def _is_harmless_name(name: str, path: str, names: Names, depth: int) -> bool:
    found = names.function(path, name)
    if found is not None:
        return is_harmless(*found, names, depth + 1)
    origin = names.origin(path, name)
    if origin is not None:
        return origin.partition(".")[0] in _MODULES
    return name in _BUILTINS


def _is_harmless_member(origin: str, method: str, names: Names, depth: int) -> bool:
    """Say whether ``module.method()`` is harmless, or ``value.method()`` of an imported value."""
    if origin in names.modules:
        found = names.function(names.modules[origin], method)
        return found is not None and is_harmless(*found, names, depth + 1)
    return origin.partition(".")[0] in _MODULES or (origin.rpartition(".")[0] in names.modules and method in _METHODS)


def fresh_names(function: ast.FunctionDef) -> frozenset[str]:
    """Return local names that are only ever given collections made in this function."""
    return _names_given(function, _is_fresh)


def _own_names(function: ast.FunctionDef) -> frozenset[str]:
    """Return local names that are only ever given such collections, or numbers and texts as they are written."""
    return _names_given(function, lambda value: _is_fresh(value) or isinstance(value, ast.Constant | ast.JoinedStr))


def _names_given(function: ast.FunctionDef, only: Callable[[ast.expr], bool]) -> frozenset[str]:
    given: dict[str, bool] = {argument.arg: False for argument in ast.walk(function) if isinstance(argument, ast.arg)}
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    for inner in ast.walk(target):
                        if isinstance(inner, ast.Name):
                            given[inner.id] = given.get(inner.id, True) and inner is target and only(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                given[name] = given.get(name, True) and only(value)
            case ast.For(target=target) | ast.NamedExpr(target=target) | ast.comprehension(target=target):
                given |= {inner.id: False for inner in ast.walk(target) if isinstance(inner, ast.Name)}
            case ast.withitem(optional_vars=ast.expr() as target):
                given |= {inner.id: False for inner in ast.walk(target) if isinstance(inner, ast.Name)}
    return frozenset(name for name, is_own in given.items() if is_own)


def _is_fresh(value: ast.expr) -> bool:
    match value:
        case ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.DictComp() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _FRESH
    return False


def _root_of(value: ast.expr) -> str | None:
    while isinstance(value, (ast.Attribute, ast.Call, ast.Subscript)):
        value = value.func if isinstance(value, ast.Call) else value.value
    return value.id if isinstance(value, ast.Name) else None
