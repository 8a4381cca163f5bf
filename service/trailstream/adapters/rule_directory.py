"""A directory of rule files -> their texts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from trailstream.model.errors import Problem
from trailstream.model.limits import KIB
from trailstream.rules.loading import SUFFIXES

MAX_RULE_FILE_BYTES = 256 * KIB
"""Real rules are a few KiB."""


class RuleTexts(NamedTuple):
    """What a rules directory holds, sorted by path."""

    files: list[tuple[str, str]]
    """(path relative to the directory, text)."""
    problems: list[Problem]
    """Files that could not be read as text."""


def read_rule_directory(root: Path) -> RuleTexts:
    """Read every rule file below a directory, or one rule file; raises nothing.

    Hidden files and directories are passed over, and with them the ``..data`` of a mounted ConfigMap; a link to a file
    is followed, one to a directory is not.
    """
    texts = RuleTexts([], [])
    if root.is_file():
        _read(root, root.name, texts)
    elif root.is_dir():
        for path in sorted(_rule_files(root, texts)):
            _read(path, path.relative_to(root).as_posix(), texts)
        if not texts.files and not texts.problems:
            texts.problems.append(
                Problem(str(root), "holds no rule file", f"a rule file's name ends in {', '.join(sorted(SUFFIXES))}")
            )
    else:
        texts.problems.append(Problem(str(root), "is no directory", "name the directory that holds the rules"))
    return texts


def _rule_files(root: Path, texts: RuleTexts) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        texts.problems.append(Problem(str(error.filename), f"cannot be read: {error.strerror}"))

    for directory, below, names in os.walk(root, onerror=unreadable):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(directory, name)


def _read(path: Path, name: str, texts: RuleTexts) -> None:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_RULE_FILE_BYTES + 1)
    except OSError as error:
        texts.problems.append(Problem(name, f"cannot be read: {error.strerror}"))
        return
    if len(content) > MAX_RULE_FILE_BYTES:
        texts.problems.append(Problem(name, f"is larger than {MAX_RULE_FILE_BYTES // KIB} KiB", "split it"))
        return
    try:
        texts.files.append((name, content.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        texts.problems.append(Problem(f"{name}:{line}", "is not UTF-8 text", "save it as UTF-8"))
