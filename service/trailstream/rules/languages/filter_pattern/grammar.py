r"""JSON filter patterns -> conditions.

The grammar, from the user guide, "Filter pattern syntax" (AWS publishes no formal one)::

    pattern     { or }
    or          and ( || and )*            && binds before ||
    and         test ( && test )*
    test        ( or )
                selector = value           selector != value
                selector < number          also <=, >, >=
                selector IS NULL           also IS TRUE, IS FALSE; there is no IS NOT
                selector NOT EXISTS        there is no EXISTS; = * says it of values
    selector    $.name.name[0][*].*['a.b'] $.* is every field, [*] every element; names are of letters, digits, _ and -
    value       "text"  word  number  %regular expression%

With ``[*]`` or ``.*`` a test holds where it does for one of the values, ``!=`` too; ``NOT EXISTS`` holds where there is
none. In ``"text"`` a backslash takes the meaning from ``"``, ``\`` and ``*``, as the CDK writes it. Keywords may be
written in any case.

AWS's quotas are kept: one wildcard in a selector and three in a pattern, two regular expressions in a pattern. Only a
pattern of more than 1,024 characters is taken all the same, with a note.
"""

from __future__ import annotations

import re
from typing import Final

from trailstream.rules.condition import Condition, Every, Not, Selected, Step, all_of, one_of
from trailstream.rules.documents import At
from trailstream.rules.languages.filter_pattern.expressions import expression_of
from trailstream.rules.languages.filter_pattern.tokens import Source, Token, tokens
from trailstream.rules.languages.filter_pattern.values import (
    COMPARISONS,
    IS_FALSE,
    IS_TRUE,
    compared,
    equal_to_number,
    equal_to_text,
    like,
    matching,
    not_equal,
)
from trailstream.rules.numbers import number_of
from trailstream.rules.predicate import IS_NULL, PRESENT, Predicate
from trailstream.rules.rule import NotEvaluatedError, RuleSyntaxError

MAX_CHARACTERS = 4096
AWS_MAX_CHARACTERS = 1024
MAX_DEPTH = 50
"""Parentheses within parentheses."""
MAX_WILDCARDS_IN_A_SELECTOR = 1
MAX_WILDCARD_SELECTORS = 3
MAX_REGULAR_EXPRESSIONS = 2

_BEGINNING = re.compile(r"\s*\{[\s(]*\$[.\[]")
_STEP = re.compile(
    r"\.?\[(?:(?P<element>[0-9]+)|(?P<every>\*)|'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\")\]|\.(?P<name>[^.\[]+)"
)

_IS: Final = {"NULL": IS_NULL, "TRUE": IS_TRUE, "FALSE": IS_FALSE}


def is_filter(text: str) -> bool:
    """Say whether a text can be nothing but a JSON filter pattern: no JSON and no other rule begins like one."""
    return _BEGINNING.match(text) is not None


def compile_pattern(text: str, at: At = ()) -> Condition:
    """Compile a filter pattern.

    Raises :class:`RuleSyntaxError` at ``at`` for what AWS refuses, and :class:`NotEvaluatedError` for patterns that are
    not for JSON logs.
    """
    source = Source(text, at)
    start, end = _braces(source)
    if len(text) > MAX_CHARACTERS:
        raise source.fault(MAX_CHARACTERS, f"longer than {MAX_CHARACTERS} characters", "split the rule")
    return _Parser(source, start, end).pattern()


def _braces(source: Source) -> tuple[int, int]:
    """Return where the pattern begins and ends within its braces."""
    stripped = source.text.strip()
    if not stripped.startswith("{"):
        raise NotEvaluatedError(_not_json(stripped))
    if not stripped.endswith("}") or stripped == "{":
        raise source.fault(len(source.text.rstrip()), "a filter pattern that starts with { must end with }", "close it")
    start = source.text.index("{") + 1
    return start, source.text.rindex("}")


def _not_json(pattern: str) -> str:
    if not pattern:
        return "an empty filter pattern matches every record"
    if pattern.startswith("["):
        return "a filter for space-delimited logs, but records are JSON: write { $.field = value }"
    return "a filter for unstructured text, but records are JSON: write { $.field = value }"


