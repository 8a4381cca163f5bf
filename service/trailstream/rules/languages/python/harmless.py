"""What does nothing that a later event may meet: only then may a record that cannot match be kept from a rule.

It is asked of each value where it comes from. What code can lay hands on without leaving a trace is the event, what it
made itself, plain data that nobody changes, and functions that do nothing else; and reading those leaves none. All
else, a counter for one, comes from a name of the module that is none of these.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from trailstream.rules.languages.python.bindings import bound_by, names_bound_in
from trailstream.rules.languages.python.expressions import annotations_of, parts_of
from trailstream.rules.languages.python.modules import Names
from trailstream.rules.languages.python.plain import METHODS, is_plain
from trailstream.rules.languages.python.standard_library import CHANGING, gives_a_value

_BUILTINS = frozenset(
    """
    abs all any bool bytes chr dict divmod enumerate filter float format frozenset hasattr hash int isinstance
    issubclass iter len list map max min next ord pow print range repr reversed round set slice sorted str sum tuple
    type zip
    """.split()  # noqa: SIM905 -- a list would take a line for each
) | {name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)}
_FRESH = frozenset(
    ["dict", "list", "set", "sorted", "collections.Counter", "collections.OrderedDict", "collections.defaultdict"]
)

_DEEPEST_CALL = 8


@dataclass(frozen=True, slots=True)
class Scope:
    """The inside of a function, where names mean what they mean there."""

    path: str
    function: ast.FunctionDef
    names: Names
    depth: int = 0
    is_whole: bool = False
    """Whether the functions within are looked at anyway, wherever they are named."""

    def is_harmless(self) -> bool:
        """Say whether a call of the function leaves nothing behind, if its arguments are harmless themselves."""
        if self.depth > _DEEPEST_CALL or self.function.decorator_list or not self.has_plain_defaults():
            return False
        return replace(self, is_whole=True)._do_nothing(self.function.body)  # noqa: SLF001 -- of our own class

    def has_plain_defaults(self) -> bool:
        """Say whether parameters are plain data by default: that is made once, and lasts."""
        defaults = (*self.function.args.defaults, *self.function.args.kw_defaults)
        return all(each is None or is_plain(self.path, each, self.names) for each in defaults)

    def imports_library_alone(self, statement: ast.Import | ast.ImportFrom) -> bool:
        """Say whether an import within the function runs nobody's own code."""
        match statement:
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case ast.ImportFrom(module=str() as module, level=0, names=names):
                found = [f"{module}.{alias.name}" for alias in names]
            case _:
                return False
        return all(gives_a_value(name) and self.names.is_foreign(name) for name in found)

    def leaves_nothing(self, expression: ast.expr) -> bool:  # noqa: PLR0911 -- one return for each kind
        """Say whether the evaluation of an expression leaves nothing behind, its parts aside."""
        self.names.step()
        match expression:
            case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) if self.is_from_outside(expression):
                return self._is_harmless_value(expression) or is_plain(self.path, expression, self.names)
            case ast.Name(id=name, ctx=ast.Load()):
                return self._is_harmless_local(name)
            case ast.Attribute(attr=name, ctx=ast.Load()):
                return self._is_harmless_attribute(name)
            case ast.Attribute(value=value) | ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
                return isinstance(value, ast.Name) and value.id in self._fresh_names()
            case ast.Call():
                return self.is_harmless_call(expression)
            case ast.Await() | ast.Yield() | ast.YieldFrom():
                return False
        return True

    def parts(self, expression: ast.expr) -> Iterable[ast.expr]:
        """Return what is evaluated on the way to the value of an expression."""
        match expression:
            case ast.Call(func=function, args=[asked, kinds], keywords=[]) if self.builtin(
                function
            ) == "isinstance" and self._are_kinds(kinds):
                return [] if isinstance(asked, ast.Name) else [asked]  # It is not even looked at, but for its class.
            case ast.Call(func=function, args=arguments, keywords=keywords):
                owners = [function.value] if isinstance(function, ast.Attribute) else []
                known = self.is_from_outside(function)
                return [*(() if known else owners), *arguments, *(keyword.value for keyword in keywords)]
            case ast.Attribute(value=value):
                return [] if self.is_from_outside(expression) else [value]
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[asked]) if self.is_from_outside(
                asked
            ) and self.names.is_collection(self.path, asked):
                return [left]
        return parts_of(expression)

    def is_harmless_call(self, call: ast.Call) -> bool:  # noqa: PLR0911 -- one return for each way to call
        """Say whether a call leaves nothing behind, its arguments and whose method it is aside."""
        function = call.func
        if self.builtin(function) == "getattr":
            match call.args:
                case [_, ast.Constant(value=str() as name), *_]:
                    return self._is_harmless_attribute(name)
            return False
        if self.is_from_outside(function):
            return self._is_harmless_value(function)
        match function:
            case ast.Name(id=name):
                return name in map(_name, self._functions_within()) and self._is_harmless_local(name)
            case ast.Attribute(attr="udm"):
                return self._is_harmless_question(call.args)
            case ast.Attribute(value=ast.Name(id=owner), attr=method) if method in CHANGING:
                return owner in self._fresh_names()
            case ast.Attribute(attr=method):
                return method in METHODS and method not in self.names.changes.given
        return False

    def builtin(self, expression: ast.expr) -> str | None:
        """Return the name of the builtin that an expression is; None for all else."""
        return self.names.builtin(self.path, expression)

    def is_from_outside(self, expression: ast.expr) -> bool:
        """Say whether an expression is a name of the module, or of what it imports."""
        match expression:
            case ast.Name(id=name):
                # A name of both may be either: of a comprehension, say, and beside it of the module.
                return name not in names_bound_in(self.function) or name in self.names.module(self.path).own
            case ast.Attribute(value=owner):
                return self.is_from_outside(owner) and self.names.is_namespace(self.path, owner)
        return False

    def may_change_what_lasts(self, statement: ast.stmt) -> bool:
        """Say whether a statement adds to what a name got from elsewhere: ``x = KNOWN; x += [...]`` changes KNOWN."""
        match statement:
            case ast.AugAssign(target=ast.Name(id=name)):
                own = self._names_given(lambda value: self._is_fresh(value) or _is_written(value))
                return name not in own
        return isinstance(statement, ast.AugAssign)

    def _do_nothing(self, statements: Sequence[ast.stmt]) -> bool:
        pending: list[ast.AST] = [*statements]
        while pending:
            node = pending.pop()
            if isinstance(node, ast.expr):
                if not self.leaves_nothing(node):
                    return False
                pending += self.parts(node)
            elif not self._is_harmless_statement(node):
                return False
            else:
                pending += _parts_of_statement(node)
        return True

    def _is_harmless_statement(self, node: ast.AST) -> bool:
        match node:
            case ast.Global() | ast.Nonlocal() | ast.With() | ast.AsyncWith() | ast.AsyncFor() | ast.Delete():
                return False
            case ast.ClassDef() | ast.AsyncFunctionDef():
                return False
            case ast.FunctionDef():
                return _is_simple(node)
            case ast.Import() | ast.ImportFrom():
                return self.imports_library_alone(node)
            case ast.AugAssign():
                return not self.may_change_what_lasts(node)
        return True

    def _is_harmless_value(self, expression: ast.expr) -> bool:
        """Say whether what is not of this function is a function that does nothing."""
        if (builtin := self.builtin(expression)) is not None:
            return builtin in _BUILTINS
        if (foreign := self.names.foreign(self.path, expression)) is not None:
            return gives_a_value(foreign)
        found = self.names.function(self.path, expression)
        return found is not None and Scope(*found, self.names, self.depth + 1).is_harmless()

    def _is_harmless_local(self, name: str) -> bool:
        if any(isinstance(node, ast.alias) and bound_by(node) == name for node in ast.walk(self.function)):
            return False
        within = list(self._functions_within())
        if self.is_whole or name not in map(_name, within):
            return True
        whole = replace(self, is_whole=True)
        return all(_is_simple(each) and whole._do_nothing([each]) for each in within)  # noqa: SLF001 -- of our own class

    def _is_harmless_attribute(self, name: str) -> bool:
        return not name.startswith("_") and name not in CHANGING and name not in self.names.changes.given

    def _is_harmless_question(self, asked: Sequence[ast.expr]) -> bool:
        """Say whether ``event.udm(...)`` leaves nothing behind: a function of the data model may answer it."""
        match asked:
            case [ast.Constant(value=str() as name)]:
                found = self.names.modelled(name)
                if found is None:
                    return not self.names.is_modelled(name)
                return Scope(*found, self.names.without_model(), self.depth + 1).is_harmless()
        return len(asked) > 1  # A path of names, which no function answers.

    def _are_kinds(self, kinds: ast.expr) -> bool:
        if isinstance(kinds, ast.Tuple):
            return all(map(self._are_kinds, kinds.elts))
        if not self.is_from_outside(kinds):
            return False
        return self.builtin(kinds) is not None or self.names.foreign(self.path, kinds) is not None

    def _functions_within(self) -> Iterator[ast.FunctionDef]:
        return (
            node for node in ast.walk(self.function) if isinstance(node, ast.FunctionDef) and node is not self.function
        )

    def _fresh_names(self) -> frozenset[str]:
        """Return local names that are only ever given collections made in this function."""
        return self._names_given(self._is_fresh)

    def _names_given(self, only: Callable[[ast.expr], bool]) -> frozenset[str]:
        given: dict[str, list[ast.expr]] = {}
        for node in ast.walk(self.function):
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                ):
                    given.setdefault(name, []).append(value)
        added = Counter(
            node.target.id
            for node in ast.walk(self.function)
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
        )
        bound = names_bound_in(self.function)
        return frozenset(
            name
            for name, values in given.items()
            if all(map(only, values)) and len(values) == bound[name] - added[name]
        )

    def _is_fresh(self, value: ast.expr) -> bool:
        match value:
            case ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.DictComp() | ast.SetComp():
                return True
            case ast.Call(func=function):
                return (self.builtin(function) or self.names.foreign(self.path, function)) in _FRESH
        return False


def _name(function: ast.FunctionDef) -> str:
    return function.name


def _is_simple(function: ast.FunctionDef) -> bool:
    """Say whether nothing happens where a function within another is made."""
    return not (function.decorator_list or function.args.defaults or any(function.args.kw_defaults))


def _is_written(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant | ast.JoinedStr)


def _parts_of_statement(statement: ast.AST) -> Iterable[ast.AST]:
    match statement:
        case ast.FunctionDef(body=body):
            return [*annotations_of(statement), *body]
        case ast.AnnAssign(target=target, value=value):
            return [target] if value is None else [target, value]
        case ast.ExceptHandler(type=kinds, body=body):
            return body if kinds is None or are_named(kinds) else [kinds, *body]
    return ast.iter_child_nodes(statement)


def are_named(kinds: ast.expr) -> bool:
    """Say whether the exceptions that a handler catches are only named: then nothing happens when they are compared."""
    match kinds:
        case ast.Tuple(elts=elements):
            return all(map(are_named, elements))
        case ast.Attribute(value=owner):
            return are_named(owner)
    return isinstance(kinds, ast.Name)
