"""The rules that a tool is asked about: of a directory, or of one file with what belongs to it."""

from __future__ import annotations

import argparse
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

from trailstream.adapters.rule_directory import read_rule_directory
from trailstream.bootstrap.rules import load_rules
from trailstream.model.problems import Problem, RulesError
from trailstream.rules.documents import DocumentError, documents
from trailstream.rules.embedded_tests import rule_path_of
from trailstream.rules.languages.language import RuleFile
from trailstream.rules.languages.python.rule_file import is_described
from trailstream.rules.loading import TEXT_SUFFIXES, LoadedRules, load

S3 = "s3://"


def place(text: str) -> Path | str:
    """Return what an argument names: a path, or a prefix in S3 as it is."""
    return text if text.startswith(S3) else Path(text)


def add_around(tool: argparse.ArgumentParser) -> None:
    """Add the option that names the directory around a rule file: ``root`` of :func:`load_at`."""
    tool.add_argument(
        "--rules",
        type=Path,
        metavar="DIR",
        help="the directory around a rule file: where code finds the modules it imports, a correlation its rules, and "
        "a Sigma rule its placeholders, filters and processing pipelines",
    )


def load_at(path: Path | str, root: Path | None = None) -> LoadedRules:
    """Compile the rules of a directory or a prefix in S3, or those of one file.

    To a file belongs what is of the same rule and called like it: its code, its description, its tests. What its code
    imports, and the rules in other files that its correlations wait for, are looked for in ``root``; without one, the
    former in the directory that it is in. Raises :class:`RulesUnreadError` for a prefix in S3, and :class:`RulesError`
    for a ``root`` that is no directory, or is not around the file.
    """
    if isinstance(path, str):
        from trailstream.bootstrap.rules_in_s3 import load_prefix  # noqa: PLC0415 - AWS's libraries are slow to load

        return load_prefix(path)
    if not path.is_file():
        return load_rules(path)
    beside = [each for each in sorted(path.parent.iterdir()) if each.is_file() and _name(each) == _name(path)]
    # What else is called like code may be another rule, or the events to try it on.
    code = [each for each in beside if each.suffix in TEXT_SUFFIXES]
    halves = [*code, *(each for each in beside if code and _is_description(each))]
    is_code = path in halves
    beside = [each for each in beside if each == path or rule_path_of(each.name) or (is_code and each in halves)]
    if root is None and not is_code:
        texts = [read_rule_directory(each) for each in beside]
        loaded = load([file for each in texts for file in each.files])
        return replace(loaded, problems=[problem for each in texts for problem in each.problems] + loaded.problems)
    root = path.parent if root is None else root
    if not root.is_dir():
        raise RulesError([Problem(str(root), "is no directory", "name the directory around the rule file")])
    below = path.parent.resolve()
    if not below.is_relative_to(root.resolve()):
        raise RulesError([Problem(str(path), f"is not below {root}", "name the directory that it is in")])
    return load_rules(root).only({(below / each.name).relative_to(root.resolve()).as_posix() for each in beside})


def _is_description(path: Path) -> bool:
    texts = read_rule_directory(path)
    with suppress(DocumentError):
        return any(is_described(RuleFile(name, documents(text, is_json=False))) for name, text in texts.files)
    return False


def _name(path: Path) -> str:
    return PurePosixPath(rule_path_of(path.name) or path.stem).name
