"""Operators on text: each makes a predicate that holds for strings only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trailstream.rules import regex
from trailstream.rules.documents import At
from trailstream.rules.predicate import Predicate, fold, words_of
from trailstream.rules.rule import RuleSyntaxError

MAX_WILDCARDS = 5
"""EventBridge calls a pattern with more too complex."""


def one_of_texts(texts: frozenset[str], name: str = "") -> Predicate:
    """Return the predicate that holds for these strings and nothing else."""
    return Predicate(
        name or " or ".join(f'is "{text}"' for text in sorted(texts)),
        lambda found: found.__class__ is str and found in texts,
        values=texts,
    )


def text_predicate(name: str, test: Callable[[str], bool], *, of: str = "") -> Predicate:
    """Return a predicate that holds for strings only; ``of`` is text that each of them holds, case aside."""
    return Predicate(name, lambda found: found.__class__ is str and test(found), literals=words_of(of))


def string_argument(argument: Any, operator: str, at: At) -> str:
    """Return an operator's argument, or raise :class:`RuleSyntaxError` where it is no string."""
    if not isinstance(argument, str):
        raise RuleSyntaxError(f"{operator} match pattern must be a string", at=at)
    return argument


def prefix(argument: Any, at: At) -> Predicate:
    """Return the predicate of ``{"prefix": "Delete"}``."""
    if (without_case := _without_case(argument, "prefix", at)) is not None:
        start = fold(without_case)
        return text_predicate(
            f'prefix "{without_case}", case aside', lambda found: fold(found).startswith(start), of=start
        )
    text = string_argument(argument, "prefix", at)
    return text_predicate(f'prefix "{text}"', lambda found: found.startswith(text), of=text)


def suffix(argument: Any, at: At) -> Predicate:
    """Return the predicate of ``{"suffix": "Key"}``."""
    if (without_case := _without_case(argument, "suffix", at)) is not None:
        end = fold(without_case)
        return text_predicate(f'suffix "{without_case}", case aside', lambda found: fold(found).endswith(end), of=end)
    text = string_argument(argument, "suffix", at)
    return text_predicate(f'suffix "{text}"', lambda found: found.endswith(text), of=text)


def _without_case(argument: Any, operator: str, at: At) -> str | None:
    """Return the text of ``{"equals-ignore-case": text}``, or None where the argument is no object."""
    if not isinstance(argument, dict):
        return None
    if list(argument) != ["equals-ignore-case"]:
        raise RuleSyntaxError(f"Unsupported {operator} pattern: {', '.join(argument)}", at=at)
    return string_argument(argument["equals-ignore-case"], "equals-ignore-case", at)


def equals_ignore_case(argument: Any, at: At) -> Predicate:
    """Return the predicate of ``{"equals-ignore-case": "root"}``."""
    return _folded_texts(frozenset([string_argument(argument, "equals-ignore-case", at)]))


def _folded_texts(texts: frozenset[str]) -> Predicate:
    folded = frozenset(map(fold, texts))
    return Predicate(
        " or ".join(f'is "{text}", case aside' for text in sorted(texts)),
        lambda found: found.__class__ is str and fold(found) in folded,
        values=folded,
        folded=True,
    )


def wildcard(argument: Any, at: At) -> Predicate:
    """Return the predicate of ``{"wildcard": "Create*User"}``."""
    pattern = string_argument(argument, "wildcard", at)
    parts = _wildcard_parts(pattern, at)
    if len(parts) == 1:
        return one_of_texts(frozenset(parts), f'wildcard "{pattern}"')
    if len(parts) - 1 > MAX_WILDCARDS:
        raise RuleSyntaxError(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a "
            "wildcard character",
            at=at,
        )
    like = regex.search(rf"\A{'.*'.join(map(regex.literal, parts))}\z", flags="s")
    return text_predicate(f'wildcard "{pattern}"', like, of=" ".join(parts))


def _wildcard_parts(pattern: str, at: At) -> list[str]:
    r"""Split at the wildcards; ``\*`` and ``\\`` stand for themselves, and no other escape is allowed.

    event-ruler counts positions in the quoted text, so from 1.
    """
    parts, position = [""], 0
    while position < len(pattern):
        character, following = pattern[position], pattern[position + 1 : position + 2]
        if character == "*":
            if following == "*":
                raise RuleSyntaxError(f"Consecutive wildcard characters at pos {position + 1}", at=at)
            parts.append("")
        elif character == "\\":
            if following not in ("*", "\\"):
                raise RuleSyntaxError(f"Invalid escape character at pos {position + 1}", at=at)
            parts[-1] += following
            position += 1
        else:
            parts[-1] += character
        position += 1
    return parts
