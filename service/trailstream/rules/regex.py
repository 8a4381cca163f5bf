"""Regular expressions from people who are not us: RE2, whose time is linear in the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import re2

from trailstream.rules.rule import RuleSyntaxError

MAX_PATTERN_CHARACTERS = 4096
MAX_PROGRAM_BYTES = 1024 * 1024
"""RE2's budget for one expression; ``(a{1000}){1000}`` asks for more."""


def search(pattern: str, *, flags: str = "") -> Callable[[str], bool]:
    """Return a function that says whether the pattern is found anywhere in a text.

    ``flags`` are RE2's: ``i`` ignores case, ``m`` lets ``^`` and ``$`` stand at line ends, ``s`` lets ``.`` match line
    ends. Raises :class:`RuleSyntaxError` for what RE2 does not take (look-around and back-references, above all).
    """
    text = f"(?{flags}:{pattern})" if flags else pattern
    find = compiled(text.encode("utf-8", "replace")).search
    return lambda value: find(value.encode("utf-8", "replace")) is not None


def compiled(pattern: str | bytes) -> Any:
    """Return RE2's own object for a pattern; it takes texts of the pattern's type. Raises as :func:`search` does."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise RuleSyntaxError(f"the regular expression is longer than {MAX_PATTERN_CHARACTERS} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_PROGRAM_BYTES
    options.never_capture = True
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise RuleSyntaxError(
            f"the regular expression is not one that RE2 takes: {reason}",
            remedy="RE2 has no look-around and no back-references",
        ) from None


def literal(text: str) -> str:
    """Return the pattern that matches this text and nothing else; half a surrogate pair counts as a question mark."""
    escaped: str = re2.escape(text.encode("utf-8", "replace").decode())
    return escaped
