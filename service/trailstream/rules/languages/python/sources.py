"""Python files as they are read: their syntax tree, what they define, and what they import."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from trailstream.rules.rule import RuleSyntaxError


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One Python file."""

    path: str
    text: str
    tree: ast.Module

    @property
    def stem(self) -> str:
        """The name that it is imported under by its neighbours: that of its folder, where it is a package's."""
        path = PurePosixPath(self.path)
        return path.parent.name if path.stem == "__init__" else path.stem

    @property
    def docstring(self) -> str:
        """What the file says of itself."""
        return ast.get_docstring(self.tree) or ""

    def defines(self, name: str) -> bool:
        """Say whether the module has this name when it was run: a function, a value, or something imported."""
        return any(name in _names_of(statement) for statement in _statements(self.tree))


def parse(path: str, text: str) -> Source:
    """Read a file. Raises :class:`RuleSyntaxError` where it is not Python, at the line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # An escape that Python will refuse one day is the author's affair.
            return Source(path, text, ast.parse(text))
    except SyntaxError as error:
        at = () if error.lineno is None else (error.lineno,)
        raise RuleSyntaxError(f"not valid Python: {error.msg}", at=at) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise RuleSyntaxError(f"not valid Python: {str(error) or type(error).__name__}") from None


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements of a module that run when it does, those under its conditions included."""
    pending: list[ast.AST] = list(reversed(tree.body))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.stmt):
            yield node
        if isinstance(node, (ast.If, ast.Try, ast.ExceptHandler)):
            pending += ast.iter_child_nodes(node)


def _names_of(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name for alias in names)


def imported_names(source: Source) -> Iterator[str]:
    """Yield the absolute names of the modules that a file must be able to import, however deep in its code.

    What it tries to import, ready to do without, is not among them.
    """
    pending: list[ast.AST] = [source.tree]
    while pending:
        node = pending.pop()
        match node:
            case ast.Try(handlers=[_, *_]):
                pending += [*node.handlers, *node.orelse, *node.finalbody]
                continue
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str() as module, level=0, names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)
        pending += ast.iter_child_nodes(node)
