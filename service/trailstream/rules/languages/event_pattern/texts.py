"""Operators on text: each makes a predicate that holds for strings only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trailstream.rules import regex
from trailstream.rules.documents import At
from trailstream.rules.languages.event_pattern import wildcards
from trailstream.rules.predicate import Predicate, fold, words_of
from trailstream.rules.rule import RuleSyntaxError

ONE_KEY = "Only one key allowed in match expression"


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
    if isinstance(argument, dict):
        return starts_without_case(_without_case(argument, "prefix", at))
    text = string_argument(argument, "prefix", at)
    return text_predicate(f'prefix "{text}"', lambda found: found.startswith(text), of=text)


def suffix(argument: Any, at: At) -> Predicate:
    """Return the predicate of ``{"suffix": "Key"}``."""
    if isinstance(argument, dict):
        return ends_without_case(_without_case(argument, "suffix", at))
    text = string_argument(argument, "suffix", at)
    return text_predicate(f'suffix "{text}"', lambda found: found.endswith(text), of=text)


def _without_case(argument: dict[str, Any], operator: str, at: At) -> str:
    """Return the text of ``{"equals-ignore-case": text}``."""
    inner = next(iter(argument), None)
    if inner is None:
        raise RuleSyntaxError(f"{operator.capitalize()} expression name not found", at=at)
    if inner != "equals-ignore-case":
        raise RuleSyntaxError(f"Unsupported {operator} pattern: {inner}", at=at)
    text = string_argument(argument[inner], inner, at)
    if len(argument) > 1:
        raise RuleSyntaxError(ONE_KEY, at=at)
    return text


def equals_ignore_case(argument: Any, at: At) -> Predicate:
    """Return the predicate of ``{"equals-ignore-case": "root"}``."""
    text = string_argument(argument, "equals-ignore-case", at)
    name = f'is "{text}", case aside'
    if not text.isascii():
        return text_predicate(name, _either_case(text, r"\A", r"\z"), of=text)
    folded = fold(text)
    return Predicate(
        name,
        lambda found: found.__class__ is str and fold(found) == folded and found.isascii(),
        values=frozenset([folded]),
        folded=True,
    )


def starts_without_case(text: str) -> Predicate:
    """Return the predicate of ``{"prefix": {"equals-ignore-case": "delete"}}``."""
    name, length, start = f'prefix "{text}", case aside', len(text), fold(text)
    if not text.isascii():
        return text_predicate(name, _either_case(text, r"\A", ""), of=text)
    return text_predicate(name, lambda found: _is_ascii_case_of(found[:length], start), of=text)


def ends_without_case(text: str) -> Predicate:
    """Return the predicate of ``{"suffix": {"equals-ignore-case": "key"}}``."""
    name, length, end = f'suffix "{text}", case aside', len(text), fold(text)
    if not text.isascii():
        return text_predicate(name, _either_case(text, "", r"\z"), of=text)
    return text_predicate(name, lambda found: _is_ascii_case_of(found[max(len(found) - length, 0) :], end), of=text)


def _is_ascii_case_of(found: str, folded: str) -> bool:
    # Some letters beyond ASCII fold to one of it: the Kelvin sign is no k to AWS.
    return fold(found) == folded and found.isascii()


def _either_case(text: str, start: str, end: str) -> Callable[[str], bool]:
    """Return the test for what event-ruler takes: for each character its lower or its upper case, ``SS`` for ``ß``.

    That is not symmetric: ``ß`` does not pass for ``SS``.
    """
    ways = ("|".join(map(regex.literal, sorted({one.lower(), one.upper()}))) for one in text)
    return regex.search(f"{start}{''.join(f'(?:{way})' for way in ways)}{end}")


def wildcard(argument: Any, at: At) -> Predicate:
    """Return the predicate of ``{"wildcard": "Create*User"}``."""
    pattern = string_argument(argument, "wildcard", at)
    parts = wildcards.parts_of(pattern, at)
    if len(parts) == 1:
        return one_of_texts(frozenset(parts), f'wildcard "{pattern}"')
    like = regex.search(rf"\A{'.*'.join(map(regex.literal, parts))}\z", flags="s")
    return text_predicate(f'wildcard "{pattern}"', like, of=" ".join(parts))
