"""Text from outside, made harmless to look at: it can break no line and steer no terminal."""

from __future__ import annotations

MAX_CHARACTERS = 1024
"""Longest string in a log line or a letter. S3 keys end at 1,024 bytes; what is longer is an attack or an accident."""


def printable(text: str, *, at_most: int = MAX_CHARACTERS) -> str:
    r"""Return the text with every character that is not printable written as its escape, cut to ``at_most``.

    Not printable is what Unicode calls other or separator, the space excepted (:meth:`str.isprintable`): line breaks,
    the escape that begins a terminal sequence and its one-byte C1 form, bidirectional overrides, zero-width characters
    and lone surrogates. They read ``\n``, ``\x1b``, ``\u202e``, ``\ud800``. A cut text says how much it lost.
    """
    if len(text) <= at_most and text.isprintable():  # nearly all is, and it is asked of every field of every line
        return text
    cut = text[:at_most]
    if not cut.isprintable():
        # An escape is up to ten times as long as what it stands for: the ceiling holds for what is written.
        cut = "".join(map(_visible, cut))[:at_most]
    lost = len(text) - at_most
    return f"{cut}… ({lost} more characters)" if lost > 0 else cut


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
