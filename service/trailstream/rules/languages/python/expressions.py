"""The parts of expressions."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def parts_of(expression: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions that stand directly within another."""
    for child in ast.iter_child_nodes(expression):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, (ast.comprehension, ast.keyword, ast.arguments)):
            yield from parts_of(child)
