"""What the files of a rules directory may do to each other's names, and to their own from behind.

Python lets any module change any other. So a name is certain only where no file does anything that may change it; and
whatever is not plainly a reading use may. Which object it is done to is not asked, only by what name it goes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from trailstream.rules.languages.python.bindings import EVERYTHING, bound_by, names_bound_in

READING = frozenset(
    ["get", "items", "keys", "values", "copy", "index", "count", "union", "intersection", "difference", "issubset"]
)
"""Methods that change nothing of a collection."""
_READERS = frozenset(["all", "any", "bool", "dict", "frozenset", "isinstance", "len", "list", "set", "sorted", "tuple"])
_TEXT_TESTS = frozenset(["startswith", "endswith"])
_TRUSTED = frozenset(["deep_get", "get", "stdout", "udm"])
"""Methods of an event, and where ``print`` writes. Where somebody replaces one of them nothing is certain."""
_LOOKING = (
    *(ast.Assert, ast.BinOp, ast.Compare, ast.For, ast.FormattedValue, ast.If),
    *(ast.Starred, ast.UnaryOp, ast.While, ast.comprehension),
)
"""What does nothing with a collection but look at it, or at what is in it."""
_ALONE = frozenset(
    """
    __all__ __author__ __call__ __enter__ __exit__ __getattr__ __hash__ __init__ __init_subclass__ __main__ __name__
    __new__ __post_init__ __repr__ __slots__ __str__ __version__
    """.split()  # noqa: SIM905 -- a list would take a line for each
)
"""Names that Python gives a meaning to, and that get hold of nothing but their own object and what is passed to them.

A method of any other such name may be called without being named, with what stands beside its object: an operator.
"""
_OPAQUE = frozenset(
    """
    __builtins__ __closure__ __code__ __defaults__ __delattr__ __dict__ __getattribute__ __globals__ __import__
    __kwdefaults__ __setattr__ _getframe attrgetter builtins ctypes delattr eval exec f_back f_builtins f_globals
    f_locals gc globals importlib inspect locals modules patch pickle pkgutil runpy setattr setprofile settrace
    update_wrapper vars
    """.split()  # noqa: SIM905 -- a list would take a line for each
)
"""What may change a name without writing it down."""
_MANGLED = re.compile(r"_[^_]\w*__\w")
"""What ``__name`` is within a class: ``_Class__name``."""
_DOT = "."
"""Stands before the name of an attribute."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a set of files does that matters to the names of each of them."""

    is_opaque: bool
    """Whether some file may change any name."""
    given: frozenset[str]
    """Attributes that are given a value, or taken away, on whatever object."""
    lent: frozenset[str]
    """Names under which another file may change the value itself; :data:`EVERYTHING` where it may be any."""
    lent_in: Mapping[str, frozenset[str]]
    """Names of each file of which it does more itself than read them."""

    def may_give(self, name: str) -> bool:
        """Say whether some file may give a name of another, or of its own, anew: as it is, or as a class mangles it."""
        return name in self.given or _MANGLED.match(name) is not None

    @property
    def lends_all(self) -> bool:
        """Say whether some file may change any value, or act when it is compared with one."""
        return EVERYTHING in self.lent

    def may_reach(self, path: str, name: str) -> bool:
        """Say whether somebody may change the value, not only the meaning, of a name of a file."""
        return self.lends_all or name in self.lent or name in self.lent_in[path]


def changes_in(trees: Mapping[str, ast.Module]) -> Changes:
    """Return what a set of files, by their paths, does to each other."""
    given = frozenset(name for tree in trees.values() for name in _given(tree))
    is_opaque = bool(given & _TRUSTED) or any(map(_is_opaque, trees.values())) or any(map(_is_dunder, given))
    lent_in = {path: frozenset(_lent_in(tree)) for path, tree in trees.items()}
    return Changes(is_opaque, given, _lent(trees, lent_in), lent_in)


