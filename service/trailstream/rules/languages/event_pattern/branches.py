"""The fields of a pattern: a conjunction over dotted paths, which ``$or`` multiplies out into several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from trailstream.rules.condition import Path
from trailstream.rules.documents import At
from trailstream.rules.languages.event_pattern import wildcards
from trailstream.rules.languages.event_pattern.addresses import is_ipv6
from trailstream.rules.languages.event_pattern.operators import OPERATORS, expression_predicate, value_predicate
from trailstream.rules.languages.event_pattern.texts import one_of_texts
from trailstream.rules.predicate import Predicate, any_of
from trailstream.rules.rule import RuleSyntaxError

MAX_BRANCHES = 1000
"""EventBridge's own limit on the combinations that ``$or`` multiplies out to."""

RESERVED = frozenset(
    [
        *OPERATORS,
        *("=", "<", "<=", ">", ">="),
        *("regex", "not-wildcard", "not-equals-ignore-case"),
        *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
        *("ip-address-in-range", "ip-address-not-in-range"),
    ]
)
"""Names that no field below ``$or`` may have: event-ruler keeps them for operators that are to come."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a pattern asks of one path: a value that passes, or (also) that the event has none."""

    predicate: Predicate | None
    or_absent: bool
    written: tuple[Any, ...] = ()
    """The alternatives as they stand in the pattern."""


Branch: TypeAlias = dict[Path, Wanted]


def branches_of(pattern: Any, at: At = ()) -> list[Branch]:
    """Return the conjunctions of which one must hold.

    Raises :class:`RuleSyntaxError` with the reason that AWS gives where AWS refuses the pattern.
    """
    if not isinstance(pattern, dict):
        raise RuleSyntaxError("Filter is not an object", at=at)
    try:
        branches = _Reader(expands_or=True).branches(pattern, (), at, inside_or=False)
    except RuleSyntaxError as error:
        branches = _without_or(pattern, at, error)
    _refuse_the_complex(branches, at)
    return branches


def _without_or(pattern: dict[str, Any], at: At, error: RuleSyntaxError) -> list[Branch]:
    """Read ``$or`` as the name of a field, as event-ruler does where it cannot be the operator."""
    if isinstance(error, TooManyBranchesError) or not _has_or(pattern):
        raise error
    try:
        return _Reader(expands_or=False).branches(pattern, (), at, inside_or=False)
    except RuleSyntaxError as second:
        if second.what == error.what:
            raise error from None
        remedy = f"$or is read as the name of a field, because as an operator: {error.what}"
        raise RuleSyntaxError(second.what, at=error.at, remedy=remedy) from None


def _has_or(pattern: Any) -> bool:
    return isinstance(pattern, dict) and ("$or" in pattern or any(map(_has_or, pattern.values())))


class TooManyBranchesError(RuleSyntaxError):
    """``$or`` multiplies out to more conjunctions than EventBridge takes."""


class _Reader:
    def __init__(self, *, expands_or: bool) -> None:
        self._expands_or = expands_or

    def branches(self, pattern: dict[str, Any], above: Path, at: At, *, inside_or: bool) -> list[Branch]:
        """Multiply a pattern out into conjunctions."""
        if not pattern:
            raise RuleSyntaxError("Empty objects are not allowed", at=at)
        branches: list[Branch] = [{}]
        for name, value in pattern.items():
            found = self._of_key(name, value, above, (*at, name), inside_or=inside_or)
            _refuse_more(len(branches) * len(found), at)
            # Where both name a path the later one stands, as in event-ruler.
            branches = [{**one, **other} for one in branches for other in found]
        return branches

    def _of_key(self, name: str, value: Any, above: Path, at: At, *, inside_or: bool) -> list[Branch]:
        if name == "$or" and self._expands_or:
            return self._alternatives(value, above, at)
        if inside_or and name in RESERVED:
            raise RuleSyntaxError(f"{name} is Ruler reserved fieldName which cannot be used inside $or.", at=at)
        path = (*above, *name.split("."))
        if isinstance(value, dict):
            return self.branches(value, path, at, inside_or=inside_or)
        if isinstance(value, list):
            return [{path: _wanted(value, at)}]
        raise RuleSyntaxError(f'"{name}" must be an object or an array', at=at, remedy=f"write {name}: [value]")

    def _alternatives(self, value: Any, above: Path, at: At) -> list[Branch]:
        if not isinstance(value, list):
            raise RuleSyntaxError("It must be an Array followed with $or.", at=at)
        branches: list[Branch] = []
        for position, one in enumerate(value):
            if not isinstance(one, dict):
                raise RuleSyntaxError("Only JSON object is allowed in array of $or relationship.", at=at)
            branches += self.branches(one, above, (*at, position), inside_or=True)
            _refuse_more(len(branches), at)
        if len(value) < 2:  # noqa: PLR2004 -- event-ruler asks for two
            raise RuleSyntaxError("There must have at least 2 Objects in $or relationship.", at=at)
        return branches


def _refuse_more(count: int, at: At) -> None:
    if count > MAX_BRANCHES:
        raise TooManyBranchesError(f"$or multiplies out to more than {MAX_BRANCHES} combinations", at=at)


def _wanted(values: list[Any], at: At) -> Wanted:
    if not values:
        raise RuleSyntaxError("Empty arrays are not allowed", at=at)
    texts: list[str] = []
    predicates: list[Predicate] = []
    or_absent = False
    for position, value in enumerate(values):
        here = (*at, position)
        if isinstance(value, str) and not is_ipv6(value):
            texts.append(value)
            continue
        predicate = expression_predicate(value, here) if isinstance(value, dict) else value_predicate(value, here)
        if predicate is None:
            or_absent = True
        else:
            predicates.append(predicate)
    if texts:
        predicates.insert(0, one_of_texts(frozenset(texts)))
    return Wanted(any_of(predicates) if predicates else None, or_absent, tuple(values))


def _refuse_the_complex(branches: list[Branch], at: At) -> None:
    """Refuse what EventBridge calls too complex.

    event-ruler takes the fields in the order of their names, and branches share a machine for the alternatives of a
    field where they ask the same of all fields before it.
    """
    if not any(_wildcards(wanted) for branch in branches for wanted in branch.values()):
        return
    machines: dict[Any, set[frozenset[str]]] = {}
    for branch in branches:
        before: tuple[Any, ...] = ()
        for path, wanted in sorted(branch.items(), key=lambda item: ".".join(item[0])):
            machines.setdefault((before, path), set()).update(_wildcards(wanted))
            before = (*before, (path, repr(wanted.written)))
    if any(wildcards.complexity(patterns) > wildcards.MAX_COMPLEXITY for patterns in machines.values()):
        raise RuleSyntaxError(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a "
            "wildcard character",
            at=at,
        )


def _wildcards(wanted: Wanted) -> list[frozenset[str]]:
    """Return the patterns of each alternative that has some."""
    found = []
    for value in wanted.written:
        match value:
            case {"wildcard": str(pattern)} | {"anything-but": {"wildcard": str(pattern)}}:
                found.append(frozenset([pattern]))
            case {"anything-but": {"wildcard": [*patterns]}}:
                found.append(frozenset(patterns))
    return found
