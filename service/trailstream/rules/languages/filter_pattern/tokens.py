"""The text of a filter pattern -> tokens, each with the place where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from trailstream.rules.documents import At
from trailstream.rules.rule import RuleSyntaxError


class Token(NamedTuple):
    """A piece of a pattern."""

    kind: str
    """``selector``, ``comparison``, ``string``, ``regex``, ``word``, ``(``, ``)``, ``&&``, ``||``, or ``end``."""
    text: str
    """As it is written."""
    position: int


class Source(NamedTuple):
    """The text of a pattern, and where it stands in its rule file."""

    text: str
    at: At

    def fault(self, position: int, what: str, remedy: str = "") -> RuleSyntaxError:
        """Return the error that says what is wrong at this position of the text."""
        before = self.text[:position]
        line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
        place = f"column {column}" if "\n" not in self.text else f"line {line}, column {column}"
        return RuleSyntaxError(f"{what} ({place} of the pattern)", at=self.at, remedy=remedy)


# What AWS's examples and the CIS benchmark leave unquoted; everything else it wants in double quotes.
_WORD = r"[A-Za-z0-9_.*:/+-]+"
_TOKEN = re.compile(
    r"""
    \s*
    (?: (?P<selector> \$ (?: \. [A-Za-z0-9_-]+ | \.\* | \[ (?: [0-9]+ | \* ) \] | \.? \[ (?: '[^']*' | "[^"]*" ) \] )+ )
      | (?P<comparison> != | [<>]=? | =  )
      | (?P<string> " (?: [^"\\] | \\. )* " )
      | (?P<regex> % [^%]* % )
      | (?P<word> """
    + _WORD
    + r""" )
      | (?P<sign> \( | \) | && | \|\| )
      | (?P<end> \Z )
    )
    """,
    re.VERBOSE | re.DOTALL,
)

_QUOTE = "put the value in double quotes"
_REASONS = {
    '"': ("a string without its closing quote", 'end it with "'),
    "'": ("a value in single quotes", 'AWS takes double quotes: "value"'),
    "%": ("a regular expression without its closing %", "end it with %"),
    "&": ('"&" is no operator', "write &&"),
    "|": ('"|" is no operator', "write ||"),
    "!": ('"!" is no operator', "AWS negates with != and NOT EXISTS only"),
    "{": ("a brace within the pattern", "group with parentheses"),
    "}": ("a brace within the pattern", "group with parentheses"),
    "$": ("not a property selector", "a selector is written $.a.b, $.a[0], $.a[*], $.* or $.['a.b']"),
}


def tokens(source: Source, start: int, end: int) -> Iterator[Token]:
    """Yield the tokens between two positions, and at last one of the kind ``end``.

    Raises :class:`RuleSyntaxError` at what is none.
    """
    position, kind = start, ""
    while kind != "end":
        found = _TOKEN.match(source.text, position, end)
        if found is None:
            raise _no_token(source, position, end, kind)
        kind, position = str(found.lastgroup), found.end()
        text = found[kind]
        kind = text if kind == "sign" else kind
        yield Token(kind, text, found.start(str(found.lastgroup)))


def _no_token(source: Source, position: int, end: int, before: str) -> RuleSyntaxError:
    rest = source.text[position:end]
    stripped = rest.lstrip()
    character = stripped[0]
    if before == "selector" and stripped == rest and character not in _REASONS:
        what = f'"{character}" in a property selector'
        return source.fault(position, what, "name such a property in brackets: $.['a.b']")
    what, remedy = _REASONS.get(character, (f'"{character}" outside quotes', _QUOTE))
    return source.fault(position + len(rest) - len(stripped), what, remedy)
