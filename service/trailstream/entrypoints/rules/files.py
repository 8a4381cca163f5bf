"""The rules that a tool is asked about: of a directory, or of one file with what belongs to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

from trailstream.adapters.rule_directory import read_rule_directory
from trailstream.bootstrap.rules import load_rules
from trailstream.rules.embedded_tests import rule_path_of
from trailstream.rules.loading import CODE_SUFFIX, LoadedRules, load

S3 = "s3://"


def place(text: str) -> Path | str:
    """Return what an argument names: a path, or a prefix in S3 as it is."""
    return text if text.startswith(S3) else Path(text)


def load_at(path: Path | str, root: Path | None = None) -> LoadedRules:
    """Compile the rules of a directory or a prefix in S3, or those of one file.

    To a file belongs what is called like it: its code, its description, its tests. What its code imports is looked for
    in ``root``, without one in the directory that it is in. Raises :class:`RulesUnreadError` for a prefix in S3.
    """
    if isinstance(path, str):
        from trailstream.bootstrap.rules_in_s3 import load_prefix  # noqa: PLC0415 - AWS's libraries are slow to load

        return load_prefix(path)
    if not path.is_file():
        return load_rules(path)
    beside = [each for each in sorted(path.parent.iterdir()) if each.is_file() and _name(each) == _name(path)]
    if not any(each.suffix == CODE_SUFFIX for each in beside):
        texts = [read_rule_directory(path), *(read_rule_directory(each) for each in beside if rule_path_of(each.name))]
        loaded = load([file for each in texts for file in each.files])
        return replace(loaded, problems=[problem for each in texts for problem in each.problems] + loaded.problems)
    root = path.parent if root is None else root
    return _of(load_rules(root), {each.relative_to(root).as_posix() for each in beside})


def _name(path: Path) -> str:
    return PurePosixPath(rule_path_of(path.name) or path.stem).name


def _of(loaded: LoadedRules, paths: set[str]) -> LoadedRules:
    """Return what is said of these files."""
    return LoadedRules(
        rules=[rule for rule in loaded.rules if rule.info.path in paths],
        correlations=[each for each in loaded.correlations if each.info.path in paths],
        problems=[each for each in loaded.problems if each.where.rpartition(":")[0] in paths or each.where in paths],
        notes=[note for note in loaded.notes if note.path in paths],
    )
