"""The rules that a tool is asked about: of a directory, or of one file with what belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from trailstream.adapters.rule_directory import read_rule_directory
from trailstream.bootstrap.rules import load_rules
from trailstream.model.problems import Problem, RulesError
from trailstream.rules.correlation import Correlation
from trailstream.rules.embedded_tests import rule_path_of
from trailstream.rules.loading import CODE_SUFFIX, LoadedRules, load

S3 = "s3://"


def place(text: str) -> Path | str:
    """Return what an argument names: a path, or a prefix in S3 as it is."""
    return text if text.startswith(S3) else Path(text)


def load_at(path: Path | str, root: Path | None = None) -> LoadedRules:
    """Compile the rules of a directory or a prefix in S3, or those of one file.

    To a file belongs what is called like it: its code, its description, its tests. What its code imports, and the rules
    in other files that its correlations wait for, are looked for in ``root``; without one, the former in the directory
    that it is in. Raises :class:`RulesUnreadError` for a prefix in S3, and :class:`RulesError` for a file that is not
    below ``root``.
    """
    if isinstance(path, str):
        from trailstream.bootstrap.rules_in_s3 import load_prefix  # noqa: PLC0415 - AWS's libraries are slow to load

        return load_prefix(path)
    if not path.is_file():
        return load_rules(path)
    beside = [each for each in sorted(path.parent.iterdir()) if each.is_file() and _name(each) == _name(path)]
    is_code = any(each.suffix == CODE_SUFFIX for each in beside)
    # What else is called like a rule may be the events to try it on.
    halves = (CODE_SUFFIX, ".yaml", ".yml") if is_code else ()
    beside = [each for each in beside if each.name == path.name or rule_path_of(each.name) or each.suffix in halves]
    if root is None and not is_code:
        texts = [read_rule_directory(each) for each in beside]
        loaded = load([file for each in texts for file in each.files])
        return replace(loaded, problems=[problem for each in texts for problem in each.problems] + loaded.problems)
    root = path.parent if root is None else root
    below = path.parent.resolve()
    if not below.is_relative_to(root.resolve()):
        raise RulesError([Problem(str(path), f"is not below {root}", "name the directory that it is in")])
    return _of(load_rules(root), {(below / each.name).relative_to(root.resolve()).as_posix() for each in beside})


def _name(path: Path) -> str:
    return PurePosixPath(rule_path_of(path.name) or path.stem).name


def _of(loaded: LoadedRules, paths: set[str]) -> LoadedRules:
    """Return what is said of these files, with what their correlations wait for, which does not alert for itself."""
    waited_for = _waited_for(loaded, [each for each in loaded.correlations if each.info.path in paths])
    return LoadedRules(
        rules=[
            rule if rule.info.path in paths else replace(rule, alerts=False)
            for rule in loaded.rules
            if rule.info.path in paths or rule.info.id in waited_for
        ],
        correlations=[
            each if each.info.path in paths else replace(each, alerts=False)
            for each in loaded.correlations
            if each.info.path in paths or each.info.id in waited_for
        ],
        problems=[each for each in loaded.problems if each.where.rpartition(":")[0] in paths or each.where in paths],
        notes=[note for note in loaded.notes if note.path in paths],
    )


def _waited_for(loaded: LoadedRules, correlations: Sequence[Correlation]) -> set[str]:
    """Return the ids of all that these correlations wait for, however many others are between."""
    found: set[str] = set()
    pending = list(correlations)
    while pending:
        wanted = {source.rule_id for source in pending.pop().sources} - found
        found |= wanted
        pending += [each for each in loaded.correlations if each.info.id in wanted]
    return found