class _Parser:
    """Recursive descent, one token ahead."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        self._source = source
        self._tokens = tokens(source, start, end)
        self._next = next(self._tokens)
        self._depth = 0
        self._wildcard_selectors = 0
        self._regular_expressions = 0

    def pattern(self) -> Condition:
        if self._next.kind == "end":
            raise self._fault("an empty pattern", 'say something of a property: { $.eventName = "ConsoleLogin" }')
        condition = self._or()
        if self._next.kind != "end":
            raise self._expected("&& or ||")
        return condition

    def _take(self) -> Token:
        taken = self._next
        if taken.kind != "end":
            self._next = next(self._tokens)
        return taken

    def _fault(self, what: str, remedy: str = "", *, token: Token | None = None) -> RuleSyntaxError:
        return self._source.fault((token or self._next).position, what, remedy)

    def _expected(self, what: str, remedy: str = "") -> RuleSyntaxError:
        found = "the end" if self._next.kind == "end" else f'"{self._next.text}"'
        return self._fault(f"expected {what}, found {found}", remedy)

    def _or(self) -> Condition:
        parts = [self._and()]
        while self._next.kind == "||":
            self._take()
            parts.append(self._and())
        return one_of(parts)

    def _and(self) -> Condition:
        parts = [self._test()]
        while self._next.kind == "&&":
            self._take()
            parts.append(self._test())
        return all_of(parts)

    def _test(self) -> Condition:
        if self._next.kind == "selector":
            return self._comparison(self._selector(self._take()))
        if self._next.kind != "(":
            raise self._expected("a property selector or (", "a selector is written $.a.b")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._fault(f"more than {MAX_DEPTH} parentheses within each other")
        self._take()
        condition = self._or()
        if self._next.kind != ")":
            raise self._expected("&&, || or )")
        self._take()
        self._depth -= 1
        return condition

    def _selector(self, token: Token) -> tuple[Step, ...]:
        steps = tuple(map(_step, _STEP.finditer(token.text)))
        wildcards = sum(isinstance(step, Every) for step in steps)
        if wildcards > MAX_WILDCARDS_IN_A_SELECTOR:
            raise self._fault("more than one wildcard in a property selector", "AWS takes one", token=token)
        self._wildcard_selectors += wildcards
        if self._wildcard_selectors > MAX_WILDCARD_SELECTORS:
            raise self._fault("more than three wildcard selectors in a pattern", "AWS takes three", token=token)
        return steps

    def _comparison(self, selector: tuple[Step, ...]) -> Condition:
        if self._next.kind == "word":
            return self._keywords(selector)
        if self._next.kind != "comparison":
            raise self._expected("=, !=, <, <=, >, >=, IS or NOT EXISTS")
        comparison = self._take().text
        if comparison in COMPARISONS:
            return Selected(selector, compared(comparison, self._number(comparison)))
        equal = self._value()
        return Selected(selector, equal if comparison == "=" else not_equal(equal))

    def _keywords(self, selector: tuple[Step, ...]) -> Condition:
        keyword = self._take()
        match keyword.text.upper(), self._next.text.upper():
            case "IS", ("NULL" | "TRUE" | "FALSE") as name if self._next.kind == "word":
                self._take()
                return Selected(selector, _IS[name])
            case "NOT", "EXISTS" if self._next.kind == "word":
                self._take()
                return Not(Selected(selector, PRESENT))
            case "IS", "NOT":
                raise self._fault("AWS has no IS NOT", 'write = "*" or != instead', token=keyword)
            case "IS", _:
                raise self._expected("NULL, TRUE or FALSE")
            case "NOT", _:
                raise self._expected("EXISTS")
            case "EXISTS", _:
                raise self._fault("AWS has no EXISTS, only NOT EXISTS", "write = * for it", token=keyword)
        raise self._fault(f'expected =, !=, <, <=, >, >=, IS or NOT EXISTS, found "{keyword.text}"', token=keyword)

    def _number(self, comparison: str) -> float:
        number = number_of(self._next.text) if self._next.kind == "word" else None
        if number is None:
            raise self._expected(f"a number after {comparison}", "texts are compared with = and != only")
        self._take()
        return number

    def _value(self) -> Predicate:
        match self._next.kind:
            case "string":
                return _text(self._take().text[1:-1])
            case "regex":
                return self._regular_expression(self._take())
            case "word":
                word = self._take().text
                number = number_of(word)
                return _text(word) if number is None else equal_to_number(word, number)
            case "comparison" if self._next.text == "=":
                raise self._fault('"==" is no operator', "write =")
        raise self._expected("a value", 'a value is a number, a word, "text" or %regular expression%')

    def _regular_expression(self, token: Token) -> Predicate:
        self._regular_expressions += 1
        if self._regular_expressions > MAX_REGULAR_EXPRESSIONS:
            raise self._fault("more than two regular expressions in a pattern", "AWS takes two", token=token)
        written = token.text[1:-1]
        expression = expression_of(written, self._source, token.position + 1)
        try:
            return matching(written, expression)
        except RuleSyntaxError as error:
            raise self._fault(error.what, token=token) from None


def _step(found: re.Match[str]) -> Step:
    if found["element"] is not None:
        return int(found["element"])
    if found["every"]:
        return Every.ELEMENT
    name = next(found[group] for group in ("single", "double", "name") if found[group] is not None)
    return Every.FIELD if name == "*" and found["name"] else name


_PIECE = re.compile(r"\\(?P<escaped>[\"\\*])|(?P<any>\*+)|(?P<plain>\\|[^\\*]+)", re.DOTALL)


def _text(written: str) -> Predicate:
    """Return the predicate for text as it stands between quotes."""
    parts = [""]
    for piece in _PIECE.finditer(written):
        if piece["any"]:
            parts.append("")
        else:
            parts[-1] += piece["escaped"] or piece["plain"]
    return equal_to_text(parts[0]) if len(parts) == 1 else like(parts)
