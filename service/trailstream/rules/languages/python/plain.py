"""What is only data: reading it does nothing, however often it is read."""

from __future__ import annotations

import ast

from trailstream.rules.languages.python.changes import READING
from trailstream.rules.languages.python.expressions import parts_of
from trailstream.rules.languages.python.modules import Names, Place

METHODS = READING | frozenset(
    """
    as_list casefold deep_get deep_walk encode decode endswith event_time_epoch find findall finditer format fullmatch
    group groups intersection is_global is_loopback is_private isalnum isalpha isdecimal isdigit isdisjoint islower
    isnumeric isoformat issuperset isupper join ljust lookup lower lstrip match partition raw_view removeprefix
    removesuffix replace rfind rjust rpartition rsplit rstrip search split splitlines startswith strftime strip sub
    symmetric_difference timestamp title to_dict total_seconds translate upper zfill overlaps subnet_of supernet_of
    """.split()  # noqa: SIM905 -- a list would take a line for each
)
"""Methods that change nothing of an event, of plain data, or of what the standard library makes of them."""
_ITERATING = frozenset(["finditer"])
"""Those of them whose value is used up by being read."""
_MAKERS = frozenset(
    """
    datetime.timedelta dict frozenset ipaddress.ip_address ipaddress.ip_network list max min os.environ.get os.getenv
    re.compile set sorted str sum tuple
    """.split()  # noqa: SIM905 -- a list would take a line for each
)
"""Functions that make plain data of plain data."""
_MAKERS_OF_ANYTHING = frozenset(["bool", "float", "int", "len"])
"""Functions that make plain data of whatever they are given."""

_WRITTEN = (
    *(ast.Constant, ast.Dict, ast.FormattedValue, ast.JoinedStr, ast.List, ast.Set, ast.Starred, ast.Tuple),
    *(ast.BinOp, ast.BoolOp, ast.Compare, ast.UnaryOp),
)
"""Expressions that are plain if their parts are."""


def is_plain(path: str, expression: ast.expr, names: Names, asked: frozenset[Place] = frozenset()) -> bool:
    """Say whether an expression of a module is of texts, numbers and the like, and of plain collections of them.

    ``asked`` are the names that are being asked about: what is made of itself is plain if the rest is.
    """
    names.step()
    match expression:
        case ast.Name() | ast.Attribute():
            place = names.place(path, expression)
            if place is None or place in asked:
                return place is not None
            given = names.assigned(place)
            return bool(given) and all(is_plain(place[0], each, names, asked | {place}) for each in given)
        case ast.Call(func=function):
            name = names.builtin(path, function) or names.foreign(path, function)
            is_method = isinstance(function, ast.Attribute) and function.attr in METHODS - _ITERATING
            if not (name in _MAKERS or (name is None and is_method)):
                return name in _MAKERS_OF_ANYTHING or (name == "json.loads" and _has_one_argument(expression))
            parts = [*expression.args, *(keyword.value for keyword in expression.keywords)]
            parts += [function.value] if isinstance(function, ast.Attribute) and name is None else []
        case _ if isinstance(expression, _WRITTEN):
            parts = [*parts_of(expression)]
        case _:
            return False
    return all(is_plain(path, each, names, asked) for each in parts)


def _has_one_argument(call: ast.Call) -> bool:
    """Say whether a call is given one value and nothing else: to ``json.loads``, no code that makes something of it."""
    return len(call.args) == 1 and not isinstance(call.args[0], ast.Starred) and not call.keywords
