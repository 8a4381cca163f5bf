"""Expressions that read one field of the event: which field, and what stands in for it where it is missing."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

NO_DEFAULT: Any = object()


@dataclass(frozen=True, slots=True)
class Subject:
    """The value of a field, as code has it in its hands."""

    path: tuple[str, ...]
    default: Any
    """What the code sees where the field is missing; :data:`NO_DEFAULT` where it then raises."""
    null: Any
    """What it sees where the field is null."""
    folded: bool = False
    """Whether it was made lower case."""


Constant = Callable[[ast.expr], Any]
"""Returns the value of an expression of constants; raises :class:`NotConstantError`."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads expressions within one function."""

    event: str
    """The name of its parameter."""
    named: Mapping[str, ast.expr]
    """What its local names certainly are."""
    constant: Constant
    is_deep_get: Callable[[str], bool]
    """Whether a name is the helper ``deep_get(event, *names, default=None)``."""

    def subject(self, expression: ast.expr) -> Subject | None:  # noqa: PLR0911 -- one return for each kind
        """Return the field that an expression reads; None where it is anything else."""
        match expression:
            case ast.Name(id=name) if name in self.named:
                return self.subject(self.named[name])
            case ast.Call(func=ast.Attribute(value=owner, attr="get"), args=[name, *default], keywords=[]) if (
                len(default) <= 1
            ):
                return self._get(owner, name, default[0] if default else None)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="deep_get"), args=names, keywords=keywords):
                return self._deep_get(names, keywords) if owner == self.event else None
            case ast.Call(func=ast.Name(id=function), args=[ast.Name(id=owner), *names], keywords=keywords):
                is_ours = owner == self.event and self.is_deep_get(function)
                return self._deep_get(names, keywords) if is_ours else None
            case ast.Subscript(value=ast.Name(id=owner), slice=name) if owner == self.event:
                return Subject((self._text(name),), NO_DEFAULT, None)
            case ast.Call(func=ast.Attribute(value=owner, attr="lower"), args=[], keywords=[]):
                found = self.subject(owner)
                return None if found is None else replace(found, folded=True)
        return None

    def _get(self, owner: ast.expr, name: ast.expr, default: ast.expr | None) -> Subject | None:
        missing = None if default is None else self.constant(default)
        if isinstance(owner, ast.Name) and owner.id == self.event:
            return Subject((self._text(name),), missing, None)
        if isinstance(owner, ast.BoolOp) and isinstance(owner.op, ast.Or) and _is_empty(owner.values[-1]):
            owner = owner.values[0] if len(owner.values) == 2 else owner  # noqa: PLR2004 -- ``x or {}``
        outer = self.subject(owner)
        # Of a missing object the code sees what it is given for it: an empty one, or it raises.
        if outer is None or outer.folded or outer.default not in ((), None, NO_DEFAULT):
            return None
        return Subject((*outer.path, self._text(name)), missing, None)

    def _deep_get(self, names: list[ast.expr], keywords: list[ast.keyword]) -> Subject | None:
        if not names or any(keyword.arg != "default" for keyword in keywords):
            return None
        default = self.constant(keywords[0].value) if keywords else None
        return Subject(tuple(map(self._text, names)), default, default)

    def _text(self, expression: ast.expr) -> str:
        found = self.constant(expression)
        return found if isinstance(found, str) else ""


def _is_empty(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Dict) and not expression.keys
