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


def annotations_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    """Yield the annotations of a function, which are evaluated where it is made, unless its module puts them off."""
    for node in ast.walk(function.args):
        if isinstance(node, ast.arg) and node.annotation is not None:
            yield node.annotation
    if function.returns is not None:
        yield function.returns
