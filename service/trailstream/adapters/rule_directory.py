"""A directory of rule files -> their texts, and whether it has changed."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from trailstream.model.problems import Problem
from trailstream.pipeline.rules_place import MAX_RULE_FILE_BYTES, RuleTexts, holds_none, is_rule_file


class RuleDirectory:
    """A directory of rule files, or one rule file, as a place that may change."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def fingerprint(self) -> str:
        """Return what changes with any file: written anew, replaced, renamed, or behind a link that was moved."""
        return await asyncio.to_thread(_fingerprint, self._root)

    async def read(self) -> RuleTexts:
        """Read every rule file; raises nothing."""
        return await asyncio.to_thread(read_rule_directory, self._root)


def _fingerprint(root: Path) -> str:
    digest = hashlib.sha256()
    for path in [root] if root.is_file() else sorted(_rule_files(root, RuleTexts([], []))):
        try:
            found = path.stat()
        except OSError as error:
            digest.update(f"{path}\0{error.errno}\n".encode("utf-8", "surrogatepass"))
            continue
        facts = (path, found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev)
        digest.update("\0".join(map(str, facts)).encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


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
            texts.problems.append(holds_none(str(root)))
    else:
        texts.problems.append(
            Problem(str(root), "is no directory and no file", "name a directory of rule files, or one")
        )
    return texts


def _rule_files(root: Path, texts: RuleTexts) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        texts.problems.append(Problem(str(error.filename), f"cannot be read: {error.strerror}"))

    for directory, below, names in os.walk(root, onerror=unreadable):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            if is_rule_file(name):
                yield Path(directory, name)


def _read(path: Path, name: str, texts: RuleTexts) -> None:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_RULE_FILE_BYTES + 1)
    except OSError as error:
        texts.problems.append(Problem(name, f"cannot be read: {error.strerror}"))
        return
    texts.add(name, content)