def _given(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            yield node.attr


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and bool(name.strip("_"))


def _is_opaque(tree: ast.Module) -> bool:
    bound = names_bound_in(tree)
    return (
        bool(_TEXT_TESTS & bound.keys())
        or any(_OPAQUE.intersection(_named_by(node, bound)) for node in ast.walk(tree))
        or _wraps_more_than_functions(tree)
    )


def _wraps_more_than_functions(tree: ast.Module) -> bool:
    """Say whether ``wraps`` may copy the names of one module to another: wherever it does not decorate a function."""
    nodes = list(ast.walk(tree))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    decorating = {each.func for node in functions for each in node.decorator_list if isinstance(each, ast.Call)}
    for node in nodes:
        match node:
            case ast.Name(id="wraps") | ast.Attribute(attr="wraps") if node not in decorating:
                return True
            case ast.alias(name="wraps", asname=str()):
                return True
            case ast.Call() if _asked_for(node) == "wraps":
                return True
    return False


def _named_by(node: ast.AST, bound: Container[str]) -> Iterable[str]:
    """Return the names by which a piece of code speaks of what is not its own."""
    match node:
        case ast.Name(id=name):
            return [] if name in bound else [name]
        case (
            ast.Attribute(attr=name)
            | ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str() as name), *_])
        ):
            return [name]
        case ast.alias(name=name):
            return name.split(".")
        case ast.ImportFrom(module=str() as module):
            return module.split(".")
        case ast.Constant(value=str() as text) if _is_dunder(text):
            return [text]  # Whoever writes such a name gives it to getattr, or to what is like it.
    return []


def _lent(trees: Mapping[str, ast.Module], lent_in: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the names of what is imported, or reached through a module, and then not only read."""
    found: set[str] = set()
    aliases: list[tuple[str, str]] = []
    for path, tree in trees.items():
        here = lent_in[path]
        found |= {name.removeprefix(_DOT) for name in here if name.startswith(_DOT)} | (here & {EVERYTHING})
        found |= here if EVERYTHING in names_bound_in(tree) else set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                aliases += [(alias.name, bound_by(alias)) for alias in node.names]
                found |= {alias.name for alias in node.names if bound_by(alias) in here}
    while more := {name for name, alias in aliases if alias in found} - found:
        found |= more
    return frozenset(found)


def _lent_in(tree: ast.Module) -> Iterator[str]:
    """Yield the names of which a file does more than read them, attributes with a dot before them.

    :data:`EVERYTHING` is among them where it may do so without saying of what.
    """
    bound = names_bound_in(tree)
    if any(_is_dunder(name) for name in bound.keys() - _ALONE):
        yield EVERYTHING
    for parent in ast.walk(tree):
        for node in ast.iter_child_nodes(parent):
            match node:
                case ast.Name(id="getattr") if (name := _asked_for(parent)) is not None:
                    yield _DOT + name
                case ast.Name(id="getattr"):
                    yield EVERYTHING
                case ast.Name(id=name, ctx=ast.Load()) if not _is_read(parent, node, bound):
                    yield name
                case ast.Attribute(attr=name, ctx=ast.Load()) if not _is_read(parent, node, bound):
                    yield _DOT + name
                case ast.Constant(value=str() as name) | ast.keyword(arg=str() as name) if (
                    _is_dunder(name) and name not in _ALONE
                ):
                    yield EVERYTHING  # Whoever writes such a name gives it to what makes a class, or is like it.
        if isinstance(parent, ast.MatchClass):
            yield from (_DOT + name for name in parent.kwd_attrs)


def _asked_for(call: ast.AST) -> str | None:
    """Return the attribute that a call of ``getattr`` asks for; None where that is not written there."""
    match call:
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str() as name), *_]):
            return name
    return None


def _is_read(parent: ast.AST, node: ast.expr, bound: Container[str]) -> bool:  # noqa: PLR0911 -- one for each kind
    """Say whether an expression is used in a way that leaves a collection as it is, and gives it to nobody."""
    match parent:
        case ast.IfExp(test=test):
            return test is node
        case ast.Attribute(attr=attribute, ctx=ast.Load()):
            return attribute in READING
        case ast.Call(func=called) if called is node:
            return True
        case ast.Call(func=ast.Name(id=function)):
            return function in _READERS and function not in bound and EVERYTHING not in bound
        case ast.Call(func=ast.Attribute(attr=method)):
            return method in _TEXT_TESTS
        case ast.Subscript(ctx=ast.Load()):
            return True
    return isinstance(parent, _LOOKING)
