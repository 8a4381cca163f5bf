r"""The regular expressions of filter patterns: what AWS takes between two ``%``, written for RE2.

From the user guide, "Supported regular expressions (regex) syntax": letters and digits, the symbols
``: _ # = @ / ; , -``, the operators ``^ $ ? [ ] { } | \ * + .``, and the escapes ``\d \D \s \S \w \W \t \n \xhh``.
There are no parentheses, not even with a backslash (AWS answers "Invalid character(s) in term"), and no multi-byte
characters. A space is in the guide's own examples. ``.`` is any character, line ends included.
"""

from __future__ import annotations

import re

from trailstream.rules.languages.filter_pattern.tokens import Source

CLASSES = "dDsSwWtn"

_PIECE = re.compile(
    r"(?P<hex>\\x[0-7][0-9A-Fa-f])"
    rf"|(?P<class>\\[{CLASSES}])"
    r"|(?P<escaped>\\[\^$?\[\]{}|\\*+.:_#=@/;, -])"
    r"|(?P<times>\{[0-9]*, ?[0-9]*\})"
    r"|(?P<plain>[A-Za-z0-9^$?\[\]{}|*+.:_#=@/;, -])"
)


def expression_of(written: str, source: Source, position: int) -> str:
    """Return RE2's form of what stands between the ``%``, or raise for what AWS refuses.

    ``position`` is that of its first character in the pattern, for what is said of a fault.
    """
    if not written:
        raise source.fault(position, "an empty regular expression", "write one between the two %")
    pieces, at, in_set = [], 0, False
    while at < len(written):
        piece = _PIECE.match(written, at)
        if piece is None:
            raise source.fault(position + at, *_refusal(written[at:]))
        text = piece[0]
        pieces.append(_for_re2(str(piece.lastgroup), text, in_set=in_set))
        in_set = text == "[" or (in_set and text != "]")
        at = piece.end()
    return "".join(pieces)


def _for_re2(kind: str, text: str, *, in_set: bool) -> str:
    if kind == "times" and not in_set:
        # RE2 takes a repetition without its minimum for plain text.
        least, most = text[1:-1].replace(" ", "").split(",")
        return f"{{{least or 0},{most}}}"
    if kind == "escaped" and text[1] in "_ ":
        return text[1]
    return text


def _refusal(rest: str) -> tuple[str, str]:
    """Return what is wrong with the character that an expression goes on with, and what to do about it."""
    escaped = rest[0] == "\\"
    if escaped and rest[1:2] not in ("(", ")"):
        return (
            f'"{rest[:2]}" is no escape that AWS supports',
            r"it supports \d \D \s \S \w \W \xhh and escaped operators",
        )
    character = rest[1] if escaped else rest[0]
    if not character.isascii():
        return "multi-byte characters are not supported in a regular expression", "match them with ."
    return (
        f'"{rest[: 1 + escaped]}" is not supported in a regular expression',
        f"write the character as \\x{ord(character):02X}",
    )
