"""Where rule files are kept, as whoever loads them sees it."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import NamedTuple, Protocol

from trailstream.model.limits import KIB
from trailstream.model.problems import Problem
from trailstream.rules.loading import SUFFIXES

MAX_RULE_FILE_BYTES = 256 * KIB
"""Real rules are a few KiB."""


def is_rule_file(name: str) -> bool:
    """Say whether a file of this name is read, as far as the name goes: hidden ones are not."""
    return not name.startswith(".") and PurePosixPath(name).suffix.lower() in SUFFIXES


def holds_none(place: str) -> Problem:
    """Return what is wrong with a place without rule files."""
    return Problem(place, "holds no rule file", f"a rule file's name ends in {', '.join(sorted(SUFFIXES))}")


class RuleTexts(NamedTuple):
    """The rule files of a place, sorted by path."""

    files: list[tuple[str, str]]
    """(path relative to the place, text)."""
    problems: list[Problem]
    """Files that could not be read as text."""

    def add(self, path: str, content: bytes | None) -> None:
        """Take the content of a file; None where it is too large, or as much of it as shows that."""
        if content is None or len(content) > MAX_RULE_FILE_BYTES:
            self.problems.append(Problem(path, f"is larger than {MAX_RULE_FILE_BYTES // KIB} KiB", "split it"))
            return
        try:
            self.files.append((path, content.decode("utf-8-sig")))
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self.problems.append(Problem(f"{path}:{line}", "is not UTF-8 text", "save it as UTF-8"))

    @property
    def digest(self) -> str:
        """What tells these files from any others: 16 hex digits of SHA-256."""
        digest = hashlib.sha256()
        for path, text in self.files:
            for part in (path.encode("utf-8", "surrogatepass"), text.encode()):
                digest.update(len(part).to_bytes(8, "big"))
                digest.update(part)
        for problem in self.problems:
            digest.update(str(problem).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:16]


class RulesPlace(Protocol):
    """A directory, or whatever else keeps rule files."""

    async def fingerprint(self) -> str:
        """Return what changes whenever the files do, at less cost than reading them.

        Raises :class:`RulesUnreadError` where nobody can tell now.
        """
        ...

    async def read(self) -> RuleTexts:
        """Read every rule file. Raises :class:`RulesUnreadError` where the place cannot be read now."""
        ...
